// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';

const warnedBeforeMs = 14 * 86_400_000;

/** One sentence for each certificate that ends within two weeks; by name, PEM or DER. */
export function endingSoon(
  certificates: Readonly<Record<string, Uint8Array | string>>,
  nowMs: number,
): readonly string[] {
  return Object.entries(certificates).flatMap(([name, certificate]) => {
    const ends = new X509Certificate(certificate).validToDate;
    if (ends.getTime() - nowMs > warnedBeforeMs) return [];
    return [`The certificate of ${name} ends on ${ends.toISOString().slice(0, 10)}`];
  });
}
