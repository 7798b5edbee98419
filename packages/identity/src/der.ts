// SPDX-License-Identifier: Apache-2.0
// Strict DER (X.690 §10) of the types that certificates use: definite minimal lengths, one encoding per value.
// Values are views of the input, which the caller must not change afterwards.
import { utf8Text } from '@sealpost/protocol';

export const derBytesMax = 2048;
const derDepthMax = 8;
const derValuesMax = 256;
const oidBytesMax = 64;

/** Identifier octets, class and constructed bit included. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Identifier, length and content. */
  readonly encoded: Uint8Array;
  /** Of constructed values; empty for others. */
  readonly children: readonly DerValue[];
}

const noChildren: readonly DerValue[] = [];

/** Undefined unless the bytes are exactly one value; [ID-1]. */
export function decodeDer(bytes: Uint8Array): DerValue | undefined {
  if (bytes.length > derBytesMax) return undefined;
  const value = readValue(bytes, 0, bytes.length, derDepthMax, { values: derValuesMax });
  return value?.encoded.length === bytes.length ? value : undefined;
}

function readValue(
  bytes: Uint8Array,
  start: number,
  limit: number,
  depth: number,
  budget: { values: number },
): DerValue | undefined {
  if (depth === 0 || budget.values-- === 0) return undefined;
  const extent = readExtent(bytes, start, limit);
  if (extent === undefined) return undefined;
  const { contentStart, end } = extent;
  const tag = bytes[start] ?? 0;
  const content = bytes.subarray(contentStart, end);
  const encoded = bytes.subarray(start, end);
  if (!isConstructed(tag))
    return isWellFormed(tag, content) ? { tag, content, encoded, children: noChildren } : undefined;
  if (!isKnownConstructed(tag)) return undefined;
  const children: DerValue[] = [];
  for (let offset = contentStart; offset < end;) {
    const child = readValue(bytes, offset, end, depth - 1, budget);
    if (child === undefined) return undefined;
    children.push(child);
    offset += child.encoded.length;
  }
  return { tag, content, encoded, children };
}

/** X.690 §8.1.3, §10.1. Two length octets are enough for everything within `derBytesMax`. */
function readExtent(
  bytes: Uint8Array,
  start: number,
  limit: number,
): { contentStart: number; end: number } | undefined {
  const first = bytes[start + 1] ?? 0xff;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 2 || first === 0x80) return undefined;
  const contentStart = start + 2 + lengthBytes;
  if (contentStart > limit) return undefined;
  let length = lengthBytes === 0 ? first : 0;
  for (let offset = start + 2; offset < contentStart; offset++) length = length * 256 + (bytes[offset] ?? 0);
  if (lengthBytes === 1 && length < 0x80) return undefined;
  if (lengthBytes === 2 && length < 0x100) return undefined;
  const end = contentStart + length;
  return end <= limit ? { contentStart, end } : undefined;
}

function isConstructed(tag: number): boolean {
  return (tag & 0x20) !== 0;
}

/** SEQUENCE, SET and context-specific tags below 31. */
function isKnownConstructed(tag: number): boolean {
  return tag === Tag.sequence || tag === Tag.set || (tag >= 0xa0 && tag <= 0xbe);
}

function isWellFormed(tag: number, content: Uint8Array): boolean {
  switch (tag) {
    case Tag.boolean:
      return content.length === 1 && (content[0] === 0 || content[0] === 0xff);
    case Tag.integer:
      return isMinimalInteger(content);
    case Tag.bitString:
      return isBitString(content);
    case Tag.octetString:
      return true;
    case Tag.null:
      return content.length === 0;
    case Tag.oid:
      return isOid(content);
    case Tag.utf8String:
      return utf8Text(content) !== undefined;
    case Tag.printableString:
      return content.every(isPrintable);
    case Tag.ia5String:
      return content.every((octet) => octet < 0x80);
    case Tag.utcTime:
    case Tag.generalizedTime:
      return timeOf(tag, content) !== undefined;
    default:
      // Context-specific, implicitly tagged: whoever knows the type checks the content.
      return tag >= 0x80 && tag <= 0x9e;
  }
}

/** X.690 §8.3.2: the first nine bits are never all equal. */
function isMinimalInteger(content: Uint8Array): boolean {
  const [first, second] = content;
  if (first === undefined) return false;
  if (second === undefined) return true;
  return !(first === 0 && second < 0x80) && !(first === 0xff && second >= 0x80);
}

/** X.690 §11.2.1: unused bits are zero. */
function isBitString(content: Uint8Array): boolean {
  const unused = content[0] ?? 8;
  if (content.length === 1) return unused === 0;
  return unused < 8 && ((content.at(-1) ?? 0) & ((1 << unused) - 1)) === 0;
}

/** X.690 §8.19.2: every arc minimal, the last one complete. */
function isOid(content: Uint8Array): boolean {
  if (content.length === 0 || content.length > oidBytesMax || (content.at(-1) ?? 0) >= 0x80) return false;
  return content.every((octet, index) => octet !== 0x80 || (content[index - 1] ?? 0) >= 0x80);
}

/** X.680 §41.4: letters, digits, space and ' ( ) + , - . / : = ? */
function isPrintable(octet: number): boolean {
  return /[A-Za-z0-9 '()+,./:=?-]/.test(String.fromCharCode(octet));
}

/** RFC 5280 §4.1.2.5: seconds always, `Z` always; UTCTime means 1950 to 2049, GeneralizedTime is only for later years. */
function timeOf(tag: number, content: Uint8Array): number | undefined {
  const text = String.fromCharCode(...content);
  const pattern = tag === Tag.utcTime ? /^(\d\d)(\d{10})Z$/ : /^(\d{4})(\d{10})Z$/;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const stated = Number(match[1]);
  const century = stated < 50 ? 2000 : 1900;
  const year = tag === Tag.utcTime ? century + stated : stated;
  if (tag === Tag.generalizedTime && year < 2050) return undefined;
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] =
    (match[2] ?? '').match(/\d\d/g)?.map(Number) ?? [];
  const milliseconds = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC carries over: the 31st of a short month, or second 60, would come back as another text.
  const canonical = new Date(milliseconds).toISOString().replace(/\D/g, '').slice(4, 14);
  return canonical === match[2] ? milliseconds / 1000 : undefined;
}

/** Unix seconds. */
export function derTime(value: DerValue | undefined): number | undefined {
  if (value?.tag !== Tag.utcTime && value?.tag !== Tag.generalizedTime) return undefined;
  return timeOf(value.tag, value.content);
}

/** The elements of a SEQUENCE. */
export function derSequence(value: DerValue | undefined): readonly DerValue[] | undefined {
  return value?.tag === Tag.sequence ? value.children : undefined;
}

/** Dotted text. */
export function derOid(value: DerValue | undefined): string | undefined {
  if (value?.tag !== Tag.oid) return undefined;
  const arcs: string[] = [];
  for (let start = 0; start < value.content.length;) {
    const end = arcEnd(value.content, start);
    const arc = arcOf(value.content.subarray(start, end));
    if (start > 0) arcs.push(`${arc}`);
    else {
      // X.690 §8.19.4: the first two arcs share one number, and the first is 0, 1 or 2.
      const root = arc < 40n ? 0n : arc < 80n ? 1n : 2n;
      arcs.push(`${root}`, `${arc - root * 40n}`);
    }
    start = end;
  }
  return arcs.join('.');
}

function arcEnd(content: Uint8Array, start: number): number {
  let end = start;
  while ((content[end] ?? 0) >= 0x80) end++;
  return end + 1;
}

function arcOf(octets: Uint8Array): bigint {
  let arc = 0n;
  for (const octet of octets) arc = arc * 128n + BigInt(octet & 0x7f);
  return arc;
}

/** A BIT STRING of whole octets. */
export function derBitString(value: DerValue | undefined): Uint8Array | undefined {
  return value?.tag === Tag.bitString && value.content[0] === 0 ? value.content.subarray(1) : undefined;
}

/** A named bit list (X.690 §11.2.2, no trailing zero bits) of at most 16 bits; bit n of the ASN.1 type is 1 << n. */
export function derNamedBits(value: DerValue | undefined): number | undefined {
  if (value?.tag !== Tag.bitString || value.content.length > 3) return undefined;
  const [unused = 0, ...octets] = value.content;
  const last = octets.at(-1);
  if (last !== undefined && (last & (1 << unused)) === 0) return undefined;
  let bits = 0;
  octets.forEach((octet, index) => {
    for (let bit = 0; bit < 8; bit++) if ((octet & (0x80 >> bit)) !== 0) bits |= 1 << (8 * index + bit);
  });
  return bits;
}
