// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rates, unlimited } from './rates.ts';

const rate = fc.record({
  perSecond: fc.integer({ min: 1, max: 1000 }),
  burst: fc.integer({ min: 1, max: 50 }),
});

test('in no stretch of time are there more than the burst and what the rate brings', () => {
  fc.assert(
    fc.property(rate, fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 }), (limit, pauses) => {
      const rates = new Rates(limit);
      const taken: number[] = [];
      let now = 1_000_000;
      for (const pause of pauses) {
        now += pause;
        if (rates.take('a', now) === 0) taken.push(now);
      }
      for (let from = 0; from < taken.length; from += 1)
        for (let to = from; to < taken.length; to += 1) {
          const seconds = ((taken[to] ?? 0) - (taken[from] ?? 0)) / 1000;
          assert.ok(to - from + 1 <= limit.burst + seconds * limit.perSecond + 1e-6);
        }
    }),
  );
});

test('who waits as long as it was told is served, and not before', () => {
  fc.assert(
    fc.property(rate, fc.integer({ min: 0, max: 200 }), (limit, count) => {
      const rates = new Rates(limit);
      let now = 5_000_000;
      for (let n = 0; n < count; n += 1) {
        const waitMs = rates.take('a', now);
        if (waitMs === 0) continue;
        assert.ok(rates.waitMs('a', now + waitMs / 2) > 0);
        now += waitMs + 1e-6;
        assert.equal(rates.take('a', now), 0);
      }
    }),
  );
});

test('one sender never uses up another’s', () => {
  const rates = new Rates({ perSecond: 1, burst: 2 });
  for (let n = 0; n < 10; n += 1) rates.take('greedy', 0);
  assert.ok(rates.take('greedy', 0) > 0);
  assert.equal(rates.take('modest', 0), 0);
});

test('a hundred thousand names take the room of the few that are kept', () => {
  const rates = new Rates({ perSecond: 1, burst: 1 }, 1_000);
  for (let n = 0; n < 100_000; n += 1) rates.take(`name ${n}`, 0);
  assert.equal(rates.size, 1_000);
  assert.ok(rates.take('name 99999', 0) > 0);
});

test('a clock that is set back locks nobody out for longer than an empty bucket does', () => {
  const rates = new Rates({ perSecond: 1, burst: 5 });
  for (let n = 0; n < 6; n += 1) rates.take('a', 1_000_000_000);
  assert.ok(rates.waitMs('a', 1_000) <= 1_000);
  assert.equal(rates.take('a', 2_001), 0);
});

test('no limit keeps nothing', () => {
  const rates = new Rates(unlimited);
  for (let n = 0; n < 1_000; n += 1) assert.equal(rates.take('a', 0), 0);
  assert.equal(rates.size, 0);
});
