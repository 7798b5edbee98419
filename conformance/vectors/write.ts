// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';

export interface Case {
  readonly name: string;
  readonly op: string;
  readonly in: unknown;
  readonly out?: unknown;
  readonly error?: string;
}

export interface Vectors {
  readonly about: string;
  readonly cases: readonly Case[];
}

export function writeVectors(name: string, { about, cases }: Vectors): void {
  const names = new Set(cases.map((entry) => entry.name));
  if (names.size !== cases.length) throw new Error(`${name}: a name is used twice`);
  const file = new URL(`../../spec/vectors/${name}.json`, import.meta.url);
  const lines = cases.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n');
  writeFileSync(file, `{\n  "about": ${JSON.stringify(about)},\n  "cases": [\n${lines}\n  ]\n}\n`);
}

/** A case that is valid when `out` is an object, invalid with its code when it is a text. */
export function entry(name: string, op: string, input: unknown, expected: object | string): Case {
  return typeof expected === 'string'
    ? { name, op, in: input, error: expected }
    : { name, op, in: input, out: expected };
}
