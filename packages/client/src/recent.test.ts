// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recent } from './recent.ts';

test('the oldest is forgotten first, and setting again makes young', () => {
  const recent = new Recent<number>(2);
  recent.set('a', 1);
  recent.set('b', 2);
  recent.set('a', 3);
  recent.set('c', 4);
  assert.equal(recent.get('a'), 3);
  assert.equal(recent.has('b'), false);
  assert.equal(recent.get('c'), 4);
});
