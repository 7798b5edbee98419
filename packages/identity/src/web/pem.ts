// SPDX-License-Identifier: Apache-2.0

/** The DER of all blocks with that label in a PEM text (RFC 7468), `CERTIFICATE` or `PRIVATE KEY`, in their order. */
export function decodePem(text: string, label: string): Uint8Array[] {
  const blocks = text.matchAll(/-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g);
  return [...blocks]
    .filter(([, found]) => found === label)
    .map(([, , body = '']) => Uint8Array.from(atob(body.replace(/\s/g, '')), (char) => char.charCodeAt(0)));
}
