// SPDX-License-Identifier: Apache-2.0
// [SEAL-10] Certificates that travel with a signed object (x5chain, RFC 9360), the only unprotected header in use.
// They prove themselves, so adding or removing them changes nothing that was signed.
import { concatBytes } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { Label, mapOf } from './cose.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

export const chainCertificatesMax = 3;
export const chainBytesMax = 4096;

const noChain: readonly Uint8Array[] = [];

/** Leaf first; empty when there is none. RFC 9360 §2: one certificate is a byte string, several are an array. */
export function readChain(unprotected: ReadonlyMap<unknown, unknown>): Result<readonly Uint8Array[]> {
  if (unprotected.size === 0) return accept(noChain);
  const value = unprotected.get(Label.x5chain);
  if (unprotected.size !== 1 || value === undefined) return refuse('cose-invalid', 'unprotected header');
  const chain: readonly unknown[] =
    value instanceof Uint8Array ? [value] : Array.isArray(value) ? value : noChain;
  if (chain.length === 0 || chain.length > chainCertificatesMax) return refuse('cose-invalid', 'x5chain');
  if (chain.length === 1 && !(value instanceof Uint8Array))
    return refuse('cose-invalid', 'x5chain: array of one');
  if (!chain.every((certificate) => certificate instanceof Uint8Array))
    return refuse('cose-invalid', 'x5chain');
  const bytes = chain.reduce((sum, certificate) => sum + certificate.length, 0);
  return bytes <= chainBytesMax ? accept(chain) : refuse('cose-invalid', 'x5chain too long');
}

/**
 * The same signed object with this chain, or without one if it is empty. Works for everything that decodes as seal or
 * evidence, by splicing: the signed parts are copied as they are.
 */
export function withChain(signed: Uint8Array, chain: readonly Uint8Array[]): Uint8Array {
  const unprotectedStart = 2 + itemLength(signed, 2);
  const unprotectedEnd = unprotectedStart + unprotectedLength(signed, unprotectedStart);
  return concatBytes(
    signed.subarray(0, unprotectedStart),
    encodeUnprotected(chain),
    signed.subarray(unprotectedEnd),
  );
}

const noUnprotected = mapOf([]);
/** A signer's chain is one array that goes with every message; nobody changes it. */
const encodedChains = new WeakMap<readonly Uint8Array[], Uint8Array>();

function encodeUnprotected(chain: readonly Uint8Array[]): Uint8Array {
  if (chain.length === 0) return noUnprotected;
  const known = encodedChains.get(chain);
  if (known !== undefined) return known;
  const encoded = mapOf([[Label.x5chain, encodeCbor(chain.length === 1 ? chain[0] : chain)]]);
  encodedChains.set(chain, encoded);
  return encoded;
}

/** `a0`, or `a1 1821` and a byte string or an array of byte strings. */
function unprotectedLength(signed: Uint8Array, start: number): number {
  if (signed[start] === 0xa0) return 1;
  const head = signed[start + 3] ?? 0;
  if (head >> 5 !== 4) return 3 + itemLength(signed, start + 3);
  let end = start + 4;
  for (let count = head & 0x1f; count > 0; count--) end += itemLength(signed, end);
  return end - start;
}

/** Length of the encoded byte string at `start`, head included. */
function itemLength(signed: Uint8Array, start: number): number {
  const head = signed[start] ?? 0;
  if (head >= 0x40 && head <= 0x57) return 1 + (head & 0x1f);
  if (head === 0x58) return 2 + (signed[start + 1] ?? 0);
  if (head === 0x59) return 3 + ((signed[start + 1] ?? 0) << 8) + (signed[start + 2] ?? 0);
  throw new TypeError('not a signed object');
}
