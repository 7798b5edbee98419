// SPDX-License-Identifier: Apache-2.0

interface TurnsOptions {
  readonly atOnceMax: number;
  readonly waitMsMax: number;
  readonly clock: { now(): number };
}

interface Waiting {
  /** With whether it is its turn. */
  called(isTurn: boolean): void;
  readonly untilMs: number;
}

/**
 * Work that shares a pool which serves in order of arrival (libuv's, for signatures): only so much of it is given out
 * at a time, and what waits is ordered by urgency. It has no bound of its own in number: whoever waits has a place in
 * the room.
 */
export class Turns {
  readonly #options: TurnsOptions;
  /** By rank, in order of arrival. */
  readonly #waiting = new Map<number, Waiting[]>();
  #running = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Undefined if its turn did not come in time: the work has not begun and will not. */
  async run<T>(rank: number, work: () => Promise<T>): Promise<T | undefined> {
    // Whoever is called has its turn already: it is passed on, so that nobody slips in between.
    if (this.#running < this.#options.atOnceMax) this.#running += 1;
    else if (!(await this.#wait(rank))) return undefined;
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #wait(rank: number): Promise<boolean> {
    const { clock, waitMsMax } = this.#options;
    return new Promise((called) => {
      const entry: Waiting = { called, untilMs: clock.now() + waitMsMax };
      const waiting = this.#waiting.get(rank);
      if (waiting === undefined) this.#waiting.set(rank, [entry]);
      else waiting.push(entry);
    });
  }

  /** While turns are passed on, nobody waits longer than that; while none is, nothing is decided at all. */
  #sendAway(): void {
    const nowMs = this.#options.clock.now();
    for (const [rank, waiting] of this.#waiting) {
      while (waiting[0] !== undefined && waiting[0].untilMs < nowMs) waiting.shift()?.called(false);
      if (waiting.length === 0) this.#waiting.delete(rank);
    }
  }

  #passOn(): void {
    this.#sendAway();
    let highest: number | undefined;
    for (const rank of this.#waiting.keys()) if (highest === undefined || rank > highest) highest = rank;
    if (highest === undefined) {
      this.#running -= 1;
      return;
    }
    const waiting = this.#waiting.get(highest) ?? [];
    const next = waiting.shift();
    if (waiting.length === 0) this.#waiting.delete(highest);
    next?.called(true);
  }
}
