// SPDX-License-Identifier: Apache-2.0

/**
 * Work that shares a pool which serves in order of arrival (libuv's, for signatures): only so much of it is given out
 * at a time, and what waits is ordered by urgency. It has no bound of its own: whoever waits has a place in the room.
 */
export class Turns {
  readonly #atOnceMax: number;
  /** By rank, in order of arrival. */
  readonly #waiting = new Map<number, (() => void)[]>();
  #running = 0;

  constructor(atOnceMax: number) {
    this.#atOnceMax = atOnceMax;
  }

  async run<T>(rank: number, work: () => Promise<T>): Promise<T> {
    // Whoever is called has its turn already: it is passed on, so that nobody slips in between.
    if (this.#running >= this.#atOnceMax) await this.#wait(rank);
    else this.#running += 1;
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #wait(rank: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(rank);
      if (waiting === undefined) this.#waiting.set(rank, [resolve]);
      else waiting.push(resolve);
    });
  }

  #passOn(): void {
    let highest: number | undefined;
    for (const rank of this.#waiting.keys()) if (highest === undefined || rank > highest) highest = rank;
    if (highest === undefined) {
      this.#running -= 1;
      return;
    }
    const waiting = this.#waiting.get(highest) ?? [];
    const next = waiting.shift();
    if (waiting.length === 0) this.#waiting.delete(highest);
    next?.();
  }
}
