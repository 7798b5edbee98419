// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const packageUrl = new URL('../', import.meta.url);

async function exportedBy(index: string): Promise<string[]> {
  const source = await readFile(new URL(index, packageUrl), 'utf8');
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]+)\}/gm)].map(([, names = '']) => names);
  return lists.flatMap((names) => names.split(',').map((name) => name.trim())).filter((name) => name !== '');
}

/** Names in the first column of the tables under a heading. */
function documentedUnder(page: string, heading: string): string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`\`${heading}\`\n`)) ?? '';
  const firstCells = [...section.matchAll(/^\| (`[^|]+)\|/gm)].map(([, cell = '']) => cell);
  return firstCells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

test('docs/sdk.md names everything that the package exports, and nothing else', async () => {
  const page = await readFile(new URL('../../docs/sdk.md', packageUrl), 'utf8');
  for (const [entry, index] of [
    ['@sealpost/client', 'src/index.ts'],
    ['@sealpost/client/node', 'src/node/index.ts'],
    ['@sealpost/client/web', 'src/web/index.ts'],
  ] as const) {
    const names = await exportedBy(index);
    assert.ok(names.length > 5, entry);
    assert.deepEqual(documentedUnder(page, entry).toSorted(), names.toSorted(), entry);
  }
});
