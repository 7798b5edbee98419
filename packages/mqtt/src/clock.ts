// SPDX-License-Identifier: Apache-2.0

/** Port: the only source of time in this package. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** Calls `run` once after `delayMs`; the returned function cancels it. Never keeps the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

// Neither DOM nor Node types are assumed; in Node the handle can be told not to keep the process alive.
declare function setTimeout(run: () => void, delayMs: number): { unref?: () => void };
declare function clearTimeout(timer: object): void;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref?.();
    return () => clearTimeout(timer);
  },
};

/** Calls `tick` again and again; one per server or link, never one per message. */
export function repeat(clock: Clock, intervalMs: number, tick: () => void): () => void {
  let cancel = clock.after(intervalMs, again);
  let stopped = false;
  function again(): void {
    tick();
    if (!stopped) cancel = clock.after(intervalMs, again);
  }
  return () => {
    stopped = true;
    cancel();
  };
}
