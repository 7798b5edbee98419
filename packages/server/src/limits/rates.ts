// SPDX-License-Identifier: Apache-2.0
// How often somebody may do something: a rate with a burst, for very many somebodies in bounded memory.

export interface Rate {
  /** Sustained; Infinity for no limit. */
  readonly perSecond: number;
  /** At once, after a rest. At least 1. */
  readonly burst: number;
}

export const unlimited: Rate = { perSecond: Infinity, burst: 1 };

/** Who is forgotten for want of room starts with a full burst again; a flood of names gains no more than that. */
const keysMaxDefault = 65_536;

/**
 * One token bucket for each key, kept as a single time: when the bucket will be full again (the generic cell rate
 * algorithm, ITU-T I.371 annex A). The key that was used longest ago is forgotten first.
 */
export class Rates {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  readonly #keysMax: number;
  /** Unix milliseconds. */
  readonly #fullAt = new Map<string, number>();

  constructor({ perSecond, burst }: Rate, keysMax = keysMaxDefault) {
    this.#intervalMs = 1000 / perSecond;
    this.#toleranceMs = (burst - 1) * this.#intervalMs;
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#fullAt.size;
  }

  /** Milliseconds until `take` would succeed; 0: it would now. */
  waitMs(key: string, nowMs: number): number {
    return Math.max(0, this.#fullAtOf(key, nowMs) - nowMs - this.#toleranceMs);
  }

  /** Takes one token and answers 0, or takes nothing and answers the milliseconds until there is one. */
  take(key: string, nowMs: number): number {
    if (this.#intervalMs === 0) return 0;
    const fullAt = this.#fullAtOf(key, nowMs);
    const waitMs = fullAt - nowMs - this.#toleranceMs;
    if (waitMs > 0) return waitMs;
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt + this.#intervalMs);
    if (this.#fullAt.size > this.#keysMax) {
      const [oldest] = this.#fullAt.keys();
      if (oldest !== undefined) this.#fullAt.delete(oldest);
    }
    return 0;
  }

  /** Undoes one `take`. */
  giveBack(key: string): void {
    const fullAt = this.#fullAt.get(key);
    if (fullAt !== undefined) this.#fullAt.set(key, fullAt - this.#intervalMs);
  }

  /** Never further away than an empty bucket is: a clock that was set back must not lock anybody out. */
  #fullAtOf(key: string, nowMs: number): number {
    const fullAt = this.#fullAt.get(key);
    if (fullAt === undefined || fullAt < nowMs) return nowMs;
    const latest = nowMs + this.#toleranceMs + this.#intervalMs;
    if (fullAt > latest) this.#fullAt.set(key, latest);
    return Math.min(fullAt, latest);
  }
}
