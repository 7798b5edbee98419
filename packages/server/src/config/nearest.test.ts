// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editDistance, nearest } from './nearest.ts';

test('the distance counts letters that are wrong, missing, too many or swapped', () => {
  assert.equal(editDistance('listen', 'listen'), 0);
  assert.equal(editDistance('lsiten', 'listen'), 1);
  assert.equal(editDistance('liste', 'listen'), 1);
  assert.equal(editDistance('lissten', 'listen'), 1);
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('', 'abc'), 3);
});

test('it is the same both ways, and never more than the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
      const distance = editDistance(left, right);
      assert.equal(distance, editDistance(right, left));
      assert.ok(distance <= Math.max(left.length, right.length));
      assert.equal(distance === 0, left === right);
    }),
  );
});

test('what nobody can have meant is not suggested', () => {
  const known = ['listen.mqtt', 'listen.mqtts', 'domain', 'log.level'];
  assert.equal(nearest('listen.mqqts', known), 'listen.mqtts');
  assert.equal(nearest('domian', known), 'domain');
  assert.equal(nearest('password', known), undefined);
});
