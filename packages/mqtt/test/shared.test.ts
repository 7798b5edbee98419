// SPDX-License-Identifier: Apache-2.0
// Shared subscriptions, MQTT 5.0 §4.8.2.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { Properties, ProtocolVersion, PublishPacket, SubscriptionRequest } from '@sealpost/mqtt';
import { FakeClock, requireTool } from '@sealpost/testing';
import { Peer, texts, type PeerOptions } from './peer.ts';
import { run as runServer, type Running } from './support.ts';

const exec = promisify(execFile);
const filter = '$share/g/t';
const aMinute: Properties = { sessionExpirySeconds: 60 };

async function run(t: TestContext, options: Parameters<typeof runServer>[1] = {}): Promise<Running> {
  const running = await runServer(t, options);
  t.after(() => assert.deepEqual(running.errors, []));
  return running;
}

interface MemberOptions extends PeerOptions {
  readonly request?: Partial<SubscriptionRequest>;
  readonly version?: ProtocolVersion;
}

/** Subscribed to `$share/g/t` with QoS 2, unless told otherwise. */
async function join(port: number, clientId: string, options: MemberOptions = {}): Promise<Peer> {
  const { request, version = 5, ...connect } = options;
  const peer = await Peer.connected(port, version, { clientId, ...connect });
  const wanted = { filter, qos: 2, ...request } as const;
  assert.deepEqual(await peer.subscribe([wanted]), [wanted.qos]);
  return peer;
}

function back(port: number, clientId: string, properties = aMinute): Promise<Peer> {
  return Peer.connected(port, 5, { clientId, cleanStart: false, properties });
}

/** Resolves when the server has answered all of them. */
async function publish(writer: Peer, contents: readonly string[], qos: 0 | 1 | 2 = 1): Promise<number[]> {
  const packetIds = contents.map((_, index) => index + 1);
  for (const [index, text] of contents.entries())
    writer.publish('t', text, qos === 0 ? {} : { qos, packetId: index + 1 });
  const answers = await writer.settled();
  if (qos === 2) {
    for (const packetId of packetIds) writer.send({ type: 'pubrel', packetId, reasonCode: 0 });
    await writer.settled();
  }
  return answers.map((answer) => ('reasonCode' in answer ? answer.reasonCode : -1));
}

async function acknowledged(peer: Peer): Promise<string[]> {
  const messages = await peer.messages();
  for (const { packetId, qos } of messages) if (qos === 1) peer.acknowledge(packetId);
  return texts(messages);
}

for (const version of [4, 5] as const) {
  test(`[MQTT-4.8.2-1] [MQTT-4.8.2-2] a share name, then a filter; anything else is refused, version ${version}`, async (t) => {
    const { port } = await run(t);
    const peer = await Peer.connected(port, version);
    const wrong = ['$share', '$share/', '$share/g', '$share/g/', '$share//t', '$share/g+/t', '$share/#/t'];
    const codes = await peer.subscribe(
      [...wrong, '$share/g/a/#/b', '$share/g/secret/x', filter, '$share/g//t'].map((name) => ({
        filter: name,
        qos: 1,
      })),
    );
    const named = [...wrong.map(() => 0x8f), 0x8f, 0x87, 1, 1];
    assert.deepEqual(codes, version === 5 ? named : named.map((code) => (code < 0x80 ? code : 0x80)));
  });

  test(`one message goes to one member, in turn while nobody has more to do than others, version ${version}`, async (t) => {
    const { port } = await run(t);
    const members = [await join(port, 'a', { version }), await join(port, 'b', { version })];
    members.push(await join(port, 'c', { version }));
    const writer = await Peer.connected(port, version, { clientId: 'writer' });
    await publish(writer, ['1', '2', '3', '4', '5', '6'], 0);
    const got = await Promise.all(members.map(acknowledged));
    assert.deepEqual(got, [
      ['1', '4'],
      ['2', '5'],
      ['3', '6'],
    ]);
  });
}

test('[MQTT-3.8.3-4] No Local with a share is a protocol error, and nothing of the packet is granted', async (t) => {
  const { port, server } = await run(t);
  const peer = await Peer.connected(port, 5, { properties: aMinute });
  peer.send({
    type: 'subscribe',
    packetId: 1,
    subscriptions: [
      { filter: 'a', qos: 0 },
      { filter, qos: 1, noLocal: true },
    ],
    properties: {},
  });
  const [last, ...more] = await peer.rest();
  assert.deepEqual([last?.type === 'disconnect' && last.reasonCode, more.length], [0x82, 0]);
  assert.equal(server.stats.subscriptions, 0);
});

test('[MQTT-4.8.2-3] each member gets the QoS it was granted', async (t) => {
  const { port } = await run(t);
  const members: Peer[] = [];
  for (const qos of [0, 1, 2] as const) members.push(await join(port, `qos-${qos}`, { request: { qos } }));
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  await publish(writer, ['a', 'b', 'c'], 2);
  const got = await Promise.all(members.map((member) => member.messages()));
  assert.deepEqual(
    got.map((messages) => messages.map(({ qos }) => qos)),
    [[0], [1], [2]],
  );
});

test('beside its own copy a session gets one for each group that chose it, with the identifier of that subscription', async (t) => {
  const { port } = await run(t);
  const peer = await Peer.connected(port, 5);
  await peer.subscribe([{ filter: 't', qos: 0 }], { subscriptionId: 1 });
  await peer.subscribe([{ filter: '#', qos: 0 }], { subscriptionId: 2 });
  await peer.subscribe([{ filter, qos: 0 }], { subscriptionId: 3 });
  await peer.subscribe([{ filter: '$share/h/+', qos: 0, retainAsPublished: true }], { subscriptionId: 4 });
  peer.publish('t', 'x', { retain: true });
  const messages = await peer.messages();
  assert.deepEqual(
    messages.map(({ subscriptionIds, retain }) => [subscriptionIds, retain]),
    [
      [[1, 2], false],
      [[3], false],
      [[4], true],
    ],
  );
});

test('retained messages are not sent for a shared subscription', async (t) => {
  const { port } = await run(t);
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  writer.publish('t', 'kept', { retain: true });
  await writer.settled();
  const member = await join(port, 'a');
  assert.deepEqual(await member.messages(), []);
});

test('UNSUBSCRIBE names the whole filter; after the last member there is nobody', async (t) => {
  const { port, server } = await run(t);
  const member = await join(port, 'a');
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  assert.deepEqual(await publish(writer, ['1'], 1), [0]);
  await acknowledged(member);
  const filters = ['t', '$share/h/t', filter, filter];
  member.send({ type: 'unsubscribe', packetId: 1, filters, properties: {} });
  const unsuback = await member.next();
  assert.deepEqual(unsuback?.type === 'unsuback' && unsuback.reasonCodes, [0x11, 0x11, 0, 0x11]);
  assert.deepEqual(await publish(writer, ['2'], 1), [0x10]);
  assert.deepEqual([await member.messages(), server.stats.subscriptions], [[], 0]);
});

test('a subscription that is made again replaces the first one and is one member', async (t) => {
  const { port, server } = await run(t);
  const member = await join(port, 'a');
  assert.deepEqual(await member.subscribe([{ filter, qos: 0 }]), [0]);
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  await publish(writer, ['1'], 1);
  assert.deepEqual(
    (await member.messages()).map(({ qos }) => qos),
    [0],
  );
  assert.equal(server.stats.subscriptions, 1);
});

test('members of different accounts do not share: each account gets all', async (t) => {
  const { port } = await run(t);
  const ann = await join(port, 'a', { username: 'ann' });
  const ben = await join(port, 'b', { username: 'ben' });
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  await publish(writer, ['1', '2']);
  assert.deepEqual(
    [await acknowledged(ann), await acknowledged(ben)],
    [
      ['1', '2'],
      ['1', '2'],
    ],
  );
});

test('a reserved filter cannot be shared, and a filter with a wildcard does not reach what is reserved', async (t) => {
  const { port, application } = await run(t);
  const peer = await Peer.connected(port, 5);
  const requests = ['$share/g/held', '$share/g/held/#', '$share/g/#'].map((name) => ({
    filter: name,
    qos: 0 as const,
  }));
  assert.deepEqual(await peer.subscribe(requests), [0x8f, 0x8f, 0]);
  peer.publish('held/a', 'x');
  assert.deepEqual(await peer.messages(), []);
  assert.deepEqual(application.log, ['opened peer']);
});

test('who may not receive a topic is not chosen for it', async (t) => {
  const receivePolicy = {
    mayReceive: ({ name }: { name: string }, topic: string) => topic !== 't' || name !== 'ann',
  };
  const { port, application } = await run(t, { receivePolicy });
  const { authenticate } = application;
  application.authenticate = async (request) => {
    const answer = await authenticate(request);
    return 'account' in answer ? { ...answer, account: 'all' } : answer;
  };
  const ann = await join(port, 'a', { username: 'ann' });
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  assert.deepEqual(await publish(writer, ['nobody']), [0x10]);
  const ben = await join(port, 'b', { username: 'ben' });
  assert.deepEqual(await publish(writer, ['1', '2']), [0, 0]);
  assert.deepEqual([await acknowledged(ann), await acknowledged(ben)], [[], ['1', '2']]);
});

test('who has less to do is chosen', async (t) => {
  const { port } = await run(t);
  const slow = await join(port, 'slow');
  const quick = await join(port, 'quick');
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  await publish(writer, ['1', '2']);
  assert.deepEqual([texts(await slow.messages()), await acknowledged(quick)], [['1'], ['2']]);
  await quick.settled();
  await publish(writer, ['3']);
  assert.deepEqual(await acknowledged(quick), ['3']);
  await quick.settled();
  await publish(writer, ['4']);
  assert.deepEqual(await acknowledged(quick), ['4']);
});

test('[MQTT-4.8.2-4] QoS 2: what was begun with a member is completed with it when it is back', async (t) => {
  const { port } = await run(t);
  const first = await join(port, 'first', { properties: aMinute });
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  await publish(writer, ['x', 'y'], 2);
  const [begun, received] = await first.messages();
  first.send({ type: 'pubrec', packetId: received?.packetId ?? 0, reasonCode: 0 });
  assert.equal((await first.next())?.type, 'pubrel');
  const second = await join(port, 'second');
  await first.leave(4);
  assert.deepEqual(await second.messages(), []);
  const again = await back(port, 'first');
  const [pubrel, repeated] = await again.settled();
  assert.deepEqual(pubrel, { type: 'pubrel', packetId: received?.packetId, reasonCode: 0 });
  assert.deepEqual(repeated?.type === 'publish' && [repeated.packetId, repeated.dup, ...texts([repeated])], [
    begun?.packetId,
    true,
    'x',
  ]);
});

test('[MQTT-4.8.2-5] QoS 2: if its session ends, nobody else gets it', async (t) => {
  const clock = new FakeClock();
  const { port, server } = await run(t, { clock });
  const first = await join(port, 'first', { properties: { ...aMinute, receiveMaximum: 4 } });
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  await publish(writer, ['begun', 'received'], 2);
  const [, received] = await first.messages();
  first.send({ type: 'pubrec', packetId: received?.packetId ?? 0, reasonCode: 0 });
  await first.next();
  const second = await join(port, 'second');
  await first.leave(4);
  clock.advance(61_000);
  assert.equal(server.stats.sessions, 2);
  assert.deepEqual(await second.messages(), []);
  assert.equal(server.stats.outboxBytes, 0);
});

test('QoS 1: what a member did not answer waits for it, and goes to another when its session ends', async (t) => {
  const clock = new FakeClock();
  const { port } = await run(t, { clock });
  const first = await join(port, 'first', { properties: aMinute });
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  await publish(writer, ['1', '2', '3']);
  const [, two] = await first.messages();
  first.acknowledge(two?.packetId);
  await first.settled();
  const second = await join(port, 'second');
  await first.leave(4);
  assert.deepEqual(await second.messages(), []);
  const again = await back(port, 'first');
  assert.deepEqual(texts(await again.messages()), ['1', '3']);
  await again.leave(4);
  clock.advance(61_000);
  const handed = await second.messages();
  assert.deepEqual(
    [texts(handed), handed.map(({ dup }) => dup)],
    [
      ['1', '3'],
      [false, false],
    ],
  );
});

test('a session that ends with its connection hands over in order what it did not answer', async (t) => {
  const { port } = await run(t);
  const first = await join(port, 'first', { properties: { receiveMaximum: 2 } });
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  await publish(writer, ['1', '2', '3', '4']);
  const second = await join(port, 'second');
  const written = await first.messages();
  assert.ok(written.length < 4);
  await first.leave();
  assert.deepEqual(await acknowledged(second), ['1', '2', '3', '4']);
});

for (const code of [0x80, 0x97]) {
  test(`[MQTT-4.8.2-6] what a member refuses with 0x${code.toString(16)} goes to nobody else`, async (t) => {
    const { port } = await run(t);
    const first = await join(port, 'first');
    const writer = await Peer.connected(port, 5, { clientId: 'writer' });
    await publish(writer, ['1']);
    await publish(writer, ['2'], 2);
    const second = await join(port, 'second');
    for (const { packetId = 0, qos } of await first.messages())
      first.send({ type: qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode: code });
    assert.deepEqual(await first.settled(), []);
    await first.leave();
    assert.deepEqual(await second.messages(), []);
  });
}

test('what was not written when a connection is lost goes to those who are connected, in order', async (t) => {
  const { port } = await run(t);
  const first = await join(port, 'first', { properties: { ...aMinute, receiveMaximum: 1 } });
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  await publish(writer, ['1', '2', '3']);
  await publish(writer, ['4'], 2);
  const second = await join(port, 'second');
  assert.deepEqual(texts(await first.messages()), ['1']);
  await first.leave(4);
  assert.deepEqual(texts(await second.messages()), ['2', '3', '4']);
  const again = await back(port, 'first');
  assert.deepEqual(texts(await again.messages()), ['1']);
});

test('while nobody is connected, messages wait in order for whoever connects first', async (t) => {
  const { port, server } = await run(t);
  for (const id of ['a', 'b']) await (await join(port, id, { properties: aMinute })).leave(4);
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  assert.deepEqual(await publish(writer, ['1', '2', '3']), [0, 0, 0]);
  await publish(writer, ['lost'], 0);
  const first = await back(port, 'a');
  assert.deepEqual(await acknowledged(first), ['1', '2', '3']);
  await first.leave(4);
  await publish(writer, ['4', '5']);
  const fresh = await join(port, 'fresh');
  assert.deepEqual(await acknowledged(fresh), ['4', '5']);
  const second = await back(port, 'b');
  assert.deepEqual(await acknowledged(second), []);
  await fresh.settled();
  assert.equal(server.stats.outboxBytes, 0);
});

test('what expires while it waits is not handed over', async (t) => {
  const clock = new FakeClock();
  const { port } = await run(t, { clock });
  const first = await join(port, 'first', { properties: aMinute });
  await first.leave(4);
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  writer.publish('t', 'short', { qos: 1, packetId: 1, messageExpirySeconds: 5 });
  writer.publish('t', 'long', { qos: 1, packetId: 2, messageExpirySeconds: 50 });
  await writer.settled();
  clock.advance(10_000);
  const second = await join(port, 'second');
  const messages = await second.messages();
  assert.deepEqual(
    messages.map(({ messageExpirySeconds }: PublishPacket) => messageExpirySeconds),
    [40],
  );
});

test('§3.1.2.11.4 what is too large for one member goes to another; for all of them, it is told once', async (t) => {
  const told: string[] = [];
  const deliveryObserver = {
    tooLarge: ({ clientId }: { clientId: string }) => void told.push(clientId),
  };
  const { port, server } = await run(t, { deliveryObserver });
  const small = await join(port, 'small', { properties: { maximumPacketSize: 60 } });
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  for (const qos of [0, 1, 2] as const) await publish(writer, ['x'.repeat(100)], qos);
  assert.deepEqual([told, server.stats.tooLarge], [['small', 'small', 'small'], 3]);
  const large = await join(port, 'large');
  for (const qos of [0, 1, 2] as const) await publish(writer, ['x'.repeat(100)], qos);
  assert.deepEqual([await small.messages(), (await large.messages()).length], [[], 3]);
  assert.equal(server.stats.tooLarge, 3);
});

test('a member whose queue is full is passed over; when all are full, messages are dropped and counted', async (t) => {
  const { port, server } = await run(t, { limits: { queuedBytesPerSession: 4_000 } });
  const stuck = await join(port, 'stuck', { properties: { receiveMaximum: 1 } });
  const writer = await Peer.connected(port, 5, { clientId: 'writer' });
  const content = 'x'.repeat(1_500);
  await publish(
    writer,
    Array.from({ length: 5 }, () => content),
  );
  assert.equal(server.stats.dropped, 2);
  const second = await join(port, 'second');
  await publish(writer, [content, content]);
  assert.deepEqual([server.stats.dropped, (await second.messages()).length], [2, 2]);
  await stuck.leave();
});

test('shared subscriptions count among those of a session, and end with it', async (t) => {
  const { port, server } = await run(t, {
    limits: { subscriptionsPerSession: 2, subscriptionBytesPerAccount: 6_000 },
  });
  const peer = await Peer.connected(port, 5);
  const requests = ['a', '$share/g/a', '$share/h/a'].map((name) => ({ filter: name, qos: 1 as const }));
  assert.deepEqual(await peer.subscribe(requests), [1, 1, 0x97]);
  const other = await Peer.connected(port, 5, { clientId: 'other' });
  assert.deepEqual(await other.subscribe(requests.slice(1)), [1, 0x97]);
  assert.equal(server.stats.subscriptions, 3);
  await peer.leave();
  await other.leave();
  assert.equal(server.stats.subscriptions, 0);
  const third = await Peer.connected(port, 5);
  assert.deepEqual(await third.subscribe(requests.slice(1)), [1, 1]);
});

test('three mosquitto_sub share what mosquitto_pub sends', async (t) => {
  const pub = requireTool(t, 'mosquitto_pub', 'mosquitto-clients');
  const sub = requireTool(t, 'mosquitto_sub', 'mosquitto-clients');
  if (pub === undefined || sub === undefined) return;
  const { port, application } = await run(t);
  const ready = Promise.withResolvers<void>();
  const { authorize } = application;
  let subscribed = 0;
  application.authorize = (principal, action, topic) => {
    if (action === 'subscribe' && ++subscribed === 3) setImmediate(ready.resolve);
    return authorize(principal, action, topic);
  };
  const common = ['-h', '127.0.0.1', '-p', String(port)];
  const readers = ['5', '5', '311'].map(async (version) => {
    const reader = spawn(sub, [...common, '-V', version, '-q', '1', '-t', filter, '-C', '2', '-W', '20']);
    const output: string[] = [];
    reader.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
    await once(reader, 'close');
    return output.join('').trim().split('\n');
  });
  await ready.promise;
  for (const text of ['1', '2', '3', '4', '5', '6'])
    await exec(pub, [...common, '-V', '5', '-q', '1', '-t', 't', '-m', text]);
  const got = await Promise.all(readers);
  assert.deepEqual(
    got.map(({ length }) => length),
    [2, 2, 2],
  );
  assert.deepEqual(got.flat().toSorted(), ['1', '2', '3', '4', '5', '6']);
});
