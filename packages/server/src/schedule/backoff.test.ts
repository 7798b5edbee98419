// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Precedence } from '@sealpost/protocol';
import { retryCapMs, retryDelayMs } from './backoff.ts';

const lane = fc.constantFrom<Precedence>(-4, -2, 0, 2, 4, 6);
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('[RELAY-12] no pause is longer than the cap of its lane, whatever the peer asks for', () => {
  fc.assert(
    fc.property(fc.nat(1_000), lane, random, fc.nat(1e6), (failures, at, chance, retryAfter) => {
      const delay = retryDelayMs(failures, at, chance, retryAfter);
      assert.ok(delay > 0 && delay <= retryCapMs(at));
    }),
  );
});

test('[RELAY-12] flash is tried again within a second, deferred within hours', () => {
  assert.equal(retryCapMs(4), 1_000);
  assert.equal(retryDelayMs(100, 4, 0.999) <= 1_000, true);
  assert.equal(retryCapMs(-4), 2 * 60 * 60 * 1_000);
});

test('pauses grow, and a peer that asks for more time gets it', () => {
  assert.ok(retryDelayMs(6, -2, 0.5) > retryDelayMs(2, -2, 0.5));
  assert.equal(retryDelayMs(0, -2, 0, 30), 30_000);
});
