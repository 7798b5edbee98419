// SPDX-License-Identifier: Apache-2.0
// Certificates as text, RFC 7468.

const block = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----/g;

export function encodePem(certificates: readonly Uint8Array[]): string {
  return certificates
    .map((der) => {
      const lines =
        Buffer.from(der)
          .toString('base64')
          .match(/.{1,64}/g) ?? [];
      return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
    })
    .join('');
}

/** The certificates in the text, in order; whatever stands between them is passed over. */
export function decodePem(text: string): readonly Uint8Array[] {
  return [...text.matchAll(block)].map((match) => new Uint8Array(Buffer.from(match[1] ?? '', 'base64')));
}
