// SPDX-License-Identifier: Apache-2.0
import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { readMqttCitations, readStandards, type Standard } from './statements.ts';

/** Files that cite, by what they cite: `MQTT-3.1.2-24`. */
type Citations = ReadonlyMap<string, readonly string[]>;

export interface MqttSurvey {
  readonly standards: readonly Standard[];
  readonly implementedIn: Citations;
  readonly testedIn: Citations;
  readonly mentionedIn: Citations;
}

/** The page that this tool writes: it cites everything and proves nothing. */
export const reportPath = 'packages/mqtt/CONFORMANCE.md';

const patterns = ['packages/*/{src,test}/**/*.{ts,tsx}', '{e2e,fuzz,bench,conformance}/**/*.ts', '**/*.md'];
const exclude = ['**/node_modules/**'];

type Kind = 'implementedIn' | 'testedIn' | 'mentionedIn';

/** Only a test proves something: what helps tests, and prose, merely mentions. */
function kindOf(path: string): Kind {
  if (/\.test\.tsx?$/.test(path)) return 'testedIn';
  return /^packages\/[^/]+\/src\//.test(path) ? 'implementedIn' : 'mentionedIn';
}

export function surveyMqtt(root: string): MqttSurvey {
  const citations = {
    implementedIn: new Map<string, string[]>(),
    testedIn: new Map<string, string[]>(),
    mentionedIn: new Map<string, string[]>(),
  };
  const paths = globSync(patterns, { cwd: root, exclude })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path !== reportPath)
    .toSorted();
  for (const path of paths) {
    const into = citations[kindOf(path)];
    for (const id of readMqttCitations(readFileSync(join(root, path), 'utf8')))
      into.set(id, [...(into.get(id) ?? []), path]);
  }
  return { standards: readStandards(root), ...citations };
}
