// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A numbered normative statement of a version of MQTT, in our own words. */
export interface Statement {
  /** Such as `3.1.2-24`. */
  readonly number: string;
  readonly binds: 'server' | 'client' | 'both';
  readonly asks: string;
  /** Why nothing of it is left for this server to do. */
  readonly notApplicable?: string;
  /** Why it is not kept, or not shown to be kept, yet. */
  readonly open?: string;
}

export interface Standard {
  readonly standard: string;
  /** What comes before the number where one is cited: `[MQTT-3.1.2-24]`. */
  readonly tag: string;
  readonly statements: readonly Statement[];
}

const paths = ['packages/mqtt/conformance/mqtt-5.0.json', 'packages/mqtt/conformance/mqtt-3.1.1.json'];

export function readStandards(root: string): Standard[] {
  return paths.map((path) => JSON.parse(readFileSync(join(root, path), 'utf8')) as Standard);
}

const citation = /\[(MQTT3?-\d[^\]\n]*)\]/g;

/** What a text cites, each once, whether there is such a statement or not. */
export function readMqttCitations(text: string): string[] {
  return [...new Set([...text.matchAll(citation)].map((match) => match[1]!))];
}
