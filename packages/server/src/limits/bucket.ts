// SPDX-License-Identifier: Apache-2.0
import type { Rate } from './limits.ts';

/** One token bucket. In any stretch of `t` seconds it gives at most `burst + t × perSecond` tokens. */
export class Bucket {
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** Whether there was a token; it is gone then. */
  take(nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  isEmpty(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens < 1;
  }

  /** Gives back what was taken for nothing. */
  giveBack(): void {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + 1);
  }

  /** Until there is a token again; 0 when there is one. */
  waitSeconds(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) / this.#rate.perSecond;
  }

  /** A clock that was set back gives nothing, and takes nothing. */
  #refill(nowMs: number): void {
    const seconds = (nowMs - this.#atMs) / 1000;
    this.#atMs = nowMs;
    if (seconds > 0) this.#tokens = Math.min(this.#rate.burst, this.#tokens + seconds * this.#rate.perSecond);
  }
}
