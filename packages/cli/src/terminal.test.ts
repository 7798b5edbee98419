// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from './terminal.ts';

test('what a sender writes cannot steer a terminal', () => {
  assert.equal(printable('a\u001b[2Kb'), 'a [2Kb');
  assert.equal(printable('one\r\ntwo'), 'one two');
  assert.equal(printable('abc\u202Edef'), 'abc def');
  assert.equal(printable('a\u2028b\u0085c'), 'a b c');
});

test('text of any language stays', () => {
  for (const text of ['Rauch in der Küche', 'キッチンで煙', 'دخان في المطبخ', '👩‍🚒 fire', 'می‌خواهم'])
    assert.equal(printable(text), text);
});
