// SPDX-License-Identifier: Apache-2.0
import { precedenceName, Precedence, precedenceNames, type PrecedenceName } from '@sealpost/protocol';

/** How often each of a few names was counted; the names are those of a closed list somewhere. */
export class Counts<K extends string | number> {
  readonly #counts = new Map<K, number>();

  constructor(known: Iterable<K> = []) {
    for (const key of known) this.#counts.set(key, 0);
  }

  add(key: K): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  entries(): Iterable<[K, number]> {
    return this.#counts.entries();
  }
}

/** One count for each lane. */
export class LaneCounts {
  readonly #counts = new Float64Array(precedenceNames.length);

  add(lane: Precedence): void {
    const index = (lane - Precedence.deferred) >> 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  *entries(): Iterable<[PrecedenceName, number]> {
    for (const [index, count] of this.#counts.entries())
      yield [precedenceName((Precedence.deferred + 2 * index) as Precedence), count];
  }
}
