// SPDX-License-Identifier: Apache-2.0
// Of PUBLISH, its answers and what is retained: statements of both versions, each test named after those it would fail
// for.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { PublishPacket } from '@sealpost/mqtt';
import { FakeClock } from '@sealpost/testing';
import { lasting, Peer, texts } from './peer.ts';
import { run } from './support.ts';

/** MQTT 5.0 §3.4.2.1. */
const pubackCodes = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);

const qos1 = (packetId: number): { qos: 1; packetId: number } => ({ qos: 1, packetId });

for (const version of [4, 5] as const) {
  test(`[MQTT-2.2.1-2] [MQTT-2.2.2-1] [MQTT-3.3.1-2] [MQTT-4.3.1-1] [MQTT3-2.3.1-5] [MQTT3-3.3.1-2] [MQTT3-4.3.1-1] a message with QoS 0, byte by byte, version ${version}`, async (t) => {
    const { port } = await run(t);
    const peer = await Peer.connected(port, version);
    await peer.subscribe([{ filter: 'a', qos: 1 }]);
    peer.publish('a', 'x');
    const bytes = await peer.raw.packet();
    assert.equal(bytes?.toString('hex'), version === 5 ? '30050001610078' : '300400016178');
  });

  test(`[MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT3-2.3.1-1] [MQTT3-2.3.1-4] [MQTT3-4.3.2-1] identifiers of what is sent with QoS 1, version ${version}`, async (t) => {
    const { port } = await run(t);
    const reader = await Peer.connected(port, version, { clientId: 'reader' });
    await reader.subscribe([{ filter: 'a', qos: 1 }]);
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    const used = new Set<number | undefined>();
    for (let id = 1; id <= 20; id++) {
      writer.publish('a', 'x', qos1(7));
      const { packetId = 0, qos, dup } = await reader.message();
      assert.ok(packetId > 0 && !used.has(packetId));
      assert.deepEqual([qos, dup], [1, false]);
      used.add(packetId);
      await writer.next();
    }
  });

  test(`[MQTT-2.2.1-5] [MQTT-3.3.4-1] [MQTT-4.3.2-4] [MQTT3-2.3.1-6] [MQTT3-3.3.4-1] [MQTT3-4.3.2-2] PUBACK for QoS 1 and nothing for QoS 0, version ${version}`, async (t) => {
    const { port } = await run(t);
    const peer = await Peer.connected(port, version);
    peer.publish('held/a', 'x');
    assert.deepEqual(await peer.settled(), []);
    for (const packetId of [1, 0x1234, 0xffff]) {
      peer.publish('held/a', 'x', qos1(packetId));
      assert.deepEqual(await peer.settled(), [{ type: 'puback', packetId, reasonCode: 0 }]);
    }
  });

  test(`[MQTT-4.3.2-5] [MQTT3-4.3.2-2] after PUBACK an identifier is a new message, DUP or not, version ${version}`, async (t) => {
    const { port, application } = await run(t);
    const peer = await Peer.connected(port, version);
    for (const dup of [false, true, false]) {
      peer.publish('held/a', 'x', { ...qos1(9), dup });
      assert.equal((await peer.next())?.type, 'puback');
    }
    assert.equal(application.published.length, 3);
  });

  test(`[MQTT-3.3.1-3] [MQTT3-3.3.1-3] DUP of the publisher goes no further, version ${version}`, async (t) => {
    const { port } = await run(t);
    const reader = await Peer.connected(port, version, { clientId: 'reader' });
    await reader.subscribe([{ filter: 'a', qos: 1 }]);
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    writer.publish('a', 'x', { ...qos1(1), dup: true });
    assert.equal((await reader.message()).dup, false);
  });

  test(`[MQTT-3.3.1-1] [MQTT-4.3.2-3] [MQTT-4.4.0-1] [MQTT3-3.3.1-1] [MQTT3-4.3.2-1] [MQTT3-4.4.0-1] what is unacknowledged is sent again on the next connection only, in its order, version ${version}`, async (t) => {
    const clock = new FakeClock();
    const { port } = await run(t, { clock });
    const first = await Peer.connected(port, version, lasting(version));
    await first.subscribe([{ filter: 'a', qos: 1 }]);
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    for (const text of ['1', '2', '3', '4']) writer.publish('a', text, qos1(1));
    await writer.settled();
    const before = await first.messages();
    assert.deepEqual(texts(before), ['1', '2', '3', '4']);
    first.acknowledge(before[1]?.packetId);
    clock.advance(20_000);
    assert.deepEqual(await first.settled(), []);
    first.raw.destroy();
    const second = await Peer.connected(port, version, lasting(version));
    const again = await second.messages();
    assert.deepEqual(
      again.map(({ packetId, dup }, index) => [packetId, dup, texts(again)[index]]),
      [
        [before[0]?.packetId, true, '1'],
        [before[2]?.packetId, true, '3'],
        [before[3]?.packetId, true, '4'],
      ],
    );
    for (const { packetId } of again) second.acknowledge(packetId);
    await second.settled();
    await second.leave();
    const third = await Peer.connected(port, version, lasting(version));
    assert.deepEqual(await third.settled(), []);
  });

  test(`[MQTT-3.3.1-5] [MQTT-3.3.1-9] [MQTT3-3.3.1-5] [MQTT3-3.3.1-6] [MQTT3-3.3.1-8] the last retained message of each topic, with its QoS, version ${version}`, async (t) => {
    const { port } = await run(t);
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    writer.publish('r/a', 'old', { ...qos1(1), retain: true });
    writer.publish('r/a', 'new', { ...qos1(2), retain: true });
    writer.publish('r/b', 'other', { retain: true });
    writer.publish('s/c', 'elsewhere', { retain: true });
    await writer.settled();
    const reader = await Peer.connected(port, version, { clientId: 'reader' });
    await reader.subscribe([{ filter: 'r/+', qos: 1 }]);
    assert.deepEqual(summary(await reader.messages()), ['r/a new 1 retain', 'r/b other 0 retain']);
  });

  test(`[MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT3-3.3.1-10] [MQTT3-3.3.1-11] an empty retained message is delivered, deletes and is not kept, version ${version}`, async (t) => {
    const { port, server } = await run(t);
    const reader = await Peer.connected(port, version, { clientId: 'reader' });
    await reader.subscribe([{ filter: 'r/#', qos: 1 }]);
    reader.publish('r/a', 'x', { retain: true });
    reader.publish('r/a', '', { retain: true });
    reader.publish('r/never', '', { retain: true });
    assert.deepEqual(summary(await reader.messages()), ['r/a x 0', 'r/a  0', 'r/never  0']);
    assert.equal(server.stats.retained, 0);
    const late = await Peer.connected(port, version, { clientId: 'late' });
    await late.subscribe([{ filter: 'r/#', qos: 1 }]);
    assert.deepEqual(await late.settled(), []);
  });

  test(`[MQTT-3.3.1-8] [MQTT3-3.3.1-7] [MQTT3-3.3.1-12] without RETAIN nothing that is retained changes; with QoS 0 it does, version ${version}`, async (t) => {
    const { port } = await run(t);
    const peer = await Peer.connected(port, version);
    peer.publish('r', 'kept', { ...qos1(1), retain: true });
    peer.publish('r', 'passing');
    peer.publish('r', '');
    peer.publish('s', 'passing');
    await peer.settled();
    await peer.subscribe([{ filter: '+', qos: 0 }]);
    assert.deepEqual(summary(await peer.messages()), ['r kept 0 retain']);
    peer.publish('r', 'newer', { retain: true });
    assert.deepEqual(summary(await peer.messages()), ['r newer 0']);
    const late = await Peer.connected(port, version, { clientId: 'late' });
    await late.subscribe([{ filter: 'r', qos: 1 }]);
    assert.deepEqual(summary(await late.messages()), ['r newer 0 retain']);
  });

  test(`[MQTT-3.3.1-5] [MQTT3-3.3.1-7] with QoS 0 and no room for it, what the topic retained goes all the same, version ${version}`, async (t) => {
    const { port, server } = await run(t, { limits: { retainedBytesMax: 1000 } });
    const peer = await Peer.connected(port, version);
    peer.publish('r', 'old', { ...qos1(1), retain: true });
    peer.publish('r', 'x'.repeat(2000), { retain: true });
    await peer.settled();
    await peer.subscribe([{ filter: 'r', qos: 0 }]);
    assert.deepEqual(await peer.settled(), []);
    assert.equal(server.stats.retained, 0);
  });

  test(`[MQTT3-3.1.2-7] [MQTT3-3.3.1-9] retained messages outlive their session; who is subscribed sees no RETAIN, version ${version}`, async (t) => {
    const { port, server } = await run(t);
    const reader = await Peer.connected(port, version, { clientId: 'reader' });
    await reader.subscribe([{ filter: 'r', qos: 0 }]);
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    writer.publish('r', 'x', { ...qos1(1), retain: true });
    assert.deepEqual(summary([await reader.message()]), ['r x 0']);
    await writer.leave();
    await reader.leave();
    assert.equal(server.stats.sessions, 0);
    const late = await Peer.connected(port, version);
    await late.subscribe([{ filter: 'r', qos: 0 }]);
    assert.deepEqual(summary(await late.messages()), ['r x 0 retain']);
  });

  test(`[MQTT-3.3.2-3] [MQTT-4.5.0-1] [MQTT3-3.3.2-3] [MQTT3-4.5.0-1] a message reaches all that subscribed to it, here or away, and nobody else, version ${version}`, async (t) => {
    const { port } = await run(t);
    const filters = ['a/b', 'a/+', '#', 'A/b', 'a/b/c', 'a'];
    for (const clientId of filters) {
      const peer = await Peer.connected(port, version, { ...lasting(version), clientId });
      await peer.subscribe([{ filter: clientId, qos: 1 }]);
      await peer.leave();
    }
    const here = await Peer.connected(port, version, { ...lasting(version), clientId: 'a/+' });
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    writer.publish('a/b', 'x', qos1(1));
    await writer.settled();
    assert.deepEqual(summary(await here.messages()), ['a/b x 1']);
    await here.leave();
    const reached: string[] = [];
    for (const clientId of filters) {
      const peer = await Peer.connected(port, version, { ...lasting(version), clientId });
      if ((await peer.messages()).some(({ topic }) => topic === 'a/b')) reached.push(clientId);
    }
    assert.deepEqual(reached, ['a/b', 'a/+', '#']);
  });

  test(`[MQTT-3.3.4-2] [MQTT3-3.3.5-1] subscriptions that overlap: one copy, with the highest QoS, version ${version}`, async (t) => {
    const { port } = await run(t);
    const peer = await Peer.connected(port, version);
    await peer.subscribe([
      { filter: 'a/#', qos: 0 },
      { filter: 'a/+', qos: 1 },
      { filter: '#', qos: 0 },
    ]);
    peer.publish('a/b', 'x', qos1(1));
    const [message, ...more] = (await peer.settled()).filter(({ type }) => type === 'publish');
    assert.ok(message?.type === 'publish' && message.qos === 1);
    assert.deepEqual(more, []);
  });

  test(`[MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT3-4.6.0-5] [MQTT3-4.6.0-6] what one client sends to a topic arrives in that order, over a broken connection too, version ${version}`, async (t) => {
    const { port } = await run(t);
    const options = { ...lasting(version), clientId: 'reader' };
    let reader = await Peer.connected(port, version, options);
    await reader.subscribe([{ filter: 'a', qos: 1 }]);
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    const sent: string[] = [];
    for (let i = 0; i < 60; i++) {
      sent.push(String(i));
      writer.publish('a', String(i), qos1(1 + i));
      await writer.next();
    }
    const received: string[] = [];
    for (let i = 0; i < 20; i++) {
      const message = await reader.message();
      received.push(...texts([message]));
      reader.acknowledge(message.packetId);
    }
    await reader.settled();
    reader.raw.destroy();
    reader = await Peer.connected(port, version, options);
    while (received.at(-1) !== sent.at(-1)) {
      const message = await reader.message();
      received.push(...texts([message]));
      reader.acknowledge(message.packetId);
    }
    const lastCopies = sent.map((text) => received.lastIndexOf(text));
    assert.deepEqual(
      lastCopies,
      lastCopies.toSorted((a, b) => a - b),
    );
    assert.deepEqual([...new Set(received)], sent);
  });
}

function summary(messages: readonly PublishPacket[]): string[] {
  return messages.map(
    ({ topic, payload, qos, retain }) =>
      `${topic} ${Buffer.from(payload).toString()} ${qos}${retain ? ' retain' : ''}`,
  );
}

test('[MQTT3-3.3.5-2] 3.1.1 cannot be told "not authorized": the message is acknowledged and goes nowhere', async (t) => {
  const { port } = await run(t);
  const reader = await Peer.connected(port, 4, { clientId: 'reader' });
  await reader.subscribe([{ filter: '#', qos: 1 }]);
  const writer = await Peer.connected(port, 4, { clientId: 'writer' });
  writer.publish('secret/a', 'x', qos1(5));
  assert.deepEqual(await writer.settled(), [{ type: 'puback', packetId: 5, reasonCode: 0 }]);
  assert.deepEqual(await reader.settled(), []);
});

test('[MQTT-4.4.0-2] a refused message is not sent again', async (t) => {
  const { port } = await run(t);
  const first = await Peer.connected(port, 5, lasting(5));
  await first.subscribe([{ filter: 'a', qos: 1 }]);
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  writer.publish('a', 'x', qos1(1));
  first.acknowledge((await first.message()).packetId, 0x83);
  assert.deepEqual(await first.settled(), []);
  first.raw.destroy();
  const second = await Peer.connected(port, 5, lasting(5));
  assert.deepEqual(await second.settled(), []);
});

test('[MQTT-3.3.4-3] [MQTT-3.3.4-4] the one copy has the identifiers of all subscriptions that matched', async (t) => {
  const { port } = await run(t);
  const peer = await Peer.connected(port, 5);
  await peer.subscribe([{ filter: 'a/#', qos: 0 }], { subscriptionId: 1 });
  await peer.subscribe([{ filter: 'a/+', qos: 0 }], { subscriptionId: 268_435_455 });
  await peer.subscribe([{ filter: '#', qos: 0 }]);
  await peer.subscribe([{ filter: 'b', qos: 0 }], { subscriptionId: 3 });
  peer.publish('a/b', 'x');
  const [message, ...more] = await peer.messages();
  assert.deepEqual(message?.subscriptionIds?.toSorted(), [1, 268_435_455]);
  assert.deepEqual(more, []);
});

test('[MQTT-3.3.1-10] [MQTT-3.3.1-11] retained messages for a subscription that is new, or for none', async (t) => {
  const { port } = await run(t);
  const peer = await Peer.connected(port, 5);
  peer.publish('r', 'x', { retain: true });
  await peer.subscribe([{ filter: 'r', qos: 0, retainHandling: 2 }]);
  assert.deepEqual(await peer.settled(), []);
  await peer.subscribe([{ filter: 'r', qos: 0, retainHandling: 1 }]);
  assert.deepEqual(await peer.settled(), []);
  await peer.subscribe([{ filter: '+', qos: 0, retainHandling: 1 }]);
  assert.equal((await peer.messages()).length, 1);
});

test('[MQTT-3.3.1-12] [MQTT-3.3.1-13] RETAIN is forwarded to who asked for it', async (t) => {
  const { port } = await run(t);
  for (const [clientId, retainAsPublished] of [
    ['asked', true],
    ['did not', false],
  ] as const) {
    const peer = await Peer.connected(port, 5, { clientId });
    await peer.subscribe([{ filter: 'r', qos: 0, retainAsPublished, retainHandling: 2 }]);
    peer.publish('r', 'x', { retain: true });
    peer.publish('r', 'x');
    const flags = (await peer.messages()).map(({ retain }) => retain);
    assert.deepEqual(flags, [retainAsPublished, false]);
  }
});

test('[MQTT-3.3.2-5] what expired while its reader was away is not delivered', async (t) => {
  const clock = new FakeClock();
  const { port } = await run(t, { clock });
  const first = await Peer.connected(port, 5, lasting(5));
  await first.subscribe([{ filter: 'a', qos: 1 }]);
  await first.leave();
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  writer.publish('a', 'short', { ...qos1(1), messageExpirySeconds: 10 });
  writer.publish('a', 'long', { ...qos1(2), messageExpirySeconds: 50 });
  await writer.settled();
  clock.advance(20_000);
  const second = await Peer.connected(port, 5, lasting(5));
  const [message, ...more] = await second.messages();
  assert.ok(message);
  assert.deepEqual([texts([message]), message.messageExpirySeconds], [['long'], 30]);
  assert.deepEqual(more, []);
});

test('[MQTT-3.3.4-9] [MQTT-3.3.4-10] [MQTT-4.9.0-1] [MQTT-4.9.0-2] [MQTT-4.9.0-3] nothing but PUBLISH waits for the Receive Maximum of the client', async (t) => {
  const { port } = await run(t);
  const reader = await Peer.connected(port, 5, { clientId: 'reader', properties: { receiveMaximum: 2 } });
  await reader.subscribe([{ filter: 'a', qos: 1 }]);
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  for (let i = 1; i <= 5; i++) writer.publish('a', String(i), qos1(i));
  await writer.settled();
  const inFlight = await reader.messages();
  assert.ok(inFlight.length >= 1 && inFlight.length <= 2);
  assert.deepEqual(await reader.subscribe([{ filter: 'b', qos: 1 }]), [1]);
  reader.publish('held/a', 'x', qos1(3));
  assert.deepEqual(await reader.settled(), [{ type: 'puback', packetId: 3, reasonCode: 0 }]);
  reader.send({ type: 'unsubscribe', packetId: 4, filters: ['b'], properties: {} });
  assert.deepEqual(
    (await reader.settled()).map(({ type }) => type),
    ['unsuback'],
  );
  const received = [...inFlight];
  while (received.length < 5) {
    for (const { packetId } of inFlight.splice(0)) reader.acknowledge(packetId);
    inFlight.push(...(await reader.messages()));
    assert.ok(inFlight.length <= 2);
    received.push(...inFlight);
  }
  assert.deepEqual(texts(received), ['1', '2', '3', '4', '5']);
});

test('[MQTT-3.1.2-24] [MQTT-3.1.2-25] a message too large for a client is as good as delivered to it', async (t) => {
  const { port } = await run(t);
  const options = { ...lasting(5), properties: { sessionExpirySeconds: 60, maximumPacketSize: 100 } };
  const first = await Peer.connected(port, 5, options);
  await first.subscribe([{ filter: 'a', qos: 1 }]);
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  writer.publish('a', 'x'.repeat(100), qos1(1));
  writer.publish('a', 'x'.repeat(100));
  writer.publish('a', 'small', qos1(2));
  await writer.settled();
  const [message, ...more] = await first.messages();
  assert.ok(message);
  assert.deepEqual([texts([message]), more], [['small'], []]);
  first.acknowledge(message.packetId);
  await first.settled();
  await first.leave();
  const second = await Peer.connected(port, 5, lasting(5));
  assert.deepEqual(await second.settled(), []);
});

test('[MQTT-3.4.2-1] [MQTT-3.4.2-2] [MQTT-3.4.2-3] PUBACK has one of its reason codes, and fits', async (t) => {
  const { port, application } = await run(t, { limits: { retainedMax: 1 } });
  application.onPublish = ({ topic }) => {
    if (topic === 'held/throws') throw new Error('bug');
    const reasonCode = topic === 'held/no' ? 0x87 : 0;
    return { reasonCode, reasonString: 'x'.repeat(100), userProperties: [['a', 'x'.repeat(100)]] };
  };
  const peer = await Peer.connected(port, 5, { properties: { maximumPacketSize: 80 } });
  const topics = ['held/a', 'held/no', 'held/throws', 'nobody', 'secret/a', 'a/'.repeat(40), 'r/1', 'r/2'];
  for (const [index, topic] of topics.entries())
    peer.publish(topic, 'x', { ...qos1(index + 1), retain: topic.startsWith('r/') });
  const codes: number[] = [];
  for (const _ of topics) {
    const bytes = await peer.raw.packet();
    assert.ok(bytes !== undefined && bytes.length <= 80);
    codes.push(bytes[1] === 2 ? 0 : bytes[4]!);
  }
  assert.deepEqual(codes, [0, 0x87, 0x80, 0x10, 0x87, 0x90, 0x10, 0x97]);
  assert.ok(codes.every((code) => pubackCodes.has(code)));
});
