// SPDX-License-Identifier: Apache-2.0
// Many small values as one ArrayBuffer, so that a batch crosses between threads as one transferred object. All numbers
// lie together, all text is one UTF-8 run, and bytes follow: one native call for the text of a whole batch and one copy
// per byte string. Layout: float64 count of numbers, float64 length of the text in bytes, numbers, text, bytes.
// The reader knows the order of the writer; there is nothing in between to tell values apart.

const headerNumbers = 2;
const numberBytes = 8;
/** What `optional` writes for an absent value. */
const absent = -1;

export class Packer {
  readonly #numbers: number[] = [];
  readonly #blobs: Uint8Array[] = [];
  #text = '';
  #blobBytes = 0;

  number(value: number): void {
    this.#numbers.push(value);
  }

  /** Of a value that is never negative. */
  optional(value: number | undefined): void {
    this.#numbers.push(value ?? absent);
  }

  /** Well-formed UTF-16 only. */
  text(value: string): void {
    this.#numbers.push(value.length);
    this.#text += value;
  }

  bytes(value: Uint8Array): void {
    this.#numbers.push(value.length);
    this.#blobs.push(value);
    this.#blobBytes += value.length;
  }

  optionalBytes(value: Uint8Array | undefined): void {
    if (value === undefined) this.#numbers.push(absent);
    else this.bytes(value);
  }

  finish(): ArrayBuffer {
    const textAt = (headerNumbers + this.#numbers.length) * numberBytes;
    const textBytes = Buffer.byteLength(this.#text);
    const packed = new ArrayBuffer(textAt + textBytes + this.#blobBytes);
    const numbers = new Float64Array(packed, 0, headerNumbers + this.#numbers.length);
    numbers[0] = this.#numbers.length;
    numbers[1] = textBytes;
    numbers.set(this.#numbers, headerNumbers);
    const bytes = Buffer.from(packed);
    bytes.write(this.#text, textAt);
    let at = textAt + textBytes;
    for (const blob of this.#blobs) {
      bytes.set(blob, at);
      at += blob.length;
    }
    return packed;
  }
}

/** Byte strings are views of the buffer: whoever keeps one for long keeps the whole batch. */
export class Unpacker {
  readonly #numbers: Float64Array;
  readonly #text: string;
  readonly #bytes: Buffer;
  #numberAt = headerNumbers;
  #textAt = 0;
  #bytesAt: number;

  constructor(packed: ArrayBuffer) {
    const [count = 0, textBytes = 0] = new Float64Array(packed, 0, headerNumbers);
    const textAt = (headerNumbers + count) * numberBytes;
    this.#numbers = new Float64Array(packed, 0, headerNumbers + count);
    this.#bytes = Buffer.from(packed);
    this.#text = this.#bytes.toString('utf8', textAt, textAt + textBytes);
    this.#bytesAt = textAt + textBytes;
  }

  number(): number {
    const value = this.#numbers[this.#numberAt++];
    if (value === undefined) throw new RangeError('read past the end of a batch');
    return value;
  }

  optional(): number | undefined {
    const value = this.number();
    return value === absent ? undefined : value;
  }

  text(): string {
    const from = this.#textAt;
    this.#textAt += this.number();
    return this.#text.slice(from, this.#textAt);
  }

  bytes(): Uint8Array {
    return this.#take(this.number());
  }

  optionalBytes(): Uint8Array | undefined {
    const length = this.optional();
    return length === undefined ? undefined : this.#take(length);
  }

  #take(length: number): Uint8Array {
    const from = this.#bytesAt;
    this.#bytesAt += length;
    return this.#bytes.subarray(from, this.#bytesAt);
  }
}
