// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Precedence } from '@sealpost/protocol';
import fc from 'fast-check';
import { Room, messageOverheadBytes, type Place } from './room.ts';

const { deferred, routine, priority, immediate, flash } = Precedence;
const lane = fc.constantFrom(deferred, routine, priority, immediate, flash);

function room(more: Partial<ConstructorParameters<typeof Room>[0]> = {}): Room {
  return new Room({ bytesMax: 1024 * messageOverheadBytes, underwayMax: 2, random: () => 0.5, ...more });
}

function entered(at: Room, wanted: Precedence, bytes = 0): Place {
  const place = at.enter(wanted, bytes);
  assert.ok(place.ok);
  return place.value;
}

test('as room runs out, the least urgent are told first to come back, and flash last', () => {
  const at = room({ underwayMax: Infinity });
  const refusedAt = new Map<Precedence, number>();
  for (let filled = 0; filled <= 1024; filled += 1) {
    for (const wanted of [deferred, routine, priority, immediate, flash]) {
      const place = at.enter(wanted, 0);
      if (place.ok) at.leave(place.value);
      else if (!refusedAt.has(wanted)) {
        refusedAt.set(wanted, filled);
        assert.equal(place.refusal.code, 'overloaded');
        assert.ok((place.refusal.retryAfterSeconds ?? 0) > 0);
      }
    }
    if (filled < 1024) entered(at, flash);
  }
  const order = [...refusedAt.keys()];
  assert.deepEqual(order, [deferred, routine, priority, immediate, flash]);
  assert.equal(refusedAt.get(flash), 1024);
});

test('what is urgent never waits, and overtakes what does', async () => {
  const at = room();
  const first = entered(at, routine);
  entered(at, routine);
  const order: string[] = [];
  const waits = (name: string, wanted: Precedence): void => {
    const { turn } = entered(at, wanted);
    assert.ok(turn, name);
    void turn.then(() => order.push(name));
  };
  waits('routine 1', routine);
  waits('deferred', deferred);
  waits('priority', priority);
  waits('routine 2', routine);
  const urgent = entered(at, immediate);
  assert.equal(urgent.turn, undefined);
  at.leave(urgent);
  for (let n = 0; n < 5; n += 1) {
    at.leave(first);
    await Promise.resolve();
  }
  assert.deepEqual(order, ['priority', 'routine 1', 'routine 2', 'deferred']);
});

test('a flood of one lane leaves a share to those that have waited longest', async () => {
  const at = room({ underwayMax: 1 });
  const first = entered(at, priority);
  let isServed = false;
  void entered(at, deferred).turn?.then(() => (isServed = true));
  let served = 0;
  while (!isServed && served < 100) {
    entered(at, priority);
    at.leave(first);
    served += 1;
    await Promise.resolve();
  }
  assert.ok(served <= 16, `after ${served}`);
});

test('never more under way or more bytes than declared, and everybody who was let in gets a turn', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(lane, fc.nat(60_000)), { maxLength: 200 }), async (arrivals) => {
      const bytesMax = 256 * 1024;
      const at = room({ bytesMax, underwayMax: 3 });
      let underway = 0;
      let done = 0;
      const work = async (wanted: Precedence, bytes: number): Promise<void> => {
        const place = at.enter(wanted, bytes);
        assert.ok(at.bytes <= bytesMax);
        if (!place.ok) return;
        await place.value.turn;
        if (wanted < immediate) assert.ok((underway += 1) <= 3);
        await Promise.resolve();
        if (wanted < immediate) underway -= 1;
        at.leave(place.value);
        done += 1;
      };
      const all = arrivals.map(([wanted, bytes]) => work(wanted, bytes));
      await Promise.all(all);
      assert.ok(done > 0 || arrivals.length === 0);
      assert.equal(at.bytes, 0);
      assert.equal(at.waiting, 0);
    }),
  );
});
