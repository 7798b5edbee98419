// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md lists every key with its default and its meaning, as the schema has them.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { keys, type Key } from '../src/config/keys.ts';

const page = fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url));
const table = /(<!-- keys -->\n)([^]*?)(<!-- \/keys -->)/;

function row({ name, default: fallback, isRequired, description }: Key): string {
  const value = fallback === undefined ? (isRequired ? 'required' : '–') : `\`${JSON.stringify(fallback)}\``;
  return `| \`${name}\` | ${value} | ${description} |`;
}

test('every key has its row, and no row is left over', async () => {
  const expected = ['| key | default | meaning |', '| --- | --- | --- |', ...keys.map(row)].join('\n');
  const text = await readFile(page, 'utf8');
  if (process.env['SEALPOST_TEST_WRITE'] === '1')
    await writeFile(
      page,
      text.replace(table, (_all, head: string, _old, end: string) => `${head}\n${expected}\n\n${end}`),
    );
  else assert.equal(unpadded(table.exec(text)?.[2] ?? ''), unpadded(expected));
});

/** The formatter pads the columns of a table. */
function unpadded(rows: string): string {
  return rows.trim().replace(/ +\|/g, ' |').replace(/-+/g, '-');
}

test('every key says what it means', () => {
  for (const { name, description } of keys) assert.match(description, /^[A-Z].{10,}\.$/, name);
});
