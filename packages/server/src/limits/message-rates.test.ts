// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Precedence } from '@sealpost/protocol';
import { FakeClock } from '@sealpost/testing';
import { MessageRateLimit } from './message-rates.ts';

const { routine, priority, immediate, flash } = Precedence;
const rates = {
  total: { perSecond: 10, burst: 20 },
  lanes: new Map([
    [flash, { perSecond: 1, burst: 2 }],
    [immediate, { perSecond: 2, burst: 3 }],
  ]),
};

test('[DELIV-4] too much of a lane travels in the next lower one that has room', () => {
  const limit = new MessageRateLimit(rates, 10, new FakeClock());
  const lanes = Array.from({ length: 7 }, () => limit.lane('alarm', flash));
  assert.deepEqual(lanes, [flash, flash, immediate, immediate, immediate, priority, priority]);
  assert.equal(limit.lane('alarm', routine), routine);
});

test('too many in all are told when to come back, and then are taken', () => {
  const clock = new FakeClock();
  const limit = new MessageRateLimit(rates, 10, clock);
  for (let n = 0; n < 20; n += 1) assert.ok(limit.take('alarm').ok);
  const refused = limit.take('alarm');
  assert.ok(!refused.ok && refused.refusal.code === 'rate-limited');
  clock.advance((refused.refusal.retryAfterSeconds ?? 0) * 1000);
  assert.ok(limit.take('alarm').ok);
});

test('one sender takes nothing from another', () => {
  const limit = new MessageRateLimit(rates, 10, new FakeClock());
  for (let n = 0; n < 100; n += 1) {
    limit.take('loud');
    limit.lane('loud', flash);
  }
  assert.ok(limit.take('quiet').ok);
  assert.equal(limit.lane('quiet', flash), flash);
});

test('the table is bounded, whoever sends', () => {
  const limit = new MessageRateLimit(rates, 1_000, new FakeClock());
  for (let n = 0; n < 100_000; n += 1) limit.take(`sender-${n}`);
  assert.equal(limit.tracked, 1_000);
});
