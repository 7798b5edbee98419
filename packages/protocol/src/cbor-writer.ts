// SPDX-License-Identifier: Apache-2.0
// Deterministic CBOR, RFC 8949 §4.2.1, written into one buffer that is used again and again: an encoding costs one
// allocation, its own bytes. What the objects of this protocol never contain (floats, tags) is left to cborg.
import { encode, rfc8949EncodeOptions } from 'cborg';
import { encodeUtf8Into } from './bytes.ts';

/** Major types, RFC 8949 §3.1. */
export const Major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const;
export type Major = (typeof Major)[keyof typeof Major];

const startBytes = 4096;
/** A buffer that one large value made larger than this is not kept. */
const keptBytesMax = 65_536;
const headBytesMax = 9;
/** A UTF-16 unit becomes three bytes of UTF-8 at most. */
const utf8PerUnitMax = 3;

/** Whoever asks for a writer gets this one, empty: an encoding is finished before anything else can begin one. */
export function cborWriter(): CborWriter {
  shared.clear();
  return shared;
}

export class CborWriter {
  #bytes = new Uint8Array(startBytes);
  #length = 0;

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > keptBytesMax) this.#bytes = new Uint8Array(startBytes);
  }

  /** What was written, as bytes of their own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** The initial byte with the argument in its shortest form. `argument`: a safe integer, not negative. */
  head(major: Major, argument: number): this {
    this.#reserve(headBytesMax);
    const type = major << 5;
    if (argument < 24) return this.#octet(type | argument);
    if (argument < 0x100) return this.#octet(type | 24).#octet(argument);
    if (argument < 0x1_0000) return this.#octet(type | 25).#uint16(argument);
    if (argument < 0x1_0000_0000) return this.#octet(type | 26).#uint32(argument);
    return this.#octet(type | 27)
      .#uint32(Math.floor(argument / 0x1_0000_0000))
      .#uint32(argument % 0x1_0000_0000);
  }

  /** Bytes that are encoded already. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  byteString(bytes: Uint8Array): this {
    return this.head(Major.bytes, bytes.length).raw(bytes);
  }

  integer(value: number): this {
    return value < 0 ? this.head(Major.negative, -1 - value) : this.head(Major.unsigned, value);
  }

  /** Numbers, bigints, booleans, null, well-formed strings, Uint8Arrays, arrays and Maps. */
  value(value: unknown): this {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return this.integer(value as number);
    if (typeof value === 'string') return this.#text(value);
    if (value instanceof Uint8Array) return this.byteString(value);
    if (Array.isArray(value)) {
      this.head(Major.array, value.length);
      for (const item of value) this.value(item);
      return this;
    }
    if (value instanceof Map) return this.#map(value);
    return this.raw(encode(value, rfc8949EncodeOptions));
  }

  /** Its length in bytes is known only when it is written; a short head covers most texts. */
  #text(text: string): this {
    const atMost = text.length * utf8PerUnitMax;
    this.#reserve(headBytesMax + atMost);
    const start = this.#length;
    if (atMost < 24) {
      const length = encodeUtf8Into(text, this.#bytes.subarray(start + 1));
      this.head(Major.text, length);
      this.#length += length;
      return this;
    }
    const room = start + headBytesMax;
    const length = encodeUtf8Into(text, this.#bytes.subarray(room));
    this.head(Major.text, length);
    this.#bytes.copyWithin(this.#length, room, room + length);
    this.#length += length;
    return this;
  }

  /** §4.2.1: keys in the order of their encoded bytes. */
  #map(map: ReadonlyMap<unknown, unknown>): this {
    this.head(Major.map, map.size);
    const start = this.#length;
    const entries: { readonly from: number; readonly keyEnd: number; readonly to: number }[] = [];
    let isOrdered = true;
    for (const [key, value] of map) {
      const from = this.#length;
      const keyEnd = this.value(key).#length;
      const to = this.value(value).#length;
      const before = entries.at(-1);
      isOrdered &&= before === undefined || this.#compare(before.from, before.keyEnd, from, keyEnd) < 0;
      entries.push({ from, keyEnd, to });
    }
    if (isOrdered) return this;
    entries.sort((left, right) => this.#compare(left.from, left.keyEnd, right.from, right.keyEnd));
    const written = this.#bytes.slice(start, this.#length);
    this.#length = start;
    for (const { from, to } of entries) this.raw(written.subarray(from - start, to - start));
    return this;
  }

  #compare(leftFrom: number, leftEnd: number, rightFrom: number, rightEnd: number): number {
    const common = Math.min(leftEnd - leftFrom, rightEnd - rightFrom);
    for (let index = 0; index < common; index++) {
      const difference = (this.#bytes[leftFrom + index] ?? 0) - (this.#bytes[rightFrom + index] ?? 0);
      if (difference !== 0) return difference;
    }
    return leftEnd - leftFrom - (rightEnd - rightFrom);
  }

  #octet(value: number): this {
    this.#bytes[this.#length++] = value;
    return this;
  }

  #uint16(value: number): this {
    return this.#octet(value >>> 8).#octet(value & 0xff);
  }

  #uint32(value: number): this {
    return this.#uint16(value >>> 16).#uint16(value & 0xffff);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

const shared = new CborWriter();
