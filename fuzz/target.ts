// SPDX-License-Identifier: Apache-2.0
// What the engine needs to know of a thing that is fuzzed. A target is stated once and opened in a worker thread.
import type { Random } from './engine/random.ts';

export interface Target {
  readonly name: string;
  /** What must hold for every input, in one sentence. */
  readonly invariant: string;
  readonly inputBytesMax: number;
  /** One execution that takes longer is a finding. */
  readonly hangMs: number;
  /** Array buffers that one execution may allocate; not checked when absent. */
  readonly allocatedBytesMax?: number;
  /**
   * How many inputs run at the same time. With it, what an execution leaves behind may be seen by the next: inputs are
   * not run again to find out which of them was new, and the first finding ends the campaign.
   */
  readonly together?: number;
  open(): Promise<OpenTarget>;
}

export interface OpenTarget {
  /** Where the corpus begins. */
  readonly seeds: readonly Uint8Array[];
  /** Byte strings that the format gives a meaning. */
  readonly dictionary?: readonly Uint8Array[];
  /** A change or a new input that the format suggests. */
  vary?(input: Uint8Array, random: Random): Uint8Array;
  /** Returns what came out, in few words: an outcome not seen before is kept. Throws where the invariant is broken. */
  run(input: Uint8Array): string | Promise<string>;
  /** Every few seconds and at the end: what cannot be asked after each input. Throws like `run`. */
  check?(): Promise<void>;
  close?(): Promise<void>;
}

/** An invariant that does not hold. Anything else that is thrown is a finding too. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Broken(what);
}
