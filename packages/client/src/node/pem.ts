// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The DER bytes of every certificate in a PEM text, in its order. Throws when one of them is not a certificate. */
export function certificatesIn(pem: string): Uint8Array[] {
  return Array.from(pem.matchAll(block), ([text]) => new Uint8Array(new X509Certificate(text).raw));
}
