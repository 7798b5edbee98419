// SPDX-License-Identifier: Apache-2.0
// Of CONNECT and CONNACK: statements of both versions, each test named after those it would fail for.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Packet, Will } from '@sealpost/mqtt';
import { FakeClock } from '@sealpost/testing';
import { lasting, Peer, texts } from './peer.ts';
import { dial, run } from './support.ts';

/** MQTT 5.0 §3.2.2.2. */
const connackCodes = new Set([
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a,
  0x9b, 0x9c, 0x9d, 0x9f,
]);

for (const version of [4, 5] as const) {
  test(`[MQTT-3.1.4-5] [MQTT-3.2.0-1] [MQTT-3.2.0-2] [MQTT-3.2.2-1] [MQTT3-3.1.4-4] [MQTT3-3.2.0-1] CONNACK is the first packet, and the only one of its kind, version ${version}`, async (t) => {
    const { port } = await run(t);
    const peer = await Peer.open(port, version);
    peer.send({ type: 'pingreq' });
    peer.publish('a', 'x', { qos: 1, packetId: 1 });
    const first = await peer.raw.packet();
    assert.deepEqual([first?.[0], first?.[2], first?.[3]], [0x20, 0, 0]);
    peer.send({ type: 'disconnect', reasonCode: 0, properties: {} });
    const types = (await peer.rest()).map(({ type }) => type);
    assert.deepEqual(types, ['pingresp', 'puback']);
  });

  test(`[MQTT-3.1.2-4] [MQTT-3.1.4-4] [MQTT-3.2.2-2] [MQTT3-3.1.2-6] [MQTT3-3.1.4-3] [MQTT3-3.2.2-1] a clean start leaves nothing of the old session, version ${version}`, async (t) => {
    const { port } = await run(t);
    const before = await Peer.connected(port, version, lasting(version));
    await before.subscribe([{ filter: 'a', qos: 1 }]);
    await before.leave();
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    writer.publish('a', 'waiting', { qos: 1, packetId: 1 });
    await writer.settled();
    const clean = await Peer.open(port, version, { ...lasting(version), cleanStart: true });
    assert.equal((await clean.connack()).sessionPresent, false);
    writer.publish('a', 'later', { qos: 1, packetId: 2 });
    await writer.settled();
    assert.deepEqual(await clean.settled(), []);
  });

  test(`[MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.1.2-23] [MQTT-3.1.3-2] [MQTT-3.2.2-3] [MQTT3-3.1.2-4] [MQTT3-3.1.2-5] [MQTT3-3.1.3-2] [MQTT3-3.2.2-2] [MQTT3-3.2.2-3] a session is made, kept and found again by its identifier, version ${version}`, async (t) => {
    const { port } = await run(t);
    const first = await Peer.open(port, version, lasting(version));
    assert.equal((await first.connack()).sessionPresent, false);
    await first.subscribe([{ filter: 'a', qos: 1 }]);
    await first.leave();
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    writer.publish('a', 'while away', { qos: 1, packetId: 1 });
    await writer.settled();
    const other = await Peer.open(port, version, { ...lasting(version), clientId: 'PEER' });
    assert.equal((await other.connack()).sessionPresent, false);
    assert.deepEqual(await other.settled(), []);
    const again = await Peer.open(port, version, lasting(version));
    assert.equal((await again.connack()).sessionPresent, true);
    assert.deepEqual(texts(await again.messages()), ['while away']);
  });

  test(`[MQTT-3.1.3-5] [MQTT3-3.1.3-5] identifiers of 1 to 23 letters and digits, version ${version}`, async (t) => {
    const { port } = await run(t);
    for (const clientId of [
      'a',
      '0',
      'abcdefghijklmnopqrstuvw',
      'xyzABCDEFGHIJKLMNOPQRST',
      'UVWXYZ0123456789',
    ])
      await (await Peer.connected(port, version, { clientId })).leave();
  });

  test(`[MQTT-3.1.3-6] [MQTT-3.2.2-16] [MQTT3-3.1.3-6] clients without an identifier do not meet, version ${version}`, async (t) => {
    const { port, server, application } = await run(t);
    const [one, two] = [
      await Peer.connected(port, version, { clientId: '' }),
      await Peer.connected(port, version, { clientId: '' }),
    ];
    assert.equal(server.stats.sessions, 2);
    assert.ok([...application.sessions.keys()].every((clientId) => clientId.length > 0));
    for (const peer of [one, two]) {
      await peer.subscribe([{ filter: 'a', qos: 0 }]);
      assert.deepEqual(await peer.settled(), []);
    }
    one.publish('a', 'x');
    assert.deepEqual(texts(await one.messages()), ['x']);
    assert.deepEqual(texts(await two.messages()), ['x']);
  });

  test(`[MQTT-3.1.3-8] [MQTT3-3.1.3-9] an identifier that is too long, version ${version}`, async (t) => {
    const { port } = await run(t);
    const peer = await Peer.open(port, version, { clientId: 'x'.repeat(300) });
    const [connack, ...more] = await peer.raw.rest();
    assert.equal(connack?.slice(4, 8), version === 5 ? '0085' : '0002');
    assert.deepEqual(more, []);
  });

  test(`[MQTT-3.1.4-3] [MQTT3-3.1.4-2] a second connection of a client ends the first, version ${version}`, async (t) => {
    const { port } = await run(t);
    const first = await Peer.connected(port, version);
    await Peer.connected(port, version);
    assert.deepEqual(await first.raw.rest(), version === 5 ? ['e0028e00'] : []);
  });

  test(`[MQTT-3.1.4-2] [MQTT-3.1.4-6] [MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-3.14.0-1] [MQTT-4.13.2-1] [MQTT3-3.1.4-5] [MQTT3-3.2.2-4] [MQTT3-3.2.2-5] a refused client gets CONNACK and nothing else, and is not heard, version ${version}`, async (t) => {
    const { port, application } = await run(t);
    const peer = await Peer.open(port, version, { username: 'mallory' });
    peer.publish('held/a', 'unheard', { qos: 1, packetId: 1 });
    peer.send({ type: 'pingreq' });
    const [connack, ...more] = await peer.raw.rest();
    assert.equal(connack?.slice(-8).length, 8);
    assert.equal(connack?.slice(4, 8), version === 5 ? '0086' : '0004');
    assert.deepEqual(more, []);
    assert.deepEqual(application.published, []);
    assert.deepEqual(application.log, []);
  });

  test(`[MQTT-3.1.2-22] [MQTT-3.2.2-22] [MQTT3-3.1.2-24] the client's keep alive counts, one and a half times, version ${version}`, async (t) => {
    const clock = new FakeClock();
    const { port, server } = await run(t, { clock });
    const peer = await Peer.open(port, version, { keepAliveSeconds: 10 });
    assert.equal((await peer.connack()).properties.serverKeepAliveSeconds, undefined);
    clock.advance(14_500);
    assert.deepEqual(await peer.settled(), []);
    clock.advance(14_500);
    assert.equal(server.stats.connections, 1);
    clock.advance(1_000);
    assert.deepEqual(
      (await peer.raw.rest()).map((hex) => hex.slice(0, 2) + hex.slice(4, 6)),
      version === 5 ? ['e08d'] : [],
    );
  });

  test(`[MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.14.4-3] [MQTT3-3.1.2-8] [MQTT3-3.1.2-10] [MQTT3-3.1.2-12] [MQTT3-3.14.4-3] a Will goes once, when the connection breaks, version ${version}`, async (t) => {
    const clock = new FakeClock();
    const { port, server } = await run(t, { clock, limits: { sessionExpirySecondsMax: 60 } });
    const reader = await Peer.connected(port, version, { clientId: 'reader' });
    await reader.subscribe([{ filter: 'will/#', qos: 1 }]);
    const polite = await Peer.connected(port, version, { clientId: 'polite', will: will('will/polite') });
    await polite.leave();
    const silent = await Peer.connected(port, version, { clientId: 'silent' });
    silent.raw.destroy();
    const broken = await Peer.connected(port, version, {
      ...lasting(version),
      clientId: 'broken',
      will: will('will/broken'),
    });
    assert.deepEqual(await reader.settled(), []);
    broken.raw.destroy();
    const { topic, packetId } = await reader.message();
    assert.equal(topic, 'will/broken');
    reader.acknowledge(packetId);
    const back = await Peer.connected(port, version, { ...lasting(version), clientId: 'broken' });
    back.raw.destroy();
    while (server.stats.connections > 1) await new Promise((resolve) => void setImmediate(resolve));
    clock.advance(61_000);
    assert.equal(server.stats.sessions, 1);
    assert.deepEqual(await reader.settled(), []);
  });

  test(`[MQTT-3.1.2-14] [MQTT-3.1.2-15] [MQTT3-3.1.2-16] [MQTT3-3.1.2-17] a Will is retained as it asks, version ${version}`, async (t) => {
    const { port } = await run(t);
    const reader = await Peer.connected(port, version, { clientId: 'reader' });
    await reader.subscribe([{ filter: 'will/#', qos: 0 }]);
    for (const retain of [false, true]) {
      const peer = await Peer.connected(port, version, { will: { ...will(`will/${retain}`), retain } });
      peer.raw.destroy();
      assert.equal((await reader.message()).topic, `will/${retain}`);
    }
    const late = await Peer.connected(port, version, { clientId: 'late' });
    await late.subscribe([{ filter: 'will/#', qos: 0 }]);
    const retained = await late.messages();
    assert.deepEqual(
      retained.map(({ topic, retain }) => [topic, retain]),
      [['will/true', true]],
    );
  });
}

function will(topic: string): Will {
  return { topic, payload: Buffer.from('gone'), qos: 1, retain: false, properties: {} };
}

test('[MQTT-3.1.3-7] an assigned identifier is told, and is as good as one of the client', async (t) => {
  const { port } = await run(t);
  const first = await Peer.open(port, 5, { ...lasting(5), clientId: '' });
  const { assignedClientId = '' } = (await first.connack()).properties;
  await first.leave();
  const again = await Peer.open(port, 5, { ...lasting(5), clientId: assignedClientId });
  const connack = await again.connack();
  assert.equal(connack.sessionPresent, true);
  assert.equal(connack.properties.assignedClientId, undefined);
});

test('[MQTT-3.1.3-10] the Will has its properties, user properties in their order', async (t) => {
  const { port } = await run(t);
  const reader = await Peer.connected(port, 5, { clientId: 'reader' });
  await reader.subscribe([{ filter: 'will', qos: 0 }]);
  const userProperties = [
    ['b', '1'],
    ['a', '2'],
    ['b', '1'],
    ['c', ''],
  ] as const;
  const properties = { userProperties, contentType: 'text/plain', payloadFormat: 1, responseTopic: 'r' };
  const peer = await Peer.connected(port, 5, { will: { ...will('will'), properties } });
  peer.raw.destroy();
  const message = await reader.message();
  assert.deepEqual(message.userProperties, userProperties);
  assert.deepEqual(
    [message.contentType, message.payloadFormat, message.responseTopic],
    ['text/plain', 1, 'r'],
  );
});

test('[MQTT-3.1.2-28] [MQTT-4.12.0-6] CONNACK has nothing that was not asked for', async (t) => {
  const { port } = await run(t);
  for (const properties of [{}, { requestResponseInformation: 0 }]) {
    const peer = await Peer.open(port, 5, { properties });
    const connack = await peer.connack();
    assert.equal(connack.properties.responseInformation, undefined);
    assert.equal(connack.properties.authenticationMethod, undefined);
    assert.equal(connack.properties.authenticationData, undefined);
    assert.deepEqual(await peer.settled(), []);
  }
});

test('[MQTT-3.2.2-8] whatever a CONNECT is refused for, the reason code is one of CONNACK', async (t) => {
  const { port } = await run(t, { limits: { sessions: 1 } });
  await Peer.connected(port, 5, { clientId: 'only' });
  const refused: Packet[] = [];
  for (const options of [
    { clientId: 'full' },
    { username: 'mallory' },
    { clientId: 'x'.repeat(300) },
    { properties: { authenticationMethod: 'x' } },
    { will: will('secret/x') },
    { will: will('x/'.repeat(100)) },
  ])
    refused.push(await (await Peer.open(port, 5, options)).connack());
  const codes = refused.map((packet) => (packet.type === 'connack' ? packet.reasonCode : -1));
  assert.deepEqual(
    codes.filter((code) => code < 0x80 || !connackCodes.has(code)),
    [],
  );
});

test('[MQTT3-3.2.2-6] [MQTT3-3.1.4-1] no return code fits, so there is no CONNACK', async (t) => {
  const { port } = await run(t);
  for (const options of [{ will: will('x/'.repeat(100)) }, { will: { ...will('w'), qos: 3 as 2 } }]) {
    const peer = await Peer.open(port, 4, options);
    assert.deepEqual(await peer.raw.rest(), []);
  }
});

test('[MQTT-3.1.2-24] [MQTT-3.2.2-19] [MQTT-3.2.2-20] CONNACK fits the client, or there is none', async (t) => {
  const { port, application } = await run(t);
  const long = 'x'.repeat(200);
  application.authenticate = async ({ username }) =>
    username === 'mallory'
      ? { reasonCode: 0x86, reasonString: long, userProperties: [['a', long]] }
      : { principal: { name: 'ann' }, account: 'ann', userProperties: [['a', long]] };
  for (const maximumPacketSize of [2, 10, 40, 300]) {
    for (const options of [{ username: 'mallory' }, { username: 'ann', clientId: '' }]) {
      const peer = await Peer.open(port, 5, { ...options, properties: { maximumPacketSize } });
      const bytes = await peer.raw.packet();
      assert.ok((bytes?.length ?? 0) <= maximumPacketSize, `${bytes?.length} for ${maximumPacketSize}`);
      if (maximumPacketSize < 5) assert.equal(bytes, undefined);
      else
        assert.equal(
          bytes?.[bytes[1]! < 0x80 ? 3 : 4],
          options.username === 'mallory' ? 0x86 : maximumPacketSize < 60 ? 0x95 : 0,
        );
      peer.raw.destroy();
    }
  }
  assert.equal((await dial(port, { username: 'ann' })).connack.userProperties.length, 1);
});
