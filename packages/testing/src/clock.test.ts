// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from './clock.ts';

test('timers fire in order, each at its own time', () => {
  const clock = new FakeClock(1_000);
  const fired: [string, number][] = [];
  clock.after(20, () => fired.push(['late', clock.now()]));
  clock.after(10, () => {
    fired.push(['early', clock.now()]);
    clock.after(5, () => fired.push(['nested', clock.now()]));
  });
  clock.after(30, () => fired.push(['beyond', clock.now()]));
  clock.advance(25);
  assert.deepEqual(fired, [
    ['early', 1_010],
    ['nested', 1_015],
    ['late', 1_020],
  ]);
  assert.equal(clock.now(), 1_025);
  assert.equal(clock.pending, 1);
});

test('a cancelled timer does not fire', () => {
  const clock = new FakeClock();
  const cancel = clock.after(1, () => assert.fail('fired'));
  cancel();
  clock.advance(10);
  assert.equal(clock.pending, 0);
});
