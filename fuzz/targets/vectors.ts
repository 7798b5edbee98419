// SPDX-License-Identifier: Apache-2.0
// Seeds from the language-neutral vectors of the specification.
import { readFileSync } from 'node:fs';

export interface VectorCase {
  readonly name: string;
  readonly op: string;
  readonly in: Readonly<Record<string, unknown>>;
  readonly out?: Readonly<Record<string, unknown>>;
}

export function vectorCases(file: string): readonly VectorCase[] {
  const text = readFileSync(new URL(`../../spec/vectors/${file}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly cases: readonly VectorCase[] }).cases;
}

/** The hex field of that name in every case that has it. */
export function vectorBytes(file: string, field: string): Uint8Array[] {
  return vectorCases(file).flatMap(({ in: given }) => {
    const hex = given[field];
    return typeof hex === 'string' ? [new Uint8Array(Buffer.from(hex, 'hex'))] : [];
  });
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf8'));
}
