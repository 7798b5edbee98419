// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import type { Random } from './random.ts';

const inputsMax = 2048;
const bytesMax = 4 * 1024 * 1024;

/** Inputs that reached something new. Bounded: when it is full, an older one gives way. */
export class Corpus {
  readonly #inputs: Uint8Array[] = [];
  readonly #known = new Set<string>();
  #bytes = 0;

  get size(): number {
    return this.#inputs.length;
  }

  add(input: Uint8Array, random: Random): void {
    const name = hash('sha1', input, 'base64');
    if (this.#known.has(name)) return;
    while (this.#inputs.length >= inputsMax || this.#bytes + input.length > bytesMax)
      if (!this.#drop(random.below(Math.ceil(this.#inputs.length / 2)))) return;
    this.#known.add(name);
    this.#inputs.push(new Uint8Array(input));
    this.#bytes += input.length;
  }

  /** The newest are chosen more often: what follows from them has been tried least. */
  choose(random: Random): Uint8Array {
    const { length } = this.#inputs;
    const at = random.chance(2) ? random.below(length) : length - 1 - random.size(length - 1);
    return this.#inputs[at] ?? new Uint8Array(0);
  }

  #drop(at: number): boolean {
    const [dropped] = this.#inputs.splice(at, 1);
    if (dropped === undefined) return false;
    this.#bytes -= dropped.length;
    this.#known.delete(hash('sha1', dropped, 'base64'));
    return true;
  }
}
