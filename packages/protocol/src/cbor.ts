// SPDX-License-Identifier: Apache-2.0
// Deterministic CBOR, RFC 8949 §4.2.1. There is exactly one encoding of each value and the decoder accepts no other:
// it checks heads, key order, floats and text while it reads, so nothing has to be encoded again to be compared.
import { decode } from 'cborg';
import { utf8Text } from './bytes.ts';
import { cborWriter } from './cbor-writer.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

export const cborDepthMax = 16;
export const cborBytesMax = 1 << 20;

export interface CborLimits {
  readonly maxBytes?: number;
  /** Arrays, maps and tags around one value. */
  readonly maxDepth?: number;
}

/** A float, kept apart from integers: 1.0 never passes where 1 is required. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Tagged {
  readonly tag: number | bigint;
  readonly value: unknown;
  constructor(tag: number | bigint, value: unknown) {
    this.tag = tag;
    this.value = value;
  }
}

/** A decoded map, and the encoded bytes (a view) of the value of one of its keys. */
export interface CborMap {
  readonly map: ReadonlyMap<unknown, unknown>;
  readonly span: Uint8Array | undefined;
}

/** Numbers, bigints, booleans, null, strings, Uint8Arrays, arrays and Maps. */
export function encodeCbor(value: unknown): Uint8Array {
  return cborWriter().value(value).finish();
}

/**
 * [SEAL-1] Only the deterministic encoding. Integers beyond 2^53-1 become bigints, maps become Maps, floats `Float`,
 * byte strings views of the input.
 */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits = {}): Result<unknown> {
  if (bytes.length > (limits.maxBytes ?? cborBytesMax)) return refuse('cbor-invalid', 'too long');
  return reading(() => {
    const reader = new Reader(bytes, limits.maxDepth ?? cborDepthMax);
    const value = reader.item(0);
    reader.end();
    return value;
  });
}

/** The same for a map; `spanKey` names the entry whose encoded value is wanted. */
export function decodeCborMap(bytes: Uint8Array, spanKey?: number): Result<CborMap> {
  if (bytes.length > cborBytesMax) return refuse('cbor-invalid', 'too long');
  return reading(() => {
    const reader = new Reader(bytes, cborDepthMax);
    const decoded = reader.spannedMap(spanKey);
    reader.end();
    return decoded;
  });
}

/** Any well-formed CBOR without duplicate keys, for objects that others define. Tags other than 18 are refused. */
export function decodeLenientCbor(bytes: Uint8Array): Result<unknown> {
  if (bytes.length > cborBytesMax) return refuse('cbor-invalid', 'too long');
  try {
    return accept<unknown>(decode(bytes, lenient));
  } catch (error) {
    return refuse('cbor-invalid', String(error));
  }
}

const lenient = {
  useMaps: true,
  rejectDuplicateMapKeys: true,
  tags: { 18: (content: () => unknown) => new Tagged(18, content()) },
};

/** Never leaves this file. */
class MalformedCbor extends Error {}

function reading<T>(read: () => T): Result<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (error instanceof MalformedCbor) return refuse('cbor-invalid', error.message);
    throw error;
  }
}

function malformed(reason: string): never {
  throw new MalformedCbor(reason);
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #depthMax: number;
  #offset = 0;

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#depthMax = depthMax;
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) malformed('trailing bytes');
  }

  /** One data item inside `depth` arrays, maps and tags. */
  item(depth: number): unknown {
    const initial = this.#byte();
    const information = initial & 0x1f;
    switch (initial >> 5) {
      case 0:
        return this.#argument(information);
      case 1:
        return negative(this.#argument(information));
      case 2:
        return this.#string(information);
      case 3:
        return this.#text(information);
      case 4:
        return this.#array(information, this.#deeper(depth));
      case 5:
        return this.#map(information, this.#deeper(depth), undefined).map;
      case 6:
        return new Tagged(this.#argument(information), this.item(this.#deeper(depth)));
      default:
        return this.#simple(information);
    }
  }

  spannedMap(spanKey: number | undefined): CborMap {
    const initial = this.#byte();
    if (initial >> 5 !== 5) malformed('not a map');
    return this.#map(initial & 0x1f, 1, spanKey);
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset++];
    return byte ?? malformed('truncated');
  }

  /** Moves past `count` bytes and returns where they start. */
  #take(count: number): number {
    const start = this.#offset;
    if (count > this.#bytes.length - start) malformed('truncated');
    this.#offset = start + count;
    return start;
  }

  #deeper(depth: number): number {
    return depth < this.#depthMax ? depth + 1 : malformed('too deep');
  }

  /** §4.2.1: the shortest form of the argument, never an indefinite length. */
  #argument(information: number): number | bigint {
    if (information < 24) return information;
    switch (information) {
      case 24:
        return atLeast(this.#byte(), 24);
      case 25:
        return atLeast(this.#view.getUint16(this.#take(2)), 0x100);
      case 26:
        return atLeast(this.#view.getUint32(this.#take(4)), 0x1_0000);
      case 27:
        return this.#longArgument();
      default:
        return malformed('reserved or indefinite length');
    }
  }

  #longArgument(): number | bigint {
    const start = this.#take(8);
    const high = atLeast(this.#view.getUint32(start), 1);
    return high <= 0x1f_ffff
      ? high * 2 ** 32 + this.#view.getUint32(start + 4)
      : this.#view.getBigUint64(start);
  }

  /** No more than the bytes that are left, so that nothing is allocated for a length that is only claimed. */
  #length(information: number, bytesEach: number): number {
    const length = this.#argument(information);
    if (typeof length === 'bigint' || length * bytesEach > this.#bytes.length - this.#offset)
      malformed('truncated');
    return length;
  }

  #string(information: number): Uint8Array {
    const start = this.#take(this.#length(information, 1));
    return this.#bytes.subarray(start, this.#offset);
  }

  #text(information: number): string {
    const length = this.#length(information, 1);
    const start = this.#take(length);
    return (
      this.#shortAscii(start, length) ??
      utf8Text(this.#bytes.subarray(start, this.#offset)) ??
      malformed('not UTF-8')
    );
  }

  /** Most texts of a seal are short and ASCII, where a decoder call costs more than the text. */
  #shortAscii(start: number, length: number): string | undefined {
    if (length > 48) return undefined;
    let text = '';
    for (let index = start; index < start + length; index++) {
      const byte = this.#bytes[index] ?? 0x80;
      if (byte >= 0x80) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #array(information: number, depth: number): unknown[] {
    const length = this.#length(information, 1);
    const items: unknown[] = [];
    for (let index = 0; index < length; index++) items.push(this.item(depth));
    return items;
  }

  /** Keys strictly ascend by their encoded bytes, which excludes duplicates too. */
  #map(information: number, depth: number, spanKey: number | undefined): CborMap {
    const length = this.#length(information, 2);
    const map = new Map<unknown, unknown>();
    let span: Uint8Array | undefined;
    let previousStart = 0;
    let previousEnd = 0;
    for (let index = 0; index < length; index++) {
      const start = this.#offset;
      const key = this.item(depth);
      const end = this.#offset;
      if (index > 0 && !this.#ascends(previousStart, previousEnd, start, end))
        malformed('map keys not in order');
      previousStart = start;
      previousEnd = end;
      map.set(key, this.item(depth));
      if (spanKey !== undefined && key === spanKey) span = this.#bytes.subarray(end, this.#offset);
    }
    return { map, span };
  }

  #ascends(leftStart: number, leftEnd: number, rightStart: number, rightEnd: number): boolean {
    const bytes = this.#bytes;
    const common = Math.min(leftEnd - leftStart, rightEnd - rightStart);
    for (let index = 0; index < common; index++) {
      const difference = (bytes[leftStart + index] ?? 0) - (bytes[rightStart + index] ?? 0);
      if (difference !== 0) return difference < 0;
    }
    return leftEnd - leftStart < rightEnd - rightStart;
  }

  #simple(information: number): boolean | null | Float {
    switch (information) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 25:
        return new Float(halfValue(this.#view.getUint16(this.#take(2))));
      case 26:
        return new Float(this.#singleFloat(this.#take(4)));
      case 27:
        return new Float(this.#doubleFloat(this.#take(8)));
      default:
        return malformed('undefined, break or an unassigned simple value');
    }
  }

  #singleFloat(start: number): number {
    if (fitsHalf(this.#view.getUint32(start))) malformed('float not in shortest form');
    return this.#view.getFloat32(start);
  }

  #doubleFloat(start: number): number {
    const value = this.#view.getFloat64(start);
    if (Number.isNaN(value) || Math.fround(value) === value) malformed('float not in shortest form');
    return value;
  }
}

function atLeast(argument: number, least: number): number {
  return argument >= least ? argument : malformed('argument not in shortest form');
}

function negative(argument: number | bigint): number | bigint {
  return typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER
    ? -1 - argument
    : -1n - BigInt(argument);
}

/** IEEE 754 binary16; of all NaNs only 0x7e00 is the deterministic one. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent < 31) return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  if (fraction === 0) return sign * Number.POSITIVE_INFINITY;
  return bits === 0x7e00 ? Number.NaN : malformed('NaN with a payload');
}

/** Whether a binary32 has the value of some binary16 (all infinities and NaNs do: they have a shorter form). */
function fitsHalf(bits: number): boolean {
  const exponent = ((bits >>> 23) & 0xff) - 127;
  const fraction = bits & 0x7f_ffff;
  if (exponent === -127) return fraction === 0;
  if (exponent === 128) return true;
  if (exponent > 15 || exponent < -24) return false;
  const bitsLost = exponent >= -14 ? 13 : -1 - exponent;
  return ((fraction | 0x80_0000) & ((1 << bitsLost) - 1)) === 0;
}
