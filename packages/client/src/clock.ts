// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@sealpost/mqtt';

/** While a client waits to dial again or has something to send, nothing else may keep the process alive: this does. */
export const wakefulClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
