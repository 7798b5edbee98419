// SPDX-License-Identifier: Apache-2.0
import type { Clock } from './clock.ts';

interface DeadlinesOptions {
  readonly clock: Clock;
  /** Handles everything due at `nowMs`; resolves to the next deadline in unix milliseconds, if there is one. */
  sweep(nowMs: number): Promise<number | undefined>;
  report(error: unknown): void;
}

const retryAfterFailureMs = 1_000;

/** Wakes one sweep at the earliest deadline it was told of. Sweeps never overlap. */
export class Deadlines {
  readonly #options: DeadlinesOptions;
  #earliest = Infinity;
  #cancel: (() => void) | undefined;
  #sweeping: Promise<void> | undefined;
  #stopped = false;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** A message with this deadline exists (unix milliseconds). Cheap when an earlier one is known. */
  note(deadlineMs: number): void {
    if (this.#stopped || deadlineMs >= this.#earliest) return;
    this.#earliest = deadlineMs;
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(deadlineMs - this.#options.clock.now(), () => this.#wake());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#sweeping;
  }

  #wake(): void {
    if (this.#sweeping !== undefined || this.#stopped) return;
    this.#earliest = Infinity;
    this.#sweeping = this.#sweep().finally(() => {
      this.#sweeping = undefined;
      if (this.#earliest <= this.#options.clock.now()) this.#wake();
    });
  }

  async #sweep(): Promise<void> {
    const { clock, sweep, report } = this.#options;
    try {
      const next = await sweep(clock.now());
      if (next !== undefined) this.note(next);
    } catch (error) {
      report(error);
      this.note(clock.now() + retryAfterFailureMs);
    }
  }
}
