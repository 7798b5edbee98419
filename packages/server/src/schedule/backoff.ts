// SPDX-License-Identifier: Apache-2.0
import { Precedence, type Precedence as Lane } from '@sealpost/protocol';

const secondMs = 1_000;
const firstDelayMs = 250;

/** The longest pause between two offers to the same peer, by lane [RELAY-12]. */
export function retryCapMs(lane: Lane): number {
  if (lane >= Precedence.flash) return secondMs;
  if (lane >= Precedence.immediate) return 10 * secondMs;
  if (lane >= Precedence.priority) return 60 * secondMs;
  if (lane >= Precedence.routine) return 15 * 60 * secondMs;
  return 2 * 60 * 60 * secondMs;
}

/**
 * Pause before the next offer: doubles up to the cap of the lane, with jitter (half to all of it), and at least what
 * the peer asked for in `retry-after`, which the cap limits too.
 */
export function retryDelayMs(failures: number, lane: Lane, random: number, retryAfterSeconds = 0): number {
  const cap = retryCapMs(lane);
  const grown = Math.min(cap, firstDelayMs * 2 ** Math.min(failures, 20));
  return Math.min(cap, Math.max(retryAfterSeconds * secondMs, grown * (0.5 + random / 2)));
}
