// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Precedence, precedenceNames } from '@sealpost/protocol';
import { FakeClock } from '@sealpost/testing';
import { Room, type Place } from './room.ts';

const { deferred, routine, priority, immediate, flash, override } = Precedence;
const upward = [deferred, routine, priority, immediate, flash, override] as const;

let senders = 0;
/** Another one each time. */
function somebody(): string {
  senders += 1;
  return `${senders}@home.test`;
}

function roomOf(messagesMax: number, clock = new FakeClock(), random = 0.5): Room {
  return new Room({ bytesMax: messagesMax * 100, messagesMax, clock, random: () => random });
}

function fill(room: Room, precedence: Precedence, bytes = 100): Place[] {
  const places: Place[] = [];
  for (
    let place = room.enter(precedence, bytes, somebody());
    place.ok;
    place = room.enter(precedence, bytes, somebody())
  )
    places.push(place.value);
  return places;
}

test('the lower a lane, the earlier it is refused; what it may not take is there for those above', () => {
  const room = roomOf(1_000);
  const taken = upward.map((precedence) => fill(room, precedence).length);
  assert.ok(
    taken.every((count) => count > 0),
    `each lane found some room: ${taken.join(' ')}`,
  );
  for (const precedence of upward) assert.equal(room.enter(precedence, 100, somebody()).ok, false);
});

test('whatever comes and goes, the room is never above its bounds and forgets nobody', () => {
  const steps = fc.array(
    fc.record({ lane: fc.constantFrom(...upward), bytes: fc.nat(3_000), leaves: fc.nat(3) }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const bytesMax = 10_000;
      const messagesMax = 20;
      const room = new Room({ bytesMax, messagesMax, clock: new FakeClock(), random: () => 0 });
      const inside: Place[] = [];
      for (const { lane, bytes, leaves } of list) {
        const place = room.enter(lane, bytes, somebody());
        if (place.ok) inside.push(place.value);
        for (const left of inside.splice(0, leaves)) {
          left.leave();
          left.leave();
        }
        assert.ok(room.bytes <= bytesMax && room.messages <= messagesMax);
        assert.equal(room.messages, inside.length);
      }
      for (const place of inside) place.leave();
      assert.deepEqual([room.bytes, room.messages], [0, 0]);
    }),
  );
});

test('when the store does not answer, the lower lanes are refused first, and flash is not', () => {
  const clock = new FakeClock();
  const room = roomOf(10_000, clock);
  assert.ok(room.enter(flash, 100, somebody()).ok);
  const refusedAfterMs = new Map<Precedence, number>();
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 50) {
    for (const precedence of upward)
      if (!refusedAfterMs.has(precedence) && !room.enter(precedence, 1, somebody()).ok)
        refusedAfterMs.set(precedence, waitedMs);
    clock.advance(50);
  }
  assert.deepEqual([...refusedAfterMs.keys()], [deferred, routine, priority, immediate]);
});

test('a wait in a lower lane closes no higher one', () => {
  const clock = new FakeClock();
  const room = roomOf(10_000, clock);
  assert.ok(room.enter(routine, 100, somebody()).ok);
  clock.advance(60_000);
  assert.equal(room.enter(routine, 100, somebody()).ok, false);
  assert.equal(room.enter(deferred, 100, somebody()).ok, false);
  for (const precedence of [priority, immediate, flash, override])
    assert.ok(room.enter(precedence, 100, somebody()).ok);
});

test('the lower lanes are let in again as soon as those who waited have left', () => {
  const clock = new FakeClock();
  const room = roomOf(100, clock);
  const places = fill(room, routine);
  clock.advance(5_000);
  assert.equal(room.enter(routine, 100, somebody()).ok, false);
  for (const place of places) place.leave();
  assert.ok(room.enter(routine, 100, somebody()).ok);
});

const told = (refusals: number, random: number): number => {
  const room = roomOf(100, new FakeClock(), random);
  fill(room, routine);
  let seconds = 0;
  for (let n = 0; n < refusals; n += 1) {
    const place = room.enter(routine, 100, somebody());
    seconds = place.ok ? 0 : (place.refusal.retryAfterSeconds ?? 0);
  }
  return seconds;
};

test('who is refused is told when to come back: later the more are refused, spread, and never too late', () => {
  assert.ok(told(1, 0.5) >= 1);
  assert.ok(told(500, 0.5) > told(50, 0.5));
  assert.ok(told(500, 0.9) > told(500, 0.1));
  assert.ok(told(50_000, 1) <= 60);
});

test('one sender fills no lane by itself, and others find room beside it', () => {
  const room = roomOf(1_000);
  const countOf = (sender: string): number => {
    let count = 0;
    while (room.enter(routine, 100, sender).ok) count += 1;
    return count;
  };
  // Half of all is the lane's share; of that it leaves as much as it takes.
  assert.equal(countOf('ann@home.test'), 250);
  assert.equal(countOf('bob@home.test'), 166);
  assert.ok(countOf('eve@home.test') > 0);
  // Flash has rates that are low enough, and is refused for want of room only.
  for (let n = 0; n < 100; n += 1) assert.ok(room.enter(flash, 100, 'ann@home.test').ok);
  const alone = roomOf(1_000);
  for (let n = 0; n < 1_000; n += 1) {
    const place = alone.enter(routine, 100, 'ann@home.test');
    assert.ok(place.ok);
    place.value.leave();
  }
  assert.equal(alone.senders, 0, 'who has nothing in it is forgotten');
});

test('every precedence has a lane', () => {
  for (const name of precedenceNames) assert.ok(roomOf(10).enter(Precedence[name], 1, somebody()).ok);
});
