// SPDX-License-Identifier: Apache-2.0
import { replace } from './mutate.ts';

const attemptsMax = 2000;
const nothing = new Uint8Array(0);

/** A smaller input that still fails in the same way: pieces are left out, then bytes made plain. */
export async function minimise(
  input: Uint8Array,
  stillFails: (smaller: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let best = input;
  let attempts = 0;
  const attempt = async (smaller: Uint8Array): Promise<boolean> => {
    if (attempts++ >= attemptsMax || !(await stillFails(smaller))) return false;
    best = smaller;
    return true;
  };
  for (let piece = Math.ceil(input.length / 2); piece > 0; piece = piece === 1 ? 0 : Math.ceil(piece / 2))
    for (let at = 0; at < best.length;)
      if (!(await attempt(replace(best, at, Math.min(piece, best.length - at), nothing)))) at += piece;
  for (let at = 0; at < best.length; at++)
    if (best[at] !== 0x61) await attempt(replace(best, at, 1, Uint8Array.of(0x61)));
  return best;
}
