// SPDX-License-Identifier: Apache-2.0

/** Port: the only source of time in the server. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** Calls `run` once after `delayMs`; the returned function cancels it. Never keeps the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

/** setTimeout fires at once for delays beyond 2³¹−1 ms, so longer ones wake early and are asked again. */
const delayMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), delayMsMax));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
