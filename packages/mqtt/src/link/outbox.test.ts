// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '@sealpost/testing';
import { strictCodec } from '../codec/codec.ts';
import type { AnswerPacket, Publish, PublishPacket, Qos } from '../packet.ts';
import { Outbox, outboxLimits, type OutboxPeer, type OutboxShare } from './outbox.ts';
import type { Outcome, Outgoing } from './outgoing.ts';
import { PacketStream } from './packet-stream.ts';
import { ReadingOrder } from './reading-order.ts';
import { MemoryTransport } from '../../test/memory-transport.ts';

class Message implements Outgoing {
  readonly publish: Publish;
  readonly rank: number;
  readonly expiresAt?: number;
  readonly keepWhileOffline?: boolean;
  readonly outcomes: Outcome[] = [];
  writes = 0;

  constructor(topic: string, rank = 0, more: Partial<Outgoing> & { bytes?: number; qos?: Qos } = {}) {
    const { bytes = 10, qos = 1, ...rest } = more;
    this.publish = { topic, payload: new Uint8Array(bytes), qos, retain: false, userProperties: [] };
    this.rank = rank;
    Object.assign(this, rest);
  }
  written(): void {
    this.writes++;
  }
  settled(outcome: Outcome): void {
    this.outcomes.push(outcome);
  }
}

const urgentRank = 2;

function fixture(share?: OutboxShare) {
  const clock = new FakeClock();
  const outbox = new Outbox({
    clock,
    codec: strictCodec,
    urgentRank,
    limits: outboxLimits,
    ...(share === undefined ? undefined : { share }),
    report: (error) => assert.fail(String(error)),
  });
  function connect(peer: Partial<OutboxPeer> = {}) {
    const transport = new MemoryTransport();
    const stream = new PacketStream({
      transport,
      codec: strictCodec,
      clock,
      order: new ReadingOrder(),
      decoder: { role: 'server', maximumPacketSize: 1e6, version: 5 },
      reader: { receive: () => undefined, failed: () => undefined, closed: () => undefined },
    });
    outbox.attach({
      stream,
      version: 5,
      receiveMaximum: 10,
      maximumPacketSize: undefined,
      topicAliasMaximum: 0,
      ...peer,
    });
    return {
      transport,
      /** What was written since the last call. */
      written(): PublishPacket[] {
        return this.packets().filter((packet) => packet.type === 'publish');
      },
      packets(): (PublishPacket | AnswerPacket)[] {
        stream.output.flush();
        const decoder = strictCodec.createDecoder({ role: 'client', maximumPacketSize: 1e6, version: 5 });
        for (const bytes of transport.sent.splice(0)) decoder.feed(bytes);
        const packets: (PublishPacket | AnswerPacket)[] = [];
        for (let packet = decoder.next(); packet !== undefined; packet = decoder.next())
          if (packet.type === 'publish' || packet.type === 'pubrel') packets.push(packet);
        return packets;
      },
    };
  }
  return { clock, outbox, connect };
}

const topics = (packets: readonly PublishPacket[]): string[] => packets.map(({ topic }) => topic);
const accepted = { reasonCode: 0 };

test('[MQTT-3.3.4-9] never more in flight than the Receive Maximum, and the last slot is for urgent ones', () => {
  const { outbox, connect } = fixture();
  const peer = connect({ receiveMaximum: 3 });
  for (const topic of ['a', 'b', 'c', 'd']) outbox.send(new Message(topic));
  assert.deepEqual(topics(peer.written()), ['a', 'b']);
  outbox.send(new Message('urgent', urgentRank));
  outbox.send(new Message('urgent2', urgentRank));
  assert.deepEqual(topics(peer.written()), ['urgent']);
  outbox.acknowledged(1, accepted);
  assert.deepEqual(topics(peer.written()), ['urgent2']);
  assert.equal(outbox.queued, 2);
  outbox.acknowledged(2, accepted);
  outbox.acknowledged(3, accepted);
  assert.deepEqual(topics(peer.written()), ['c']);
});

test('a Receive Maximum of 1 works, one at a time, most urgent first', () => {
  const { outbox, connect } = fixture();
  const peer = connect({ receiveMaximum: 1 });
  for (const [topic, rank] of [
    ['a', 0],
    ['b', 0],
    ['c', 4],
  ] as const)
    outbox.send(new Message(topic, rank));
  assert.deepEqual(topics(peer.written()), ['a']);
  outbox.acknowledged(1, accepted);
  assert.deepEqual(topics(peer.written()), ['c']);
});

test('a full byte window holds back all but one urgent message', () => {
  const { outbox, connect } = fixture();
  const peer = connect({ receiveMaximum: 100 });
  for (const topic of ['a', 'b', 'c', 'd']) outbox.send(new Message(topic, 0, { bytes: 12 * 1024 }));
  assert.deepEqual(topics(peer.written()), ['a', 'b']);
  outbox.send(new Message('urgent', 4, { bytes: 60_000 }));
  outbox.send(new Message('urgent2', 4));
  assert.deepEqual(topics(peer.written()), ['urgent']);
});

test('what waits while expiring is settled as expired, and never written', () => {
  const { clock, outbox, connect } = fixture();
  const peer = connect({ receiveMaximum: 1 });
  const [a, b] = [new Message('a'), new Message('b', 0, { expiresAt: clock.now() + 1000 })];
  outbox.send(a);
  outbox.send(b);
  clock.advance(1000);
  outbox.tick(clock.now());
  assert.deepEqual(b.outcomes, [{ kind: 'expired' }]);
  const late = new Message('late', 0, { expiresAt: clock.now() });
  outbox.acknowledged(1, accepted);
  outbox.send(late);
  assert.deepEqual(late.outcomes, [{ kind: 'expired' }]);
  assert.deepEqual(topics(peer.written()), ['a']);
  assert.equal(outbox.queuedBytes, 0);
});

test('[MQTT-3.3.2-6] the remaining seconds are written', () => {
  const { clock, outbox, connect } = fixture();
  const peer = connect({ receiveMaximum: 1 });
  outbox.send(new Message('a'));
  outbox.send(new Message('b', 0, { expiresAt: clock.now() + 60_000 }));
  clock.advance(20_000);
  outbox.acknowledged(1, accepted);
  assert.equal(peer.written()[1]?.messageExpirySeconds, 40);
});

test('[MQTT-3.1.2-24] what does not fit the peer is given back as too large', () => {
  const { outbox, connect } = fixture();
  const peer = connect({ maximumPacketSize: 50 });
  const [big, bigOnce, small] = [
    new Message('big', 0, { bytes: 100 }),
    new Message('big', 0, { bytes: 100, qos: 0 }),
    new Message('small'),
  ];
  for (const message of [big, bigOnce, small]) outbox.send(message);
  assert.deepEqual(big.outcomes, [{ kind: 'too-large' }]);
  assert.deepEqual(bigOnce.outcomes, [{ kind: 'too-large' }]);
  assert.equal(big.writes, 0);
  assert.deepEqual(topics(peer.written()), ['small']);
  assert.equal(outbox.inFlight, 1);
});

test('QoS 0 waits while the transport is behind', () => {
  const { outbox, connect } = fixture();
  const peer = connect();
  peer.transport.bufferedBytes = 100_000;
  const message = new Message('a', 0, { qos: 0 });
  outbox.send(message);
  assert.deepEqual(message.outcomes, []);
  peer.transport.bufferedBytes = 0;
  outbox.pump();
  assert.deepEqual(message.outcomes, [{ kind: 'sent' }]);
});

test('[MQTT-4.4.0-1] what is in flight is repeated under its identifier with DUP, before anything new', () => {
  const { clock, outbox, connect } = fixture();
  const first = connect();
  const [a, b] = [new Message('a'), new Message('b', 0, { expiresAt: clock.now() + 1000 })];
  outbox.send(a);
  outbox.send(b);
  const waits = new Message('waits', 0, { keepWhileOffline: true });
  assert.deepEqual(topics(first.written()), ['a', 'b']);
  outbox.detach();
  outbox.send(waits);
  const lost = new Message('lost');
  outbox.send(lost);
  assert.deepEqual(lost.outcomes, [{ kind: 'lost', written: false }]);
  clock.advance(2000);
  const second = connect({ receiveMaximum: 2 });
  const repeated = second.written();
  assert.deepEqual(
    repeated.map(({ topic, packetId, dup }) => [topic, packetId, dup]),
    [
      ['a', 1, true],
      ['b', 2, true],
    ],
  );
  // Promised to the session, so it is sent; its time is over, so its content is not.
  assert.equal(repeated[1]?.payload.length, 0);
  assert.deepEqual(repeated[1]?.userProperties, [['error', 'expired']]);
  outbox.acknowledged(1, accepted);
  outbox.acknowledged(2, { reasonCode: 0x87 });
  assert.deepEqual(topics(second.written()), ['waits']);
  assert.deepEqual(a.outcomes, [{ kind: 'acknowledged', acknowledgement: accepted }]);
  assert.equal(a.writes, 1);
});

test('something urgent does not wait for repetitions, unless one of them is urgent', () => {
  for (const [rank, expected] of [
    [0, ['urgent', 'c']],
    [urgentRank, ['c', 'urgent']],
  ] as const) {
    const { outbox, connect } = fixture();
    connect();
    for (const topic of ['a', 'b', 'c']) outbox.send(new Message(topic, rank));
    outbox.detach();
    const peer = connect({ receiveMaximum: 2 });
    outbox.send(new Message('urgent', urgentRank));
    assert.deepEqual(topics(peer.written()), ['a', 'b']);
    outbox.acknowledged(1, accepted);
    outbox.acknowledged(2, accepted);
    assert.deepEqual(topics(peer.written()), expected);
  }
});

test('an answer that comes before the repetition spares it', () => {
  const { outbox, connect } = fixture();
  const first = connect();
  for (const topic of ['a', 'b']) outbox.send(new Message(topic));
  assert.equal(first.written().length, 2);
  outbox.detach();
  const second = connect({ receiveMaximum: 1 });
  outbox.acknowledged(2, accepted);
  assert.deepEqual(topics(second.written()), ['a']);
  outbox.acknowledged(1, accepted);
  assert.equal(outbox.inFlight, 0);
  outbox.send(new Message('c'));
  assert.deepEqual(topics(second.written()), ['c']);
});

test('every message is settled once: at the end of the session what is left is lost', () => {
  const { outbox, connect } = fixture();
  const messages = Array.from({ length: 20 }, (_, index) => new Message(`m${index}`, index % 3));
  connect({ receiveMaximum: 5 });
  for (const message of messages) outbox.send(message);
  outbox.acknowledged(2, accepted);
  outbox.acknowledged(2, accepted);
  outbox.detach();
  outbox.end();
  outbox.end();
  assert.ok(messages.every(({ outcomes }) => outcomes.length === 1));
  const written = messages.filter(({ writes }) => writes > 0);
  assert.ok(written.length >= 5);
  assert.ok(
    messages.every(
      ({ writes, outcomes: [outcome] }) => outcome?.kind !== 'lost' || outcome.written === writes > 0,
    ),
  );
});

test('an answer that is overdue is noticed: 30 s, urgent 5 s', () => {
  const { clock, outbox, connect } = fixture();
  connect();
  outbox.send(new Message('a'));
  clock.advance(10_000);
  assert.equal(outbox.tick(clock.now()), false);
  outbox.send(new Message('urgent', urgentRank));
  clock.advance(5_000);
  assert.equal(outbox.tick(clock.now()), true);
  outbox.acknowledged(2, accepted);
  assert.equal(outbox.tick(clock.now()), false);
  clock.advance(15_000);
  assert.equal(outbox.tick(clock.now()), true);
});

test('a message may send another one when it is settled', () => {
  const { outbox, connect } = fixture();
  const peer = connect({ receiveMaximum: 1 });
  const second = new Message('second');
  const first = new Message('first');
  first.settled = () => outbox.send(second);
  outbox.send(first);
  outbox.acknowledged(1, accepted);
  assert.deepEqual(topics(peer.written()), ['first', 'second']);
});

test('what outboxes share is counted until it is settled, whichever way, and crowds only who holds part of it', () => {
  const share = { bytes: 0, bytesMax: 1_000 };
  const [slow, quiet] = [fixture(share), fixture(share)];
  const peer = slow.connect({ receiveMaximum: 3 });
  quiet.connect();
  slow.outbox.send(new Message('refused by nobody', 0, { bytes: 500 }));
  assert.equal(slow.outbox.isCrowded(), false);
  slow.outbox.send(new Message('waits', 0, { bytes: 600 }));
  slow.outbox.send(new Message('ends', 0, { bytes: 100, expiresAt: slow.clock.now() + 1 }));
  assert.deepEqual([slow.outbox.isCrowded(), slow.outbox.isCrowded(true)], [true, false]);
  assert.equal(quiet.outbox.isCrowded(), false);
  assert.deepEqual(topics(peer.written()), ['refused by nobody', 'waits']);
  slow.clock.advance(1);
  slow.outbox.tick(slow.clock.now());
  slow.outbox.acknowledged(1, accepted);
  assert.ok(share.bytes >= 600 && share.bytes < 1_000);
  slow.outbox.detach();
  slow.outbox.end();
  assert.equal(share.bytes, 0);
});

/** PUBREL by its identifier, PUBLISH by topic, with a mark for DUP. */
const brief = (packets: readonly (PublishPacket | AnswerPacket)[]): string[] =>
  packets.map((packet) =>
    packet.type === 'publish'
      ? `${packet.topic}${packet.dup ? '*' : ''}`
      : `rel ${packet.packetId}${packet.reasonCode === 0 ? '' : `!${packet.reasonCode}`}`,
  );

test('[MQTT-4.3.3-2] [MQTT-4.3.3-3] [MQTT-4.3.3-4] [MQTT-4.3.3-5] QoS 2: PUBREL after PUBREC, settled by PUBCOMP with what PUBREC said', () => {
  const { outbox, connect } = fixture();
  const peer = connect({ receiveMaximum: 3 });
  const messages = ['a', 'b', 'c', 'd'].map((topic) => new Message(topic, 0, { qos: 2 }));
  for (const message of messages) outbox.send(message);
  assert.deepEqual(brief(peer.packets()), ['a', 'b']);
  outbox.received(1, { reasonCode: 0x10 });
  assert.deepEqual(brief(peer.packets()), ['rel 1']);
  assert.deepEqual(messages[0]?.outcomes, []);
  assert.equal(outbox.inFlight, 2, 'it counts against the Receive Maximum until PUBCOMP [MQTT-3.3.4-9]');
  outbox.completed(1);
  assert.deepEqual(messages[0]?.outcomes, [{ kind: 'acknowledged', acknowledgement: { reasonCode: 0x10 } }]);
  assert.deepEqual(brief(peer.packets()), ['c']);
  // A refusal ends it, without PUBREL.
  outbox.received(2, { reasonCode: 0x97 });
  assert.deepEqual(messages[1]?.outcomes, [{ kind: 'acknowledged', acknowledgement: { reasonCode: 0x97 } }]);
  assert.deepEqual(brief(peer.packets()), ['d']);
  outbox.completed(2);
  assert.equal(outbox.inFlight, 2);
});

test('[MQTT-4.4.0-1] [MQTT-4.6.0-4] QoS 2 on the next connection: PUBREL in order of PUBREC, then PUBLISH with DUP', () => {
  const { outbox, connect } = fixture();
  connect();
  for (const topic of ['a', 'b', 'c']) outbox.send(new Message(topic, 0, { qos: 2 }));
  outbox.received(3, accepted);
  outbox.received(1, accepted);
  outbox.detach();
  const second = connect();
  assert.deepEqual(brief(second.packets()), ['rel 3', 'rel 1', 'b*']);
  outbox.completed(3);
  outbox.received(2, accepted);
  assert.deepEqual(brief(second.packets()), ['rel 2']);
  outbox.detach();
  assert.deepEqual(brief(connect().packets()), ['rel 1', 'rel 2']);
  outbox.completed(1);
  outbox.completed(2);
  assert.equal(outbox.inFlight, 0);
});

test('QoS 2: answers that fit nothing', () => {
  const { outbox, connect } = fixture();
  const peer = connect();
  outbox.send(new Message('a', 0, { qos: 2 }));
  outbox.send(new Message('b'));
  peer.packets();
  outbox.received(9, accepted);
  assert.deepEqual(brief(peer.packets()), ['rel 9!146']);
  outbox.completed(9);
  assert.throws(() => outbox.acknowledged(1, accepted), { reasonCode: 0x82 });
  assert.throws(() => outbox.completed(1), { reasonCode: 0x82 });
  assert.throws(() => outbox.received(2, accepted), { reasonCode: 0x82 });
  outbox.received(1, accepted);
  outbox.received(1, accepted);
  assert.deepEqual(brief(peer.packets()), ['rel 1', 'rel 1']);
});

test('a PUBCOMP that is overdue is noticed, and what awaits one is lost with its session', () => {
  const { clock, outbox, connect } = fixture();
  connect();
  const message = new Message('a', 0, { qos: 2 });
  outbox.send(message);
  clock.advance(20_000);
  outbox.received(1, accepted);
  clock.advance(20_000);
  assert.equal(outbox.tick(clock.now()), false);
  clock.advance(10_000);
  assert.equal(outbox.tick(clock.now()), true);
  outbox.detach();
  outbox.end();
  assert.deepEqual(message.outcomes, [{ kind: 'lost', written: true }]);
});

test('what others can take is handed back in order, unwritten; of no more than so many it is asked', () => {
  const { outbox, connect } = fixture();
  const peer = connect({ receiveMaximum: 1 });
  const shared = ['a', 'b', 'c', 'd'].map(
    (topic) => new Message(topic, 0, { keepWhileOffline: true, movesOn: () => topic !== 'c' }),
  );
  const own = new Message('own', 0, { keepWhileOffline: true });
  for (const message of [...shared, own]) outbox.send(message);
  assert.deepEqual(topics(peer.written()), ['a']);
  outbox.detach();
  assert.equal(outbox.handBack(2), 1);
  assert.equal(outbox.handBack(2), 1);
  assert.equal(outbox.handBack(2), 0);
  const lost = [{ kind: 'lost', written: false }];
  assert.deepEqual(
    shared.map(({ outcomes }) => outcomes),
    [[], lost, [], lost],
  );
  assert.deepEqual([outbox.queued, outbox.queuedBytes > 0, outbox.inFlight], [2, true, 1]);
  assert.deepEqual(topics(connect().written()), ['a', 'c', 'own']);
});
