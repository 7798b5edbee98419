// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrival } from './arrival.ts';
import type { ArrivalEnd } from './arrival.ts';
import type { Received } from './message.ts';

function arrive(): { arrival: Arrival; ends: ArrivalEnd[] } {
  const ends: ArrivalEnd[] = [];
  const never = new Promise<Received>(() => undefined);
  return { arrival: new Arrival(never, 1, (end) => ends.push(end)), ends };
}

test('it is answered once, by the first word about it', async () => {
  const { arrival, ends } = arrive();
  arrival.take();
  arrival.leave();
  assert.equal((await arrival.answered).reasonCode, 0);
  assert.deepEqual(ends, ['taken']);
});

test('left or expired, it stays with the mailbox', async () => {
  const left = arrive();
  left.arrival.leave();
  assert.deepEqual((await left.arrival.answered).userProperties, [['error', 'undecided']]);
  const expired = arrive();
  expired.arrival.drop();
  assert.deepEqual((await expired.arrival.answered).userProperties, [['error', 'expired']]);
});

test('what still waits when the time is over is given back, and not shown any more', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { arrival, ends } = arrive();
  t.mock.timers.tick(3_000);
  assert.deepEqual((await arrival.answered).userProperties, [['error', 'client-too-slow']]);
  assert.deepEqual(ends, ['given-back']);
  assert.equal(arrival.show(), false);
});

test('what the reader has in hand when the time is over counts as taken', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { arrival, ends } = arrive();
  assert.equal(arrival.show(), true);
  t.mock.timers.tick(3_000);
  assert.equal((await arrival.answered).reasonCode, 0);
  assert.deepEqual(ends, ['taken']);
});
