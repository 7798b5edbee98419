// SPDX-License-Identifier: Apache-2.0
// Of DISCONNECT, sessions and the transport: statements of both versions, each test named after those it would fail
// for.
import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '@sealpost/testing';
import { lasting, Peer, texts } from './peer.ts';
import { connectHex, RawClient } from './raw.ts';
import { run } from './support.ts';

/** MQTT 5.0 §3.14.2.1, of those a server may send. */
const disconnectCodes = new Set([
  0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
  0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
]);

for (const version of [4, 5] as const) {
  test(`[MQTT-4.1.0-1] [MQTT-4.1.0-2] [MQTT3-4.1.0-1] [MQTT3-4.1.0-2] a session lasts as long as its connection, and then until it expires, version ${version}`, async (t) => {
    const clock = new FakeClock();
    const { port, server } = await run(t, { clock, limits: { sessionExpirySecondsMax: 60 } });
    const first = await Peer.connected(port, version, lasting(version));
    await first.subscribe([{ filter: 'a', qos: 1 }]);
    clock.advance(600_000);
    first.publish('a', 'still here');
    assert.deepEqual(texts(await first.messages()), ['still here']);
    await first.leave();
    clock.advance(59_000);
    assert.equal(server.stats.sessions, 1);
    const second = await Peer.open(port, version, lasting(version));
    assert.equal((await second.connack()).sessionPresent, true);
    await second.leave();
    clock.advance(61_000);
    assert.deepEqual([server.stats.sessions, server.stats.subscriptions], [0, 0]);
    const third = await Peer.open(port, version, lasting(version));
    assert.equal((await third.connack()).sessionPresent, false);
  });

  test(`[MQTT-3.14.4-1] [MQTT-3.14.4-2] [MQTT3-3.14.4-1] [MQTT3-3.14.4-2] after DISCONNECT of the client nothing is heard or said, version ${version}`, async (t) => {
    const { port, application } = await run(t);
    const peer = await Peer.connected(port, version);
    const publish = version === 5 ? '32 0b 0006 68656c642f61 0001 00' : '32 0a 0006 68656c642f61 0001';
    peer.raw.send(`e0 00 c0 00 ${publish}`);
    assert.deepEqual(await peer.raw.rest(), []);
    assert.deepEqual(application.published, []);
  });

  test(`[MQTT-4.2.0-1] [MQTT3-7.1.1-1] [MQTT3-7.0.0-2] bytes come and go in order, however they are cut, and the bare standard is enough, version ${version}`, async (t) => {
    const { port, application } = await run(t);
    const client = await RawClient.open(port);
    const bytes = connectHex(version, 'bare').match(/../g) ?? [];
    for (const byte of bytes) client.send(byte);
    assert.equal((await client.packet())?.[3], 0);
    const peer = await Peer.connected(port, version);
    const long = Array.from({ length: 20_000 }, (_, index) => String(index)).join(' ');
    peer.publish('held/a', long, { qos: 1, packetId: 1 });
    assert.equal((await peer.next())?.type, 'puback');
    assert.equal(Buffer.from(application.published[0]?.payload ?? []).toString(), long);
    client.destroy();
  });
}

test('[MQTT-3.14.2-1] [MQTT-3.14.2-2] [MQTT-3.14.4-1] [MQTT-3.14.4-2] [MQTT-4.13.2-1] whatever the server ends a connection for, DISCONNECT is its last packet', async (t) => {
  const clock = new FakeClock();
  const { port, application, server } = await run(t, { clock, limits: { receiveMaximum: 1 } });
  application.onPublish = () => new Promise(() => undefined);
  const ends: [string, (peer: Peer) => unknown][] = [
    ['malformed', (peer) => peer.raw.send('00 00')],
    ['protocol error', (peer) => peer.send({ type: 'auth', reasonCode: 0, properties: {} })],
    ['too large', (peer) => peer.raw.send('30 ffffff7f')],
    [
      'Receive Maximum',
      (peer) => [1, 2].map((packetId) => peer.publish('held/a', 'x', { qos: 1, packetId })),
    ],
    ['taken over', () => Peer.connected(port, 5)],
    ['of the application', () => application.sessions.get('peer')?.disconnect(0x98, 'because')],
    ['ended', () => application.sessions.get('peer')?.end(0x87)],
    ['keep alive', () => clock.advance(20_000)],
    ['shutting down', () => server.close()],
  ];
  for (const [name, end] of ends) {
    const peer = await Peer.connected(port, 5, {
      keepAliveSeconds: 10,
      properties: { sessionExpirySeconds: 60 },
    });
    void end(peer);
    const packets = await peer.rest();
    const [disconnect, ...more] = packets;
    assert.ok(disconnect?.type === 'disconnect', `${name}: ${disconnect?.type}`);
    assert.ok(disconnectCodes.has(disconnect.reasonCode) && disconnect.reasonCode >= 0x80, name);
    assert.equal(disconnect.properties.sessionExpirySeconds, undefined, name);
    assert.deepEqual(more, [], name);
  }
});

test('[MQTT-3.14.2-3] [MQTT-3.14.2-4] DISCONNECT fits the client', async (t) => {
  const { port, application } = await run(t);
  for (const maximumPacketSize of [60, 200]) {
    const peer = await Peer.connected(port, 5, { properties: { maximumPacketSize } });
    application.sessions.get('peer')?.disconnect(0x98, 'x'.repeat(100));
    const [disconnect, ...more] = await peer.rest();
    assert.ok(disconnect?.type === 'disconnect');
    assert.deepEqual(
      disconnect.properties,
      maximumPacketSize === 60 ? {} : { reasonString: 'x'.repeat(100) },
    );
    assert.deepEqual(more, []);
  }
});
