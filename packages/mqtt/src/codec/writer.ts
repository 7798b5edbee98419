// SPDX-License-Identifier: Apache-2.0
import { encodeText } from './text.ts';

const slabBytes = 64 * 1024;

export function variableIntegerBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x200000 ? 3 : 4;
}

/**
 * Packets are written one behind the other into a slab that all connections share, and handed out as views.
 * A slab is never rewritten: when it is full, a new one begins and the old one lives as long as somebody holds a view.
 */
export class Writer {
  #slab = new Uint8Array(slabBytes);
  #start = 0;
  position = 0;

  /** Begins a packet of at most `bytesMax` bytes. */
  begin(bytesMax: number): void {
    if (this.#start + bytesMax > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(slabBytes, bytesMax));
      this.#start = 0;
    }
    this.position = this.#start;
  }

  end(): Uint8Array {
    const view = this.#slab.subarray(this.#start, this.position);
    this.#start = this.position;
    return view;
  }

  byte(value: number): void {
    this.#slab[this.position++] = value;
  }

  uint16(value: number): void {
    this.#slab[this.position++] = value >>> 8;
    this.#slab[this.position++] = value & 0xff;
  }

  uint32(value: number): void {
    this.uint16(value >>> 16);
    this.uint16(value & 0xffff);
  }

  variableInteger(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#slab[this.position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#slab[this.position++] = rest;
  }

  text(text: string): void {
    const start = this.position + 2;
    const end = encodeText(text, this.#slab, start);
    if (end - start > 0xffff) throw new RangeError('text of more than 65,535 bytes');
    this.uint16(end - start);
    this.position = end;
  }

  binary(bytes: Uint8Array): void {
    if (bytes.length > 0xffff) throw new RangeError('data of more than 65,535 bytes');
    this.uint16(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#slab.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** Leaves room for a length that is known only later: see `fillLength`. */
  reserveLength(bytesMax: number): number {
    const at = this.position;
    this.position += variableIntegerBytes(bytesMax);
    return at;
  }

  /** Writes the length of what follows the place `at`, and closes the gap if it needs fewer bytes than reserved. */
  fillLength(at: number, reservedBytes: number): void {
    const start = at + reservedBytes;
    const length = this.position - start;
    const needed = variableIntegerBytes(length);
    if (needed < reservedBytes) this.#slab.copyWithin(at + needed, start, this.position);
    this.position = at;
    this.variableInteger(length);
    this.position = at + needed + length;
  }
}
