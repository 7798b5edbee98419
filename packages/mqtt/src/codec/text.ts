// SPDX-License-Identifier: Apache-2.0

// The kernel of this package runs in browsers and Node alike; neither DOM nor Node types are assumed.
declare class TextEncoder {
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label: string, options: { fatal: boolean; ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}

const encoder = new TextEncoder();
/** Fatal: ill-formed text is refused [MQTT-1.5.4-1]. A byte order mark is text [MQTT-1.5.4-3]. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to this length a loop over ASCII beats the call into native code. */
const loopBytesMax = 24;

/** Undefined: not UTF-8, or has U+0000 [MQTT-1.5.4-2]. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= loopBytesMax) {
    let text = '';
    for (let i = start; i < end; i++) {
      const byte = bytes[i] ?? 0;
      if (byte === 0) return undefined;
      if (byte > 0x7f) return decodeNative(bytes, start, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return decodeNative(bytes, start, end);
}

function decodeNative(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    const text = decoder.decode(bytes.subarray(start, end));
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Of a payload: well-formed, and U+0000 is text like any other. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Upper bound of the encoded length. */
export function textBytesMax(text: string): number {
  return text.length * 3;
}

/** Returns the position after the text. A lone surrogate becomes U+FFFD. */
export function encodeText(text: string, into: Uint8Array, position: number): number {
  if (text.length > loopBytesMax) return position + encoder.encodeInto(text, into.subarray(position)).written;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return position + encoder.encodeInto(text, into.subarray(position)).written;
    into[position + i] = unit;
  }
  return position + text.length;
}
