// SPDX-License-Identifier: Apache-2.0
// Text and bytes. The two classes exist in every runtime of ours, but in no library that the compiler loads here.
declare class TextEncoder {
  encode(text: string): Uint8Array;
  encodeInto(text: string, into: Uint8Array): { written: number };
}
declare class TextDecoder {
  constructor(label: 'utf-8', options: { fatal: boolean; ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF, so that text and bytes stay one to one.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const invalidDigit = 0xff;
const hexPairs = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'));
const base64UrlAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const base64UrlCodes = Uint8Array.from(base64UrlAlphabet, (digit) => digit.charCodeAt(0));
const base64UrlValues = inverse(base64UrlAlphabet);
const hexValues = inverse('0123456789abcdef');

function inverse(alphabet: string): Uint8Array {
  const values = new Uint8Array(128).fill(invalidDigit);
  for (let index = 0; index < alphabet.length; index++) values[alphabet.charCodeAt(index)] = index;
  return values;
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writes the text at the start of `into`, which must have room, and returns how many bytes it took. */
export function encodeUtf8Into(text: string, into: Uint8Array): number {
  // Short ASCII, as most texts of a seal are, costs less without the call.
  if (text.length > 48) return encoder.encodeInto(text, into).written;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return encoder.encodeInto(text, into).written;
    into[index] = unit;
  }
  return text.length;
}

/** Undefined when the bytes are not well-formed UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += hexPairs[byte];
  return text;
}

/** Lower-case hex only; undefined for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    const high = hexValues[text.charCodeAt(2 * index)] ?? invalidDigit;
    const low = hexValues[text.charCodeAt(2 * index + 1)] ?? invalidDigit;
    if (high === invalidDigit || low === invalidDigit) return undefined;
    bytes[index] = high * 16 + low;
  }
  return bytes;
}

/** RFC 4648 §5 without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  const whole = bytes.length - (bytes.length % 3);
  let written = 0;
  for (let index = 0; index < whole; index += 3) {
    const group = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    codes[written] = base64UrlCodes[group >> 18] ?? 0;
    codes[written + 1] = base64UrlCodes[(group >> 12) & 63] ?? 0;
    codes[written + 2] = base64UrlCodes[(group >> 6) & 63] ?? 0;
    codes[written + 3] = base64UrlCodes[group & 63] ?? 0;
    written += 4;
  }
  if (whole < bytes.length) {
    const group = ((bytes[whole] ?? 0) << 16) | ((bytes[whole + 1] ?? 0) << 8);
    codes[written] = base64UrlCodes[group >> 18] ?? 0;
    codes[written + 1] = base64UrlCodes[(group >> 12) & 63] ?? 0;
    if (bytes.length - whole === 2) codes[written + 2] = base64UrlCodes[(group >> 6) & 63] ?? 0;
  }
  // Joined digit by digit it would be a rope that every writer has to flatten.
  return decoder.decode(codes);
}

/** Strict: no padding, no white space, and the unused bits of the last digit are zero; one text per byte string. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let group = 0;
  let bits = 0;
  let written = 0;
  for (let index = 0; index < text.length; index++) {
    const value = base64UrlValues[text.charCodeAt(index)] ?? invalidDigit;
    if (value === invalidDigit) return undefined;
    group = ((group << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[written++] = group >> bits;
    }
  }
  return (group & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Takes the same time wherever two values of equal length differ. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index++) difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  return difference === 0;
}
