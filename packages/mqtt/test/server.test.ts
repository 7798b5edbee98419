// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { ConnectRefused } from '@sealpost/mqtt/link';
import type { Outcome, Will } from '@sealpost/mqtt/link';
import { FakeClock } from '@sealpost/testing';
import { RawClient } from './raw.ts';
import { dial, message, run, textOf } from './support.ts';

test('CONNACK says what the server is: limits, assigned identifier, words of the application', async (t) => {
  const { port } = await run(t);
  const { connack } = await dial(port);
  assert.equal(connack.receiveMaximum, 64);
  assert.equal(connack.properties.maximumQos, undefined);
  assert.equal(connack.properties.sharedSubscriptionAvailable, undefined, 'which says that it is');
  assert.deepEqual(connack.userProperties, [['time', '1']]);
  assert.ok((connack.assignedClientId ?? '').length > 0);
  assert.equal(connack.sessionPresent, false);
});

test('a refusal of the application reaches the client with its words', async (t) => {
  const { port } = await run(t);
  await assert.rejects(dial(port, { username: 'mallory' }), (error) => {
    assert.ok(error instanceof ConnectRefused);
    assert.equal(error.reasonCode, 0x86);
    assert.equal(error.reasonString, 'wrong password');
    assert.deepEqual(error.userProperties, [['error', 'sign-in']]);
    return true;
  });
});

test('[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20] a message arrives as it was sent, with the identifiers of all that matched', async (t) => {
  const { port } = await run(t);
  const reader = await dial(port);
  await reader.subscribe([{ filter: 'a/#', qos: 1 }], 7);
  await reader.subscribe([{ filter: 'a/+', qos: 0 }], 9);
  const writer = await dial(port);
  const sent = message('a/b', 'Grüße', {
    messageExpirySeconds: 60,
    payloadFormat: 1,
    contentType: 'text/plain',
    responseTopic: 'r',
    correlationData: Uint8Array.of(1, 2),
    userProperties: [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
    ],
  });
  assert.equal((await writer.publish(sent)).reasonCode, 0);
  const [got] = await reader.count(1);
  assert.ok(got);
  assert.equal(textOf(got), 'Grüße');
  assert.equal(got.qos, 1);
  assert.equal(got.messageExpirySeconds, 60);
  assert.equal(got.payloadFormat, 1);
  assert.equal(got.contentType, 'text/plain');
  assert.equal(got.responseTopic, 'r');
  assert.deepEqual([...(got.correlationData ?? [])], [1, 2]);
  assert.deepEqual(got.userProperties, sent.userProperties);
  assert.deepEqual(got.subscriptionIds?.sort(), [7, 9]);
  assert.equal((await writer.publish(message('nobody'))).reasonCode, 0x10);
  assert.equal((await writer.publish(message('secret/a'))).reasonCode, 0x87);
  assert.equal((await writer.publish(message('a/'.repeat(40)))).reasonCode, 0x90);
});

test('the answer of the application is the PUBACK: reason code, reason string, user properties', async (t) => {
  const { port, application, errors } = await run(t);
  const link = await dial(port, { clientId: 'c' });
  application.onPublish = ({ topic }) => {
    if (topic === 'held/throws') throw new Error('bug');
    if (topic === 'held/rejects') return Promise.reject(new Error('bug'));
    return { reasonCode: 0x97, reasonString: 'later', userProperties: [['retry-after', '5']] };
  };
  const { reasonCode, reasonString, userProperties } = await link.publish(message('held/a'));
  assert.deepEqual([reasonCode, reasonString, userProperties], [0x97, 'later', [['retry-after', '5']]]);
  assert.equal((await link.publish(message('held/throws'))).reasonCode, 0x80);
  assert.equal((await link.publish(message('held/rejects'))).reasonCode, 0x80);
  assert.equal(errors.length, 2);
});

test('texts that MQTT cannot carry are reported and left out, and nothing breaks', async (t) => {
  const { port, application, errors } = await run(t);
  const tooLong = 'x'.repeat(70_000);
  const { authenticate } = application;
  application.authenticate = async (request) => {
    const verdict = await authenticate(request);
    return { ...verdict, userProperties: [['a', tooLong]] };
  };
  application.onPublish = () => ({ reasonCode: 0x87, reasonString: tooLong });
  const link = await dial(port, { clientId: 'c' });
  assert.deepEqual(link.connack.userProperties, []);
  const answer = await link.publish(message('held/a'));
  assert.deepEqual([answer.reasonCode, answer.reasonString], [0x87, undefined]);
  const outcome = await new Promise((settled) => {
    const publish = message('held/b', '', { userProperties: [['a', tooLong]] });
    application.sessions.get('c')?.send({ publish, rank: 0, settled });
  });
  assert.deepEqual(outcome, { kind: 'too-large' });
  application.sessions.get('c')?.disconnect(0x98, tooLong);
  assert.equal((await link.closed).reasonCode, 0x98);
  assert.ok(errors.every((error) => error instanceof RangeError));
  await assert.rejects(dial(port, { username: 'mallory' }), { reasonCode: 0x86, userProperties: [] });
});

function bug(): never {
  throw new Error('bug');
}

test('an application that throws everywhere breaks nothing', async (t) => {
  const { port, application, errors } = await run(t);
  Object.assign(application, { subscribe: bug, subscribed: bug, unsubscribed: bug, closed: bug, ended: bug });
  const { opened } = application;
  application.opened = (session) => {
    opened.call(application, session);
    bug();
  };
  const link = await dial(port, { clientId: 'c' });
  assert.deepEqual(await link.subscribe([{ filter: 'held/#', qos: 1 }]), [0x80]);
  application.sessions.get('c')?.send({ publish: message('held/a'), rank: 0, written: bug, settled: bug });
  await link.count(1);
  assert.equal((await link.publish(message('held/b'))).reasonCode, 0);
  link.end();
  await link.closed;
  application.authenticate = () => Promise.reject(new Error('bug'));
  await assert.rejects(dial(port), { reasonCode: 0x88 });
  assert.ok(errors.length >= 5);
});

test('[MQTT-3.1.2-29] no problem information where none is wanted', async (t) => {
  const { port, application } = await run(t);
  application.onPublish = () => ({ reasonCode: 0x87, reasonString: 'no', userProperties: [['a', 'b']] });
  const client = await RawClient.open(port);
  client.send('10 10 0004 4d515454 05 02 0000 02 17 00 0001 63');
  assert.equal((await client.packet())?.[3], 0);
  client.send('32 0b 0006 68656c642f61 0005 00');
  assert.equal((await client.packet())?.toString('hex'), '4003000587');
  client.destroy();
});

test('[MQTT-4.6.0-2] acknowledgements keep the order while handlers run side by side', async (t) => {
  const { port, application } = await run(t);
  const gates = new Map<string, () => void>();
  const running = Promise.withResolvers<void>();
  application.onPublish = ({ topic }) =>
    new Promise((resolve) => {
      gates.set(topic, () => resolve({ reasonCode: 0 }));
      if (gates.size === 3) running.resolve();
    });
  const link = await dial(port);
  const order: string[] = [];
  const all = ['held/1', 'held/2', 'held/3'].map((topic) =>
    link.publish(message(topic)).then(() => void order.push(topic)),
  );
  await running.promise;
  for (const topic of ['held/3', 'held/2', 'held/1']) gates.get(topic)?.();
  await Promise.all(all);
  assert.deepEqual(order, ['held/1', 'held/2', 'held/3']);
});

test('[MQTT-3.3.4-7] more than the Receive Maximum unanswered: 0x93', async (t) => {
  const { port, application } = await run(t, { limits: { receiveMaximum: 3 } });
  application.onPublish = () => new Promise(() => undefined);
  const client = await RawClient.connected(port, 5);
  for (const id of ['01', '02', '03', '04']) client.send(`32 0b 0006 68656c642f61 00${id} 00`);
  const [disconnect] = await client.rest();
  assert.equal(disconnect?.slice(4, 6), '93');
  assert.equal(application.published.length, 3);
});

test('3.1.1 has no Receive Maximum: the connection waits instead', async (t) => {
  const { port, application } = await run(t, { limits: { receiveMaximum: 2 } });
  const gates: (() => void)[] = [];
  let started = Promise.withResolvers<void>();
  application.onPublish = () =>
    new Promise((resolve) => {
      gates.push(() => resolve({ reasonCode: 0 }));
      if (gates.length % 2 === 0) started.resolve();
    });
  const client = await RawClient.connected(port, 4);
  for (const id of ['01', '02', '03', '04']) client.send(`32 0a 0006 68656c642f61 00${id}`);
  await started.promise;
  assert.equal(application.published.length, 2);
  started = Promise.withResolvers<void>();
  gates[0]?.();
  gates[1]?.();
  assert.equal((await client.packet())?.toString('hex'), '40020001');
  assert.equal((await client.packet())?.toString('hex'), '40020002');
  await started.promise;
  gates[2]?.();
  gates[3]?.();
  assert.equal((await client.packet())?.toString('hex'), '40020003');
  client.destroy();
});

test('[MQTT3-4.8.0-2] 3.1.1 is not told "later": the connection ends without an answer; a final refusal is acknowledged', async (t) => {
  const { port, application } = await run(t);
  application.onPublish = ({ topic }) => ({ reasonCode: topic === 'held/a' ? 0x97 : 0x87 });
  const client = await RawClient.connected(port, 4);
  client.send('32 0a 0006 68656c642f62 0001');
  assert.equal((await client.packet())?.toString('hex'), '40020001');
  client.send('32 0a 0006 68656c642f61 0002');
  assert.deepEqual(await client.rest(), []);
});

test('retained: last one, deleted by an empty one, with its life counted down, never of reserved topics', async (t) => {
  const clock = new FakeClock();
  const { port, server } = await run(t, { clock });
  const link = await dial(port);
  await link.publish(message('r/a', 'old', { retain: true }));
  await link.publish(message('r/a', 'new', { retain: true, messageExpirySeconds: 100 }));
  await link.publish(message('r/b', 'gone', { retain: true }));
  await link.publish(message('r/b', '', { retain: true }));
  await link.publish(message('held/a', 'mail', { retain: true }));
  await link.publish(message('r/c', 'short', { retain: true, messageExpirySeconds: 10 }));
  clock.advance(40_000);
  assert.equal(server.stats.retained, 1, 'what expired is forgotten');
  const reader = await dial(port);
  await reader.subscribe([{ filter: '#', qos: 1 }]);
  await reader.subscribe([{ filter: 'r/+', qos: 0, retainHandling: 2 }]);
  await reader.subscribe([{ filter: 'r/+', qos: 0, retainHandling: 1 }]);
  await reader.subscribe([{ filter: 'r/a', qos: 0, retainHandling: 1 }]);
  const [first, second, ...more] = await reader.count(2);
  assert.ok(first && second);
  assert.deepEqual(
    [textOf(first), first.retain, first.qos, first.messageExpirySeconds],
    ['new', true, 1, 60],
  );
  assert.deepEqual([textOf(second), second.qos], ['new', 0]);
  assert.deepEqual(more, []);
});

test('retain as published, no local', async (t) => {
  const { port } = await run(t);
  const link = await dial(port);
  await link.subscribe([
    { filter: 'own', qos: 1, noLocal: true },
    { filter: 'kept', qos: 1, retainAsPublished: true },
    { filter: 'plain', qos: 1 },
  ]);
  assert.equal((await link.publish(message('own'))).reasonCode, 0x10);
  await link.publish(message('kept', 'x', { retain: true }));
  await link.publish(message('plain', 'x', { retain: true }));
  const received = await link.count(2);
  assert.deepEqual(
    received.map(({ topic, retain }) => [topic, retain]),
    [
      ['kept', true],
      ['plain', false],
    ],
  );
});

test('SUBACK: granted, refused, reserved, shared, invalid; UNSUBACK likewise', async (t) => {
  const { port, application } = await run(t, { limits: { subscriptionsPerSession: 4 } });
  const link = await dial(port, { clientId: 'c' });
  const codes = await link.subscribe([
    { filter: 'a/#', qos: 2 },
    { filter: 'secret/x', qos: 1 },
    { filter: 'held/#', qos: 1 },
    { filter: 'held/no', qos: 1 },
    { filter: '$share/g/held/a', qos: 1 },
    { filter: 'a/#/b', qos: 1 },
    { filter: 'b', qos: 0 },
    { filter: 'c', qos: 0 },
    { filter: 'one-too-many', qos: 0 },
  ]);
  assert.deepEqual(codes, [2, 0x87, 1, 0x87, 0x8f, 0x8f, 0, 0, 0x97]);
  await link.subscribe([{ filter: 'held/#', qos: 1 }]);
  assert.deepEqual(await link.unsubscribe(['a/#', 'a/#', 'held/#']), [0, 0x11, 0]);
  assert.deepEqual(application.log, [
    'opened c',
    'subscribed c held/# new',
    'subscribed c held/# again',
    'unsubscribed c held/#',
  ]);
});

test('filters that begin with a wildcard never match reserved topics', async (t) => {
  const { port, application } = await run(t);
  const link = await dial(port, { clientId: 'c' });
  await link.subscribe([
    { filter: '#', qos: 1 },
    { filter: '+/a', qos: 1 },
  ]);
  const session = application.sessions.get('c');
  assert.equal(session?.matches('held/a'), undefined);
  assert.deepEqual(session?.matches('x/a'), { qos: 1, subscriptionIds: [] });
  await link.subscribe([{ filter: 'held/+', qos: 1 }], 3);
  assert.deepEqual(session?.matches('held/a'), { qos: 1, subscriptionIds: [3] });
  await link.publish(message('held/a'));
  await link.publish(message('x/b'));
  const received = await link.count(1);
  assert.deepEqual(
    received.map(({ topic }) => topic),
    ['x/b'],
  );
});

test('[MQTT-3.1.4-3] take-over within an account, never across accounts', async (t) => {
  const { port, application } = await run(t);
  const options = { clientId: 'phone', cleanStart: false, sessionExpirySeconds: 60 };
  const first = await dial(port, { ...options, username: 'ann' });
  await first.subscribe([{ filter: 'a', qos: 1 }]);
  const other = await dial(port, { ...options, username: 'bob' });
  assert.equal(other.connack.sessionPresent, false);
  const second = await dial(port, { ...options, username: 'ann' });
  assert.equal((await first.closed).reasonCode, 0x8e);
  assert.equal(second.connack.sessionPresent, true);
  assert.equal((await second.publish(message('a', 'x'))).reasonCode, 0);
  await second.count(1);
  assert.deepEqual(first.received, []);
  assert.deepEqual(application.log, ['opened phone', 'opened phone', 'closed phone', 'opened phone']);
  const clean = await dial(port, { ...options, username: 'ann', cleanStart: true });
  assert.equal(clean.connack.sessionPresent, false);
  assert.equal((await clean.publish(message('a', 'x'))).reasonCode, 0x10);
});

test('a resumed session gets what waited, and what was in flight with DUP; then the session expires', async (t) => {
  const clock = new FakeClock();
  const { port, application, server } = await run(t, { clock });
  const options = { clientId: 'phone', cleanStart: false, sessionExpirySeconds: 60 };
  const silent = await dial(port, { ...options, onPublish: () => new Promise(() => undefined) });
  await silent.subscribe([{ filter: 'a', qos: 1 }]);
  const writer = await dial(port);
  await writer.publish(message('a', 'in flight'));
  await silent.count(1);
  const outcomes: Outcome[] = [];
  const session = application.sessions.get('phone');
  session?.send({
    publish: message('held/m', 'mail'),
    rank: 0,
    settled: (outcome) => outcomes.push(outcome),
  });
  await silent.count(2);
  silent.end(4);
  await silent.closed;
  await writer.publish(message('a', 'waited'));
  session?.send({ publish: message('held/n'), rank: 0, settled: (outcome) => outcomes.push(outcome) });
  assert.deepEqual(outcomes, [{ kind: 'lost', written: false }]);
  const resumed = await dial(port, options);
  assert.equal(resumed.connack.sessionPresent, true);
  const received = await resumed.count(3);
  assert.deepEqual(
    received.map((publish) => [textOf(publish), publish.dup]),
    [
      ['in flight', true],
      ['mail', true],
      ['waited', false],
    ],
  );
  resumed.end();
  await resumed.closed;
  await writer.publish(message('a', 'x'));
  assert.equal(outcomes.length, 2);
  assert.equal(server.stats.sessions, 2);
  clock.advance(61_000);
  assert.equal(server.stats.sessions, 1);
  assert.equal(application.log.at(-1), 'ended phone');
});

test('an Outgoing in flight is lost when its session ends', async (t) => {
  const { port, application } = await run(t);
  const link = await dial(port, { clientId: 'c', onPublish: () => new Promise(() => undefined) });
  const settled = Promise.withResolvers<Outcome>();
  application.sessions.get('c')?.send({ publish: message('held/m'), rank: 0, settled: settled.resolve });
  await link.count(1);
  link.end();
  assert.deepEqual(await settled.promise, { kind: 'lost', written: true });
});

function willTo(topic: string, willDelaySeconds = 0): Will {
  return { topic, payload: new Uint8Array(0), qos: 1, retain: false, properties: { willDelaySeconds } };
}

test('[MQTT-3.1.3-9] the Will: when the connection breaks, not after DISCONNECT; delayed ones wait for the client', async (t) => {
  const clock = new FakeClock();
  const { port, application } = await run(t, { clock });
  const reader = await dial(port);
  await reader.subscribe([{ filter: 'will/#', qos: 1 }]);
  const polite = await dial(port, { clientId: 'polite', will: willTo('will/never', 0) });
  polite.end();
  await polite.closed;
  const explicit = await dial(port, { clientId: 'explicit', will: willTo('will/explicit', 0) });
  explicit.end(4);
  await reader.count(1);
  const session = { cleanStart: false, sessionExpirySeconds: 60 };
  const delayed = await dial(port, { clientId: 'delayed', ...session, will: willTo('will/delayed', 20) });
  delayed.end(4);
  await delayed.closed;
  const back = await dial(port, { clientId: 'delayed', ...session, will: willTo('will/second', 20) });
  clock.advance(30_000);
  assert.equal(back.connack.sessionPresent, true);
  back.end(4);
  await back.closed;
  const reserved = await dial(port, { clientId: 'reserved', will: willTo('held/will', 0) });
  reserved.end(4);
  await reserved.closed;
  await reader.publish(message('will/marker'));
  clock.advance(20_000);
  const received = await reader.count(3);
  assert.deepEqual(
    received.map(({ topic }) => topic),
    ['will/explicit', 'will/marker', 'will/second'],
  );
  assert.deepEqual(
    application.published.map(({ topic }) => topic),
    ['held/will'],
  );
  await assert.rejects(dial(port, { will: willTo('secret/x', 0) }), { reasonCode: 0x87 });
});

test('a session that the application ends leaves no Will: its owner may say nothing more', async (t) => {
  const { port, application } = await run(t);
  const reader = await dial(port);
  await reader.subscribe([{ filter: 'will/#', qos: 1 }]);
  const options = { cleanStart: false, sessionExpirySeconds: 60 };
  const connected = await dial(port, { clientId: 'connected', will: willTo('held/will') });
  application.sessions.get('connected')?.end(0x87);
  await connected.closed;
  const away = await dial(port, { clientId: 'away', ...options, will: willTo('will/delayed', 20) });
  away.end(4);
  await away.closed;
  application.sessions.get('away')?.end(0x87);
  await reader.publish(message('will/marker'));
  assert.deepEqual(
    (await reader.count(1)).map(({ topic }) => topic),
    ['will/marker'],
  );
  assert.deepEqual(application.published, []);
});

test('[MQTT-3.1.2-22] keep alive: a silent client is disconnected after one and a half times', async (t) => {
  const clock = new FakeClock();
  const { port } = await run(t, { clock });
  const client = await RawClient.open(port);
  client.send('10 0d 0004 4d515454 05 02 000a 00 0000');
  assert.equal((await client.packet())?.[3], 0);
  clock.advance(14_000);
  client.send('c000');
  assert.equal((await client.packet())?.toString('hex'), 'd000');
  clock.advance(14_000);
  client.send('c000');
  assert.equal((await client.packet())?.toString('hex'), 'd000');
  clock.advance(16_000);
  const [disconnect] = await client.rest();
  assert.equal(disconnect?.slice(4, 6), '8d');
});

test('who does not send CONNECT in time is cut off', async (t) => {
  const clock = new FakeClock();
  const { port, server } = await run(t, { clock });
  const client = await RawClient.open(port);
  client.send('10');
  const other = await RawClient.connected(port, 4);
  clock.advance(11_000);
  assert.deepEqual(await client.rest(), []);
  assert.equal(server.stats.handshakes, 0);
  other.destroy();
});

test('an undecided handler is answered for', async (t) => {
  const clock = new FakeClock();
  const { port, application } = await run(t, { clock });
  const started = Promise.withResolvers<void>();
  application.onPublish = () => {
    started.resolve();
    return new Promise(() => undefined);
  };
  const link = await dial(port);
  const answer = link.publish(message('held/a'));
  await started.promise;
  clock.advance(5_500);
  const { reasonCode, userProperties } = await answer;
  assert.deepEqual(
    [reasonCode, userProperties],
    [
      0x97,
      [
        ['error', 'undecided'],
        ['retry-after', '5'],
      ],
    ],
  );
});

test('limits of the server are answered by name', async (t) => {
  const { port, server } = await run(t, {
    limits: { connections: 2, retainedMax: 1, queuedBytesPerSession: 1000, sessions: 3 },
  });
  const options = { clientId: 'offline', cleanStart: false, sessionExpirySeconds: 60 };
  const offline = await dial(port, options);
  await offline.subscribe([{ filter: 'q', qos: 1 }]);
  offline.end();
  await offline.closed;
  const link = await dial(port, { clientId: 'a' });
  await link.publish(message('r/1', 'x', { retain: true }));
  assert.equal((await link.publish(message('r/2', 'x', { retain: true }))).reasonCode, 0x97);
  for (let i = 0; i < 5; i++) await link.publish(message('q', 'x'.repeat(400)));
  assert.equal(server.stats.dropped, 3);
  const second = await dial(port, { clientId: 'b' });
  await assert.rejects(dial(port, { clientId: 'c' }), { reasonCode: 0x89 });
  second.end();
  await second.closed;
});

test('one account cannot fill what is kept for all: retained messages and subscriptions', async (t) => {
  const { port, server } = await run(t, {
    limits: { retainedPerAccount: 2, subscriptionBytesPerAccount: 1500 },
  });
  const ann = await dial(port, { username: 'ann' });
  const bob = await dial(port, { username: 'bob' });
  const keep = async (link: typeof ann, topic: string, text = 'x', qos: 0 | 1 = 1): Promise<number> =>
    (await link.publish(message(topic, text, { retain: true, qos }))).reasonCode;
  for (const topic of ['r/1', 'r/2']) assert.equal(await keep(ann, topic), 0x10);
  assert.equal(await keep(ann, 'r/3'), 0x97);
  assert.equal(await keep(ann, 'r/1', 'again'), 0x10);
  assert.equal(await keep(bob, 'r/1', 'taken over'), 0x10);
  assert.equal(await keep(ann, 'r/3'), 0x10, 'what it published last is its own');
  assert.equal(await keep(ann, 'r/4'), 0x97);
  assert.equal(await keep(ann, 'r/3', ''), 0x10);
  assert.equal(server.stats.retained, 2);
  const filters = ['a', 'b', 'c', 'd'].map((filter) => ({ filter, qos: 1 }) as const);
  assert.deepEqual(await ann.subscribe(filters), [1, 1, 0x97, 0x97]);
  assert.deepEqual(await ann.unsubscribe(['a']), [0]);
  assert.deepEqual(await ann.subscribe(filters.slice(1)), [1, 1, 0x97]);
  assert.deepEqual(await bob.subscribe(filters), [1, 1, 0x97, 0x97]);
  const again = await dial(port, { username: 'ann' });
  assert.deepEqual(await again.subscribe(filters.slice(0, 1)), [0x97]);
  ann.end();
  await ann.closed;
  assert.deepEqual(await again.subscribe(filters.slice(0, 1)), [1]);
});

test('a retained message with QoS 0 that finds no room is delivered and not kept', async (t) => {
  const { port, server } = await run(t, { limits: { retainedMax: 0 } });
  const link = await dial(port);
  await link.subscribe([{ filter: 'r/#', qos: 1 }]);
  await link.publish(message('r/1', 'x', { retain: true, qos: 0 }));
  assert.equal((await link.count(1))[0]?.topic, 'r/1');
  assert.equal(server.stats.retained, 0);
});

test('an account that leaves sessions behind loses its own oldest, and keeps nobody else out', async (t) => {
  const { port, server, application } = await run(t, { limits: { sessions: 4, sessionsPerAccount: 3 } });
  const options = { cleanStart: false, sessionExpirySeconds: 60 };
  const leave = async (clientId: string): Promise<boolean> => {
    const link = await dial(port, { clientId, username: 'ann', ...options });
    link.end();
    await link.closed;
    return link.connack.sessionPresent;
  };
  for (const clientId of ['a', 'b', 'c']) await leave(clientId);
  assert.equal(await leave('a'), true, 'it is the youngest now');
  await leave('d');
  assert.ok(application.log.includes('ended b'));
  assert.equal(server.stats.sessions, 3);
  for (const clientId of ['a', 'c', 'd'])
    assert.equal((await dial(port, { clientId, username: 'ann', ...options })).connack.sessionPresent, true);
  await assert.rejects(dial(port, { clientId: 'e', username: 'ann' }), { reasonCode: 0x97 });
  await dial(port, { clientId: 'e', username: 'bob' });
});

test('a closed server says goodbye and leaves nothing behind', async (t) => {
  const { port, server, application } = await run(t);
  const link = await dial(port, { clientId: 'c', cleanStart: false, sessionExpirySeconds: 60 });
  await server.close();
  assert.equal((await link.closed).reasonCode, 0x8b);
  assert.deepEqual(application.log, ['opened c', 'closed c', 'ended c']);
});
