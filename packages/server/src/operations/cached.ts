// SPDX-License-Identifier: Apache-2.0

export interface CachedOptions {
  /** How long an answer stands. */
  readonly keptMs: number;
  /** How long one is waited for. */
  readonly waitMs: number;
}

/**
 * An answer that costs something, asked for by whoever likes and as often as they like: at most one question is under
 * way, and none is asked again before the last answer is old.
 */
export class Cached<T> {
  readonly #ask: () => Promise<T>;
  readonly #options: CachedOptions;
  #pending: Promise<T | undefined> | undefined;
  #answer: T | undefined;
  #answeredAtMs = -Infinity;

  constructor(ask: () => Promise<T>, options: CachedOptions) {
    this.#ask = ask;
    this.#options = options;
  }

  /** Undefined when the question fails or is not answered in time. */
  async get(): Promise<T | undefined> {
    if (performance.now() - this.#answeredAtMs < this.#options.keptMs) return this.#answer;
    this.#pending ??= this.#renew();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), this.#options.waitMs);
    try {
      return await Promise.race([this.#pending, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #renew(): Promise<T | undefined> {
    try {
      this.#answer = await this.#ask();
    } catch {
      this.#answer = undefined;
    }
    this.#answeredAtMs = performance.now();
    this.#pending = undefined;
    return this.#answer;
  }
}
