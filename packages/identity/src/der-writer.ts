// SPDX-License-Identifier: Apache-2.0
// The few DER values that certificate libraries cannot write: object identifiers with 128-bit arcs, and what holds them.
import { concatBytes } from '@sealpost/protocol';
import { Tag, derBytesMax } from './der.ts';

export function encodeDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...parts);
  return concatBytes(Uint8Array.of(tag, ...lengthOctets(content.length)), content);
}

function lengthOctets(length: number): number[] {
  if (length > derBytesMax) throw new RangeError('DER value too long');
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

/** `dotted`: at least two arcs of any size. */
export function encodeOid(dotted: string): Uint8Array {
  const [root = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  return encodeDer(Tag.oid, Uint8Array.from([root * 40n + second, ...rest].flatMap(arcOctets)));
}

function arcOctets(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)];
  for (let left = arc >> 7n; left > 0n; left >>= 7n) octets.unshift(Number(left & 0x7fn) | 0x80);
  return octets;
}
