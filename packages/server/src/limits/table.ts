// SPDX-License-Identifier: Apache-2.0
import { LruMap } from '@sealpost/identity';

/**
 * What is remembered of many strangers: bounded, what was used longest ago goes first. Whoever is forgotten begins with
 * a full bucket again, which costs an attacker more than it gives: it has to come under `entriesMax` other names first.
 */
export class Table<T> {
  readonly #entries: LruMap<T>;
  readonly #make: () => T;

  constructor(entriesMax: number, make: () => T) {
    this.#entries = new LruMap(entriesMax);
    this.#make = make;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.get(key) !== undefined;
  }

  /** Made if need be. */
  of(key: string): T {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const made = this.#make();
    this.#entries.set(key, made);
    return made;
  }
}
