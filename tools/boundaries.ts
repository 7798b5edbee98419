// SPDX-License-Identifier: Apache-2.0
// Checks who imports whom, against the tables in boundaries/rules.ts. `npm run check:boundaries`; with --write it
// brings the tables of docs/architecture.md up to date instead of complaining about them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkBrowserBundle } from './boundaries/browser-bundle.ts';
import {
  checkBrowserPurity,
  checkCycles,
  checkDeclarations,
  checkIndependence,
  checkPackageEdges,
  checkRelativeImports,
  checkServerEdges,
  countFiles,
} from './boundaries/checks.ts';
import { browserEntries, compositionRoots, packageEdges, serverEdges } from './boundaries/rules.ts';
import type { Edges } from './boundaries/rules.ts';
import { readTree } from './boundaries/source-tree.ts';

const checks = [
  checkRelativeImports,
  checkDeclarations,
  checkPackageEdges,
  checkServerEdges,
  checkCycles,
  checkBrowserPurity,
  checkIndependence,
];

export interface Report {
  readonly filesExamined: number;
  readonly violations: readonly string[];
}

export async function checkBoundaries(root: string, entries = browserEntries): Promise<Report> {
  const tree = readTree(root);
  const filesExamined = countFiles(tree);
  if (filesExamined === 0) return { filesExamined, violations: ['no source file was examined'] };
  const bundles = await Promise.all(entries.map((entry) => checkBrowserBundle(tree, entry)));
  return { filesExamined, violations: [...checks.flatMap((check) => check(tree)), ...bundles.flat()] };
}

function rows(edges: Edges): string {
  const width = Math.max(...Object.keys(edges).map((name) => name.length));
  return Object.entries(edges)
    .map(([name, targets]) => `${name.padEnd(width)} → ${targets.join(', ') || '(nothing)'}`)
    .join('\n');
}

/** The tables as docs/architecture.md shows them. */
export function renderTables(): string {
  return [
    '<!-- boundaries: written by `node tools/boundaries.ts --write` -->',
    '',
    '```text',
    rows(packageEdges),
    '```',
    '',
    'Folders of `packages/server/src`:',
    '',
    '```text',
    rows(serverEdges),
    `${compositionRoots.join(', ')} → everything`,
    '```',
    '',
    '<!-- /boundaries -->',
  ].join('\n');
}

function updatePage(root: string, write: boolean): string[] {
  const path = join(root, 'docs/architecture.md');
  const page = readFileSync(path, 'utf8');
  const wanted = page.replace(/<!-- boundaries: .*?<!-- \/boundaries -->/s, () => renderTables());
  if (!wanted.includes(renderTables())) return ['docs/architecture.md: lacks the boundaries block'];
  if (wanted === page) return [];
  if (!write) return ['docs/architecture.md: out of date; run `node tools/boundaries.ts --write`'];
  writeFileSync(path, wanted);
  return [];
}

async function main(): Promise<void> {
  const root = fileURLToPath(new URL('../', import.meta.url));
  const { filesExamined, violations } = await checkBoundaries(root);
  const all = [...violations, ...updatePage(root, process.argv.includes('--write'))];
  for (const line of all) console.error(`boundaries: ${line}`);
  if (all.length > 0) process.exitCode = 1;
  else console.log(`boundaries: ${filesExamined} files keep them`);
}

if (import.meta.main) await main();
