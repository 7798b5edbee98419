// SPDX-License-Identifier: Apache-2.0
import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { readCitations, readRequirements } from './text.ts';
import type { Requirement } from './text.ts';

/** Files that cite, by requirement id. */
type Citations = Map<string, string[]>;

export interface Survey {
  readonly requirements: readonly Requirement[];
  readonly implementedIn: Citations;
  readonly testedIn: Citations;
  readonly mentionedIn: Citations;
  readonly filesExamined: number;
}

/** The page that this tool writes: it cites everything and proves nothing. */
export const reportPath = 'docs/conformance.md';

/** The prose of a page that a tool completes (spec/errors.head.md): the page itself is read. */
const generatorInput = '.head.md';

const patterns = [
  'packages/*/{src,test}/**/*.{ts,tsx}',
  'conformance/**/*.ts',
  'e2e/**/*.ts',
  'spec/vectors/**/*.json',
  'spec/*.md',
  'docs/**/*.md',
];

type Kind = 'implementedIn' | 'testedIn' | 'mentionedIn';

/** The conformance adapter and its helpers implement; its runner tests, as do the vectors and what writes them. */
function kindOf(path: string): Kind {
  if (path.endsWith('.md')) return 'mentionedIn';
  if (
    /\.test\.tsx?$|^packages\/[^/]+\/test\/|^e2e\/|^spec\/vectors\/|^conformance\/(?:run|make-vectors|vectors\/)/.test(
      path,
    )
  ) {
    return 'testedIn';
  }
  return 'implementedIn';
}

/** Vectors cite as data, without brackets. */
function citedIn(path: string, text: string): string[] {
  if (!path.endsWith('.json')) return readCitations(text);
  const found = new Set<string>();
  JSON.parse(text, (key, value: unknown) => {
    if (key !== 'cites') return value;
    for (const id of Array.isArray(value) ? value : [value]) found.add(String(id).replace(/^\[|\]$/g, ''));
    return value;
  });
  return [...found];
}

export function survey(root: string): Survey {
  const paths = globSync(patterns, { cwd: root })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path !== reportPath && !path.endsWith(generatorInput))
    .toSorted();
  const citations: Record<Kind, Citations> = {
    implementedIn: new Map(),
    testedIn: new Map(),
    mentionedIn: new Map(),
  };
  const requirements: Requirement[] = [];
  for (const path of paths) {
    const text = readFileSync(join(root, path), 'utf8');
    if (/^spec\/[^/]+\.md$/.test(path)) requirements.push(...readRequirements(path, text));
    const into = citations[kindOf(path)];
    for (const id of citedIn(path, text)) into.set(id, [...(into.get(id) ?? []), path]);
  }
  return { requirements, ...citations, filesExamined: paths.length };
}
