// SPDX-License-Identifier: Apache-2.0
// Of SUBSCRIBE, UNSUBSCRIBE, PINGREQ and their answers: statements of both versions, each test named after those it
// would fail for.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Packet } from '@sealpost/mqtt';
import { lasting, Peer, texts } from './peer.ts';
import { run } from './support.ts';

/** MQTT 5.0 §3.9.3. */
const subackCodes = new Set([0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2]);

function unsubscribe(packetId: number, ...filters: string[]): Packet {
  return { type: 'unsubscribe', packetId, filters, properties: {} };
}

for (const version of [4, 5] as const) {
  test(`[MQTT-2.2.1-6] [MQTT-2.2.2-1] [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.12.4-1] [MQTT3-2.3.1-7] [MQTT3-3.8.4-1] [MQTT3-3.8.4-2] [MQTT3-3.10.4-4] [MQTT3-3.10.4-5] [MQTT3-3.12.4-1] the answers, byte by byte, version ${version}`, async (t) => {
    const { port } = await run(t);
    const { raw } = await Peer.connected(port, version);
    const answers: [string, string][] =
      version === 5
        ? [
            ['82 07 1234 00 0001 61 01', '900412340001'],
            ['a2 06 1235 00 0001 61', 'b00412350000'],
            ['a2 06 1236 00 0001 61', 'b00412360011'],
            ['c0 00', 'd000'],
          ]
        : [
            ['82 06 1234 0001 61 01', '9003123401'],
            ['a2 05 1235 0001 61', 'b0021235'],
            ['a2 05 1236 0001 61', 'b0021236'],
            ['c0 00', 'd000'],
          ];
    for (const [hex, expected] of answers) {
      raw.send(hex);
      assert.equal((await raw.packet())?.toString('hex'), expected);
    }
  });

  test(`[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2] [MQTT3-3.8.4-4] [MQTT3-3.8.4-5] [MQTT3-3.9.3-1] [MQTT3-3.9.3-2] several filters: one answer, one code each, in their order, version ${version}`, async (t) => {
    const { port } = await run(t, { limits: { subscriptionsPerSession: 3 } });
    const peer = await Peer.connected(port, version);
    const codes = await peer.subscribe([
      { filter: 'a', qos: 0 },
      { filter: 'secret/x', qos: 1 },
      { filter: 'b', qos: 1 },
      { filter: 'a/#/b', qos: 1 },
      { filter: 'held/no', qos: 1 },
      { filter: '', qos: 1 },
      { filter: 'c', qos: 0 },
      { filter: 'too-many', qos: 0 },
      { filter: 'b', qos: 0 },
    ]);
    const named = [0, 0x87, 1, 0x8f, 0x87, 0x8f, 0, 0x97, 0];
    assert.deepEqual(codes, version === 5 ? named : named.map((code) => (code < 0x80 ? code : 0x80)));
    assert.ok(
      codes.every((code) => (version === 5 ? subackCodes.has(code) : [0, 1, 2, 0x80].includes(code))),
    );
    for (const topic of ['a', 'b', 'c', 'too-many']) peer.publish(topic, topic, { qos: 0 });
    assert.deepEqual(texts(await peer.messages()), ['a', 'b', 'c']);
  });

  test(`[MQTT-3.8.4-3] [MQTT-3.8.4-4] [MQTT3-3.8.4-3] the same filter again replaces the subscription and loses nothing, version ${version}`, async (t) => {
    const { port, server } = await run(t);
    const peer = await Peer.connected(port, version);
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    writer.publish('a', 'retained', { retain: true });
    await writer.settled();
    await peer.subscribe([{ filter: 'a', qos: 1 }]);
    assert.deepEqual(texts(await peer.messages()), ['retained']);
    writer.publish('a', 'before', { qos: 1, packetId: 1 });
    await writer.settled();
    const before = await peer.message();
    assert.deepEqual([...texts([before]), before.qos], ['before', 1]);
    await peer.subscribe([{ filter: 'a', qos: 0 }]);
    writer.publish('a', 'after', { qos: 1, packetId: 1 });
    await writer.settled();
    const after = await peer.messages();
    assert.deepEqual(texts(after), ['retained', 'after']);
    assert.deepEqual(
      after.map(({ qos }) => qos),
      [0, 0],
    );
    assert.equal(server.stats.subscriptions, 1);
    peer.acknowledge(before.packetId);
    peer.send(unsubscribe(1, 'a'));
    assert.equal((await peer.next())?.type, 'unsuback');
    writer.publish('a', 'x');
    await writer.settled();
    assert.deepEqual(await peer.settled(), []);
  });

  test(`[MQTT-3.8.4-8] [MQTT3-3.8.4-6] the lower of what was published and what was granted, version ${version}`, async (t) => {
    const { port } = await run(t);
    const peer = await Peer.connected(port, version);
    await peer.subscribe([
      { filter: 'zero', qos: 0 },
      { filter: 'one', qos: 1 },
    ]);
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    for (const topic of ['zero', 'one']) {
      writer.publish(topic, '0');
      writer.publish(topic, '1', { qos: 1, packetId: 1 });
    }
    await writer.settled();
    const levels = (await peer.messages()).map(({ topic, qos }) => `${topic} ${qos}`);
    assert.deepEqual(levels, ['zero 0', 'zero 0', 'one 0', 'one 1']);
  });

  test(`[MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] [MQTT3-3.10.4-1] [MQTT3-3.10.4-2] [MQTT3-3.10.4-6] only the equal filters go, with one answer, and nothing more comes for them, version ${version}`, async (t) => {
    const { port } = await run(t);
    const peer = await Peer.connected(port, version);
    await peer.subscribe(
      ['a/+', 'A/+', 'a/b', 'é', 'c', 'd/#'].map((filter) => ({ filter, qos: 0 as const })),
    );
    peer.send(unsubscribe(7, 'a/#', 'A/+', '+/+', 'e\u0301', 'c', 'c', 'd'));
    const answer = await peer.next();
    assert.ok(answer?.type === 'unsuback');
    assert.equal(answer.packetId, 7);
    if (version === 5) assert.deepEqual(answer.reasonCodes, [0x11, 0, 0x11, 0x11, 0, 0x11, 0x11]);
    for (const topic of ['a/b', 'A/b', 'é', 'c', 'd/e']) peer.publish(topic, topic);
    assert.deepEqual(texts(await peer.messages()), ['a/b', 'é', 'd/e']);
  });

  test(`[MQTT-3.10.4-3] [MQTT3-3.10.4-3] what was begun before UNSUBSCRIBE is completed, on the next connection too, version ${version}`, async (t) => {
    const { port } = await run(t);
    const first = await Peer.connected(port, version, lasting(version));
    await first.subscribe([{ filter: 'a', qos: 1 }]);
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    writer.publish('a', 'begun', { qos: 1, packetId: 1 });
    await writer.settled();
    const begun = await first.message();
    first.send(unsubscribe(2, 'a'));
    assert.equal((await first.next())?.type, 'unsuback');
    first.raw.destroy();
    const second = await Peer.connected(port, version, lasting(version));
    const [again, ...more] = await second.messages();
    assert.deepEqual([again?.packetId, again?.dup, more], [begun.packetId, true, []]);
  });
}

test('[MQTT-3.8.3-3] No Local: nothing of one’s own client, all of the others', async (t) => {
  const { port } = await run(t);
  const peer = await Peer.connected(port, 5);
  await peer.subscribe([{ filter: 'a', qos: 0, noLocal: true }]);
  const other = await Peer.connected(port, 5, { clientId: 'other' });
  peer.publish('a', 'own');
  assert.deepEqual(await peer.settled(), []);
  other.publish('a', 'of another');
  await other.settled();
  assert.deepEqual(texts(await peer.messages()), ['of another']);
});

test('[MQTT-3.1.2-29] SUBACK gives no reason to who wants no problem information', async (t) => {
  const { port } = await run(t);
  const peer = await Peer.connected(port, 5, { properties: { requestProblemInformation: 0 } });
  peer.raw.send('82 0d 0001 00 0007 68656c642f6e6f 01');
  assert.equal((await peer.raw.packet())?.toString('hex'), '900400010087');
});

test('[MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.11.2-1] [MQTT-3.11.2-2] SUBACK and UNSUBACK fit the client', async (t) => {
  const { port, application } = await run(t);
  application.subscribe = () => ({ reasonCode: 0x87, reasonString: 'x'.repeat(100) });
  for (const maximumPacketSize of [60, 200]) {
    const peer = await Peer.connected(port, 5, {
      properties: { maximumPacketSize },
      clientId: String(maximumPacketSize),
    });
    peer.send({
      type: 'subscribe',
      packetId: 1,
      subscriptions: [{ filter: 'held/a', qos: 0 }],
      properties: {},
    });
    const suback = await peer.next();
    assert.ok(suback?.type === 'suback');
    const expected = maximumPacketSize === 60 ? {} : { reasonString: 'x'.repeat(100) };
    assert.deepEqual(suback.properties, expected);
    peer.send(unsubscribe(2, 'held/a'));
    assert.equal((await peer.raw.packet())?.toString('hex'), 'b00400020011');
  }
});
