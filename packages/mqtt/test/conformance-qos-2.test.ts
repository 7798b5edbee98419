// SPDX-License-Identifier: Apache-2.0
// Of QoS 2: statements of both versions, each test named after those it would fail for.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { AnswerPacket } from '@sealpost/mqtt';
import { FakeClock } from '@sealpost/testing';
import { lasting, Peer, texts, type Sent } from './peer.ts';
import { run } from './support.ts';

/** MQTT 5.0 §3.5.2.1. */
const pubrecCodes = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);

const qos2 = (packetId: number): Sent => ({ qos: 2, packetId });

function answer(type: AnswerPacket['type'], packetId = 0, reasonCode = 0): AnswerPacket {
  return { type, packetId, reasonCode };
}

/** A message with QoS 2 from a client of its own, to the end of its exchange. */
async function publishOnce(port: number, topic: string, text: string, sent: Sent = {}): Promise<void> {
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  writer.publish(topic, text, { ...qos2(1), ...sent });
  assert.equal((await writer.next())?.type, 'pubrec');
  writer.send(answer('pubrel', 1));
  assert.equal((await writer.next())?.type, 'pubcomp');
  await writer.leave();
}

for (const version of [4, 5] as const) {
  test(`[MQTT-4.3.3-8] [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12] [MQTT-2.2.1-5] [MQTT-3.3.4-1] [MQTT3-2.3.1-6] [MQTT3-3.3.4-1] [MQTT3-4.3.3-2] received: PUBREC, passed on once, PUBCOMP, then a new message, version ${version}`, async (t) => {
    const { port, application } = await run(t);
    const first = await Peer.connected(port, version, lasting(version));
    for (const dup of [false, true, true]) {
      first.publish('held/a', 'x', { ...qos2(0x1234), dup });
      assert.deepEqual(await first.next(), answer('pubrec', 0x1234));
    }
    first.raw.destroy();
    const second = await Peer.connected(port, version, lasting(version));
    second.publish('held/a', 'x', { ...qos2(0x1234), dup: true });
    assert.deepEqual(await second.next(), answer('pubrec', 0x1234));
    assert.equal(application.published.length, 1);
    second.send(answer('pubrel', 0x1234));
    assert.deepEqual(await second.next(), answer('pubcomp', 0x1234));
    second.publish('held/a', 'x', qos2(0x1234));
    assert.deepEqual(await second.next(), answer('pubrec', 0x1234));
    assert.equal(application.published.length, 2);
  });

  test(`[MQTT-4.3.3-1] [MQTT-4.3.3-2] [MQTT-4.3.3-4] [MQTT-2.2.1-4] [MQTT3-2.3.1-4] [MQTT3-4.3.3-1] sent: identifiers that are free, DUP 0, PUBREL after PUBREC, version ${version}`, async (t) => {
    const { port } = await run(t);
    const reader = await Peer.connected(port, version);
    assert.deepEqual(await reader.subscribe([{ filter: 'a', qos: 2 }]), [2]);
    const open: number[] = [];
    for (let i = 0; i < 6; i++) {
      await publishOnce(port, 'a', String(i));
      const { packetId = 0, qos, dup } = await reader.message();
      assert.deepEqual([qos, dup, packetId > 0, open.includes(packetId)], [2, false, true, false]);
      open.push(packetId);
    }
    for (const packetId of open.splice(3)) {
      reader.send(answer('pubrec', packetId));
      assert.deepEqual(await reader.next(), answer('pubrel', packetId));
      reader.send(answer('pubcomp', packetId));
    }
    assert.deepEqual(await reader.settled(), []);
  });

  test(`[MQTT-4.3.3-3] [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.4.0-1] [MQTT3-4.3.3-1] [MQTT3-4.4.0-1] sent: PUBLISH until PUBREC, PUBREL until PUBCOMP, on the next connection, version ${version}`, async (t) => {
    const { port } = await run(t);
    const first = await Peer.connected(port, version, lasting(version));
    await first.subscribe([{ filter: 'a', qos: 2 }]);
    for (const text of ['1', '2']) await publishOnce(port, 'a', text);
    const [one, two] = [await first.message(), await first.message()];
    first.send(answer('pubrec', one.packetId));
    assert.deepEqual(await first.settled(), [answer('pubrel', one.packetId)]);
    first.raw.destroy();
    const second = await Peer.connected(port, version, lasting(version));
    const [pubrel, publish, ...more] = await second.settled();
    assert.deepEqual(pubrel, answer('pubrel', one.packetId));
    assert.ok(publish?.type === 'publish');
    assert.deepEqual([publish.packetId, publish.dup, texts([publish])], [two.packetId, true, ['2']]);
    assert.deepEqual(more, []);
    second.send(answer('pubcomp', one.packetId));
    second.send(answer('pubrec', two.packetId));
    assert.deepEqual(await second.settled(), [answer('pubrel', two.packetId)]);
    second.raw.destroy();
    const third = await Peer.connected(port, version, lasting(version));
    assert.deepEqual(await third.settled(), [answer('pubrel', two.packetId)]);
    third.send(answer('pubcomp', two.packetId));
    await third.settled();
    await third.leave();
    const fourth = await Peer.connected(port, version, lasting(version));
    assert.deepEqual(await fourth.settled(), []);
  });
}

test('[MQTT-4.3.3-9] a refused message may come again as a new one', async (t) => {
  const { port, application } = await run(t);
  const codes = [0x87, 0x97, 0];
  application.onPublish = () => ({ reasonCode: codes[application.published.length - 1] ?? 0 });
  const peer = await Peer.connected(port, 5);
  for (const reasonCode of codes) {
    peer.publish('held/a', 'x', qos2(7));
    assert.deepEqual(await peer.next(), answer('pubrec', 7, reasonCode));
  }
  assert.equal(application.published.length, 3);
});

test('[MQTT-4.4.0-2] a PUBREC that refuses ends it: no PUBREL, not sent again', async (t) => {
  const { port } = await run(t);
  const first = await Peer.connected(port, 5, lasting(5));
  await first.subscribe([{ filter: 'a', qos: 2 }]);
  await publishOnce(port, 'a', 'x');
  const { packetId } = await first.message();
  first.send(answer('pubrec', packetId, 0x83));
  assert.deepEqual(await first.settled(), []);
  first.raw.destroy();
  const second = await Peer.connected(port, 5, lasting(5));
  assert.deepEqual(await second.settled(), []);
});

test('[MQTT-4.3.3-7] [MQTT-4.3.3-13] what was begun is completed, though it has expired', async (t) => {
  const clock = new FakeClock();
  const { port } = await run(t, { clock });
  const first = await Peer.connected(port, 5, lasting(5));
  await first.subscribe([{ filter: 'a', qos: 2 }]);
  const writer = await Peer.connected(port, 5, { clientId: 'other writer' });
  writer.publish('a', 'x', { ...qos2(3), messageExpirySeconds: 5 });
  assert.equal((await writer.next())?.type, 'pubrec');
  const sent = await first.message();
  first.raw.destroy();
  clock.advance(10_000);
  writer.send(answer('pubrel', 3));
  assert.deepEqual(await writer.next(), answer('pubcomp', 3));
  const second = await Peer.connected(port, 5, lasting(5));
  const again = await second.message();
  assert.deepEqual([again.packetId, again.dup, texts([again])], [sent.packetId, true, ['x']]);
  second.send(answer('pubrec', again.packetId));
  assert.deepEqual(await second.next(), answer('pubrel', again.packetId));
});

test('[MQTT-3.5.2-1] [MQTT-3.5.2-2] [MQTT-3.5.2-3] PUBREC has one of its reason codes, and fits', async (t) => {
  const { port, application } = await run(t);
  application.onPublish = ({ topic }) => {
    if (topic === 'held/throws') throw new Error('bug');
    const reasonCode = topic === 'held/no' ? 0x87 : 0;
    return { reasonCode, reasonString: 'x'.repeat(100), userProperties: [['a', 'x'.repeat(100)]] };
  };
  const peer = await Peer.connected(port, 5, { properties: { maximumPacketSize: 80 } });
  const topics = ['held/a', 'held/no', 'held/throws', 'nobody', 'secret/a', 'a/'.repeat(40)];
  for (const [index, topic] of topics.entries()) peer.publish(topic, 'x', qos2(index + 1));
  const codes: number[] = [];
  for (const _ of topics) {
    const bytes = await peer.raw.packet();
    assert.ok(bytes !== undefined && bytes[0] === 0x50 && bytes.length <= 80);
    codes.push(bytes[1] === 2 ? 0 : bytes[4]!);
  }
  assert.deepEqual(codes, [0, 0x87, 0x80, 0x10, 0x87, 0x90]);
  assert.ok(codes.every((code) => pubrecCodes.has(code)));
});

test('[MQTT-3.6.2-1] [MQTT-3.6.2-2] [MQTT-3.6.2-3] [MQTT-3.7.2-1] [MQTT-3.7.2-2] [MQTT-3.7.2-3] PUBREL and PUBCOMP have a reason code and no properties', async (t) => {
  const { port } = await run(t);
  const peer = await Peer.connected(port, 5);
  peer.publish('held/a', 'x', qos2(3));
  assert.equal((await peer.raw.packet())?.toString('hex'), '50020003');
  await peer.subscribe([{ filter: 'a', qos: 2 }]);
  await publishOnce(port, 'a', 'x');
  const { packetId = 0 } = await peer.message();
  const id = packetId.toString(16).padStart(4, '0');
  for (const [hex, expected] of [
    [`5002${id}`, `6202${id}`],
    ['50020fff', '62030fff92'],
    ['62020003', '70020003'],
    ['62020fff', '70030fff92'],
  ] as const) {
    peer.raw.send(hex);
    assert.equal((await peer.raw.packet())?.toString('hex'), expected);
  }
});
