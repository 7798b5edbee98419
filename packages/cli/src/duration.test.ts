// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDuration } from './duration.ts';

test('durations as people write them', () => {
  assert.equal(parseDuration('90s'), 90);
  assert.equal(parseDuration('2m'), 120);
  assert.equal(parseDuration('1h30m'), 5_400);
  assert.equal(parseDuration('7d'), 604_800);
  assert.equal(parseDuration('1w'), 604_800);
});

test('anything else is not guessed at', () => {
  for (const text of ['', '2', 'm', '2 m', '-2m', '1.5h', '2M', '2m ', '2min', '9999999999s'])
    assert.equal(parseDuration(text), undefined, text);
});

test('parts add up', () => {
  fc.assert(
    fc.property(fc.nat(999), fc.nat(999), fc.nat(999), (hours, minutes, seconds) => {
      assert.equal(parseDuration(`${hours}h${minutes}m${seconds}s`), hours * 3_600 + minutes * 60 + seconds);
    }),
  );
});
