// SPDX-License-Identifier: Apache-2.0
import { Tag, decodeDer, derSequence } from './der.ts';
import { encodeDer } from './der-writer.ts';
import type { DerValue } from './der.ts';

const scalarBytesLength = 32;

/** The DER form of an ECDSA signature over P-256 (RFC 5480, Appendix A) as the r ‖ s that crypto providers take. */
export function parseEcdsaSignature(der: Uint8Array): Uint8Array | undefined {
  const [r, s, ...others] = derSequence(decodeDer(der)) ?? [];
  const left = scalar(r);
  const right = scalar(s);
  if (left === undefined || right === undefined || others.length > 0) return undefined;
  const signature = new Uint8Array(2 * scalarBytesLength);
  signature.set(left, scalarBytesLength - left.length);
  signature.set(right, 2 * scalarBytesLength - right.length);
  return signature;
}

/** A positive INTEGER of at most 256 bits, without its sign octet. */
function scalar(value: DerValue | undefined): Uint8Array | undefined {
  if (value?.tag !== Tag.integer || (value.content[0] ?? 0x80) >= 0x80) return undefined;
  const magnitude = value.content[0] === 0 ? value.content.subarray(1) : value.content;
  return magnitude.length > 0 && magnitude.length <= scalarBytesLength ? magnitude : undefined;
}

/** The way back: r ‖ s of 64 bytes as an Ecdsa-Sig-Value. */
export function encodeEcdsaSignature(signature: Uint8Array): Uint8Array {
  const [r, s] = [0, scalarBytesLength].map((from) =>
    encodeInteger(signature.subarray(from, from + scalarBytesLength)),
  );
  return encodeDer(Tag.sequence, r ?? signature, s ?? signature);
}

/** Minimal and positive: no leading zeros, but one where the first bit would be taken for a sign. */
function encodeInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start += 1;
  const value = magnitude.subarray(start);
  return (value[0] ?? 0) >= 0x80
    ? encodeDer(Tag.integer, Uint8Array.of(0), value)
    : encodeDer(Tag.integer, value);
}
