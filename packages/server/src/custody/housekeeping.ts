// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../schedule/clock.ts';
import type { Pruning } from './custody.ts';

interface HousekeepingOptions {
  readonly custody: Pruning;
  readonly certificates: { forget(nowMs: number): Promise<void> };
  readonly clock: Clock;
  report(error: unknown): void;
}

/** After a start there is more urgent work than forgetting. */
const firstAfterMs = 60_000;
const againAfterMs = 6 * 3_600_000;
/** Between two steps, so that they take a small share of the store's time however much there is to forget. */
const pauseMs = 100;

/** Forgets what is over, a few rows at a time. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #cancel: (() => void) | undefined;
  #step: Promise<void> | undefined;
  #stopped = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  start(): void {
    this.#in(firstAfterMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#step;
  }

  #in(delayMs: number): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#step = this.#prune();
    });
  }

  async #prune(): Promise<void> {
    const { certificates, clock, custody, report } = this.#options;
    try {
      const { isLast } = await custody.prune(Math.floor(clock.now() / 1000));
      if (isLast) await certificates.forget(clock.now());
      this.#in(isLast ? againAfterMs : pauseMs);
    } catch (error) {
      report(error);
      this.#in(againAfterMs);
    }
  }
}
