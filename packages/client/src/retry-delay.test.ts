// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { retryDelayMs } from './retry-delay.ts';

const chance = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

test('pauses grow from half a second to a minute, spread by chance, and never fall below what was asked', () => {
  fc.assert(
    fc.property(fc.nat(1_000), chance, fc.nat(10_000), (failures, random, asked) => {
      const delay = retryDelayMs(failures, random, asked);
      assert.ok(delay >= 250 && delay <= 3_600_500);
      assert.ok(delay >= Math.min(asked, 3_600) * 1000);
      if (asked === 0) assert.ok(delay <= 60_000);
      assert.ok(retryDelayMs(failures + 1, random) >= retryDelayMs(failures, random));
    }),
  );
  assert.notEqual(retryDelayMs(8, 0.1), retryDelayMs(8, 0.9));
  assert.notEqual(retryDelayMs(1, 0.1, 30), retryDelayMs(1, 0.9, 30));
});
