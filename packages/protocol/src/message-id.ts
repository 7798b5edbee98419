// SPDX-License-Identifier: Apache-2.0
// Message ids, [MSG-1]: a UUID, 16 bytes in claims and its lower-case hyphenated text everywhere else.
import { fromHex, toHex } from './bytes.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

declare const messageIdBrand: unique symbol;
export type MessageId = string & { readonly [messageIdBrand]: true };

export const messageIdBytesLength = 16;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function parseMessageId(text: string): Result<MessageId> {
  return uuid.test(text) ? accept(text as MessageId) : refuse('id-invalid');
}

export function messageIdBytes(id: MessageId): Uint8Array {
  const bytes = fromHex(id.replaceAll('-', ''));
  if (bytes === undefined) throw new TypeError('not a message id');
  return bytes;
}

export function messageIdFromBytes(bytes: Uint8Array): MessageId {
  if (bytes.length !== messageIdBytesLength) throw new TypeError('a message id has 16 bytes');
  const hex = toHex(bytes);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return parts.join('-') as MessageId;
}

/** UUIDv7, RFC 9562 §5.7: 48 bits of Unix milliseconds, then 74 of the 80 random bits given. */
export function newMessageId(nowMs: number, random: Uint8Array): MessageId {
  if (random.length !== 10) throw new TypeError('a message id needs 10 random bytes');
  const bytes = new Uint8Array(messageIdBytesLength);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(nowMs / 2 ** 32));
  view.setUint32(2, nowMs % 2 ** 32);
  bytes.set(random, 6);
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f));
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  return messageIdFromBytes(bytes);
}
