// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { styleText } from 'node:util';
import { formatTable } from './table.ts';

test('columns align, and no line ends in white space', () => {
  const lines = formatTable([
    ['flash', 'kitchen-alarm@home.test', 'Smoke'],
    ['routine', 'ann@home.test', ''],
  ]);
  assert.deepEqual(lines, ['flash    kitchen-alarm@home.test  Smoke', 'routine  ann@home.test']);
});

test('colour takes no room', () => {
  const red = styleText('red', 'flash', { validateStream: false });
  assert.deepEqual(
    formatTable([
      [red, 'x'],
      ['routine', 'x'],
    ]),
    [`${red}    x`, 'routine  x'],
  );
});

test('an empty table has no lines', () => {
  assert.deepEqual(formatTable([]), []);
});
