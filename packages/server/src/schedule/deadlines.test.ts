// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@sealpost/testing';
import { Deadlines } from './deadlines.ts';

async function moveOn(clock: FakeClock, ms: number): Promise<void> {
  clock.advance(ms);
  await new Promise(setImmediate);
}

test('the sweep runs at the earliest deadline, and again at the one it names', async () => {
  const clock = new FakeClock(0);
  const sweeps: number[] = [];
  const deadlines = new Deadlines({
    clock,
    sweep: async (now) => {
      sweeps.push(now);
      return now < 50 ? 50 : undefined;
    },
    report: (error) => assert.fail(String(error)),
  });
  deadlines.note(30);
  deadlines.note(20);
  deadlines.note(90);
  for (const ms of [10, 10, 10, 20, 150]) await moveOn(clock, ms);
  assert.deepEqual(sweeps, [20, 50]);
});

test('a sweep that fails is tried again', async () => {
  const clock = new FakeClock(0);
  let calls = 0;
  const errors: unknown[] = [];
  const deadlines = new Deadlines({
    clock,
    sweep: async () => {
      calls += 1;
      if (calls === 1) throw new Error('store away');
      return undefined;
    },
    report: (error) => errors.push(error),
  });
  deadlines.note(0);
  await moveOn(clock, 0);
  await moveOn(clock, 1_000);
  assert.equal(calls, 2);
  assert.equal(errors.length, 1);
});
