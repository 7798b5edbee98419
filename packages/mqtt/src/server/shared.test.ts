// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Outgoing } from '../link/outgoing.ts';
import type { Publish, Qos } from '../packet.ts';
import { lookedAtMax } from './share-group.ts';
import { askedAtOnce, SharedSubscriptions } from './shared.ts';
import type { Subscriber } from './subscriber.ts';
import type { Subscription } from './subscription-tree.ts';

const filter = '$share/g/t';

/** A session that keeps what it is given, and writes nothing by itself. */
class Keeping implements Subscriber<null> {
  readonly principal = null;
  readonly account: string = '';
  readonly clientId: string;
  readonly version = 5;
  readonly subscriptions = new Map<string, Subscription>();
  readonly maximumPacketSize: number | undefined = undefined;
  readonly queuedBytes = 0;
  connected = true;
  room = Infinity;
  dropped = 0;
  waiting: Outgoing[] = [];

  constructor(clientId = 'c', more: Partial<Keeping> = {}) {
    this.clientId = clientId;
    Object.assign(this, more);
  }

  get queued(): number {
    return this.waiting.length;
  }

  get load(): number {
    return this.waiting.length;
  }

  get texts(): string[] {
    return this.waiting.map(({ publish }) => Buffer.from(publish.payload).toString());
  }

  hasRoom(): boolean {
    return this.waiting.length < this.room;
  }

  deliver(message: Outgoing): boolean {
    if (this.hasRoom()) {
      if (!this.connected && message.publish.qos === 0) message.settled({ kind: 'lost', written: false });
      else this.waiting.push(message);
      return true;
    }
    this.dropped++;
    return false;
  }

  handBack(askedMax: number): number {
    let left = askedMax;
    const { length } = this.waiting;
    this.lose((message) => left-- > 0 && message.movesOn?.() === true);
    return length - this.waiting.length;
  }

  write(): void {
    for (const message of this.waiting) message.written?.();
  }

  lose(chosen: (message: Outgoing) => boolean): void {
    const lost = new Set(this.waiting.filter(chosen));
    this.waiting = this.waiting.filter((message) => !lost.has(message));
    for (const message of lost) message.settled({ kind: 'lost', written: false });
  }

  send(): void {}
  disconnect(): void {}
  end(): void {}
  matches(): undefined {}
  isCrowded(): boolean {
    return false;
  }
}

/** As a session does when its connection is lost. */
function disconnect(member: Keeping, shared: SharedSubscriptions<null>): void {
  member.connected = false;
  member.lose(({ publish }) => publish.qos === 0);
  shared.disconnected(member);
}

function end(member: Keeping, shared: SharedSubscriptions<null>): void {
  member.connected = false;
  shared.leave(member, filter);
  member.lose(() => true);
}

function group(...members: readonly Keeping[]): SharedSubscriptions<null> {
  const shared = new SharedSubscriptions<null>({ receivePolicy: undefined, tooLarge: () => undefined });
  for (const member of members) shared.join(member, subscription());
  return shared;
}

function subscription(qos: Qos = 2): Subscription {
  return { filter, qos, noLocal: false, retainAsPublished: false, subscriptionId: undefined };
}

function message(text: string, qos: Qos = 1): Publish {
  return { topic: 't', payload: new TextEncoder().encode(text), qos, retain: false, userProperties: [] };
}

test('what waits stays in order, with whom it came to first, until somebody connects', () => {
  const [older, younger, back] = [new Keeping('older'), new Keeping('younger'), new Keeping('back')];
  const shared = group(older, younger, back);
  for (const member of [older, back, younger]) disconnect(member, shared);
  for (const text of ['1', '2', '3']) shared.publish(message(text), undefined);
  assert.deepEqual([older.texts, younger.texts], [[], ['1', '2', '3']]);
  back.connected = true;
  shared.connected(back);
  assert.deepEqual([younger.texts, back.texts], [[], ['1', '2', '3']]);
});

test('a great deal that waits is handed over in parts', () => {
  const [away, present] = [new Keeping('away'), new Keeping('present')];
  const shared = group(away);
  for (let n = 0; n < 2 * askedAtOnce + 1; n++) shared.publish(message(String(n)), undefined);
  disconnect(away, shared);
  shared.join(present, subscription());
  const waiting = [1, 2, 3, 4].map(() => {
    shared.joined(present, filter);
    return away.waiting.length;
  });
  assert.deepEqual(waiting, [askedAtOnce + 1, 1, 0, 0]);
  assert.deepEqual(present.texts, [...present.texts.keys()].map(String));
});

test('the ticks go on with it, and stop when nobody has room', () => {
  const [away, present] = [new Keeping('away'), new Keeping('present', { room: askedAtOnce + 2 })];
  const shared = group(away);
  for (let n = 0; n < 2 * askedAtOnce; n++) shared.publish(message(String(n)), undefined);
  disconnect(away, shared);
  shared.join(present, subscription());
  shared.joined(present, filter);
  for (let n = 0; n < 5; n++) shared.tick();
  assert.deepEqual([present.waiting.length, away.waiting.length], [askedAtOnce + 2, askedAtOnce - 2]);
});

test('QoS 0 is not kept for anybody, and not offered again to who just lost its connection', () => {
  const [first, second] = [new Keeping('first'), new Keeping('second')];
  const shared = group(first, second);
  for (const text of ['1', '2']) shared.publish(message(text, 0), undefined);
  disconnect(first, shared);
  assert.deepEqual([first.texts, second.texts], [[], ['2', '1']]);
  disconnect(second, shared);
  assert.deepEqual([first.texts, second.texts], [[], []]);
  assert.equal(shared.publish(message('3', 0), undefined), false);
});

test('when all who are connected are full, one without a connection keeps it; when all are, it is dropped once', () => {
  const [full, offline] = [new Keeping('full', { room: 1 }), new Keeping('offline', { room: 1 })];
  const shared = group(full, offline);
  disconnect(offline, shared);
  for (const text of ['1', '2', '3']) assert.ok(shared.publish(message(text), undefined));
  assert.deepEqual([full.texts, offline.texts, full.dropped + offline.dropped], [['1'], ['2'], 1]);
});

test('what was written stays with its member; only the rest is asked back', () => {
  const [first, second] = [new Keeping('first'), new Keeping('second')];
  const shared = group(first);
  shared.publish(message('1'), undefined);
  first.write();
  for (const message of first.waiting)
    message.settled({ kind: 'acknowledged', acknowledgement: { reasonCode: 0 } });
  first.waiting = [];
  disconnect(first, shared);
  first.handBack = () => assert.fail('nothing of the group waits there');
  shared.join(second, subscription());
  shared.joined(second, filter);
});

test('what is kept without a connection does not hold on to the chunk it came in', () => {
  const member = new Keeping('a');
  const shared = group(member);
  disconnect(member, shared);
  const chunk = new Uint8Array(10_000);
  shared.publish({ ...message(''), payload: chunk.subarray(10, 20) }, undefined);
  assert.equal(member.waiting[0]?.publish.payload.buffer.byteLength, 10);
});

test(`of a large group ${lookedAtMax} are looked at for one message, and others for the next`, () => {
  const full = Array.from(
    { length: 3 * lookedAtMax },
    (_, index) => new Keeping(`full-${index}`, { room: 0 }),
  );
  const free = new Keeping('free');
  const shared = group(...full, free);
  let tries = 0;
  while (free.texts.length === 0) {
    shared.publish(message(String(++tries)), undefined);
    assert.ok(tries <= 4);
  }
  assert.equal(
    full.reduce((sum, { dropped }) => sum + dropped, 0),
    tries - 1,
  );
});

test('a message whose group has no members left is dropped with its session', () => {
  const only = new Keeping('only');
  const shared = group(only);
  shared.publish(message('1'), undefined);
  end(only, shared);
  assert.deepEqual([only.waiting, shared.size], [[], 0]);
  assert.equal(shared.publish(message('2'), undefined), false);
});

test('at the end of the server nobody inherits', () => {
  const [first, second] = [new Keeping('first'), new Keeping('second')];
  const shared = group(first, second);
  shared.publish(message('1'), undefined);
  shared.close();
  end(first, shared);
  assert.deepEqual([second.texts, shared.size], [[], 0]);
});
