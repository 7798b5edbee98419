// SPDX-License-Identifier: Apache-2.0

const delayMaxMs = 60_000;
const firstDelayMs = 500;
const retryAfterMaxMs = 3_600_000;

/**
 * Pause before trying again after so many failures in a row: doubles up to a minute, half to all of it by chance, so
 * that clients which lost the same server do not come back at the same moment; at least what the server asked for, up
 * to an hour, and then a little later by chance too.
 */
export function retryDelayMs(failures: number, random: number, retryAfterSeconds = 0): number {
  const grown = Math.min(delayMaxMs, firstDelayMs * 2 ** Math.min(Math.max(failures - 1, 0), 20));
  const spread = grown * (0.5 + random / 2);
  const asked = Math.min(retryAfterMaxMs, retryAfterSeconds * 1000);
  return Math.ceil(asked > 0 ? Math.max(spread, asked + firstDelayMs * random) : spread);
}
