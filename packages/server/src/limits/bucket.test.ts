// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bucket } from './bucket.ts';

const rates = fc.record({
  perSecond: fc.double({ min: 0.01, max: 1_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 1_000 }),
});
/** Milliseconds between one attempt and the next; the clock may be set back. */
const pauses = fc.array(fc.integer({ min: -500, max: 5_000 }), { minLength: 1, maxLength: 300 });

test('between any two moments a bucket gives at most its burst and what its rate adds', () => {
  fc.assert(
    fc.property(rates, fc.array(fc.nat(5_000), { minLength: 1, maxLength: 200 }), (rate, steps) => {
      let nowMs = 1_000_000;
      const bucket = new Bucket(rate, nowMs);
      const givenAt: number[] = [];
      for (const step of steps) {
        nowMs += step;
        if (bucket.take(nowMs)) givenAt.push(nowMs);
      }
      for (const [first, fromMs] of givenAt.entries())
        for (let last = first; last < givenAt.length; last += 7) {
          const seconds = ((givenAt[last] ?? 0) - fromMs) / 1000;
          assert.ok(last - first + 1 <= rate.burst + seconds * rate.perSecond + 1e-6);
        }
    }),
  );
});

test('after the wait that a bucket names there is a token, and not long before', () => {
  fc.assert(
    fc.property(rates, pauses, (rate, steps) => {
      let nowMs = 1_000_000;
      const bucket = new Bucket(rate, nowMs);
      for (const step of steps) bucket.take((nowMs += step));
      const waitMs = bucket.waitSeconds(nowMs) * 1000;
      if (waitMs > 2) assert.ok(bucket.isEmpty(nowMs + waitMs / 2));
      assert.ok(bucket.take(nowMs + waitMs + 1));
    }),
  );
});

test('a clock that was set back opens nothing', () => {
  const bucket = new Bucket({ perSecond: 1, burst: 2 }, 10_000);
  assert.deepEqual([bucket.take(10_000), bucket.take(10_000), bucket.take(10_000)], [true, true, false]);
  assert.equal(bucket.take(0), false);
  assert.equal(bucket.take(999), false);
  assert.equal(bucket.take(2_000), true);
});

test('what was given back can be taken again, and no more than the burst', () => {
  const bucket = new Bucket({ perSecond: 1, burst: 1 }, 0);
  bucket.giveBack();
  assert.deepEqual([bucket.take(0), bucket.take(0)], [true, false]);
  bucket.giveBack();
  assert.equal(bucket.take(0), true);
});
