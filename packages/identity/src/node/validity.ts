// SPDX-License-Identifier: Apache-2.0

/** Unix seconds. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

export const authorityLifetimeSeconds = 5 * 365 * 86_400;
export const leafLifetimeSeconds = 90 * 86_400;
/** So that a verifier whose clock is a little slow takes a certificate that was just made. */
const backdatedSeconds = 300;

export function systemSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Never longer than the issuer's own. */
export function validityFrom(now: number, lifetimeSeconds: number, issuer?: Validity): Validity {
  const notBefore = now - backdatedSeconds;
  const notAfter = now + lifetimeSeconds;
  return issuer === undefined
    ? { notBefore, notAfter }
    : { notBefore: Math.max(notBefore, issuer.notBefore), notAfter: Math.min(notAfter, issuer.notAfter) };
}
