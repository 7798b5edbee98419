// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { holds } from '../target.ts';

/** What is still held after a collection may not grow beyond a bound over what was held at first. */
export class MemoryBound {
  readonly #collect: () => void;
  readonly #megabytesMax: number;
  readonly #first: number;

  constructor(megabytesMax: number) {
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
    this.#megabytesMax = megabytesMax;
    this.#first = this.#held();
  }

  #held(): number {
    this.#collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return Math.round((heapUsed + arrayBuffers) / 2 ** 20);
  }

  check(): void {
    const grown = this.#held() - this.#first;
    holds(grown <= this.#megabytesMax, `${grown} MiB more are held than at first`);
  }
}
