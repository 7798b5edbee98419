// SPDX-License-Identifier: Apache-2.0
// Frames of WebSocket (RFC 6455 §5) by a writer and a reader of their own: any that can be sent, and what they oblige to.
import { serverLimits } from '@sealpost/mqtt/server';
import type { Random } from '../engine/random.ts';
import { replace } from '../engine/mutate.ts';
import { holds } from '../target.ts';

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export const CloseCode = { normal: 1000, protocol: 1002, unsupported: 1003, tooBig: 1009 } as const;

export interface Frame {
  readonly isFinal?: boolean;
  /** Bits that only extensions give a meaning. */
  readonly reserved?: number;
  readonly opcode: number;
  readonly payload: Uint8Array;
  /** Absent: not masked, as only servers send. */
  readonly mask?: Uint8Array;
  /** What it says of its length, when that is not so. */
  readonly claimedBytes?: number;
  /** How the length is written, when that is not the shortest form. */
  readonly lengthBits?: 7 | 16 | 64;
}

const plainMask = Uint8Array.of(1, 2, 3, 4);

export function clientFrame(opcode: number, payload: Uint8Array): Uint8Array {
  return frameBytes({ opcode, payload, mask: plainMask });
}

export function frameBytes(frame: Frame): Uint8Array {
  const { isFinal = true, reserved = 0, opcode, payload, mask, claimedBytes } = frame;
  const length = claimedBytes ?? payload.length;
  const bits = frame.lengthBits ?? (length < 126 ? 7 : length < 0x1_0000 ? 16 : 64);
  const head = Buffer.alloc(2 + { 7: 0, 16: 2, 64: 8 }[bits]);
  head[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (mask === undefined ? 0 : 0x80) | { 7: length & 0x7f, 16: 126, 64: 127 }[bits];
  if (bits === 16) head.writeUInt16BE(length & 0xffff, 2);
  if (bits === 64) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([
    head,
    mask ?? new Uint8Array(0),
    mask === undefined ? payload : masked(payload, mask),
  ]);
}

function masked(payload: Uint8Array, mask: Uint8Array): Uint8Array {
  return payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
}

interface ReadFrame {
  readonly isFinal: boolean;
  readonly reserved: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  /** Of the payload, stated. */
  readonly bytes: number;
  readonly isShortest: boolean;
  /** Undefined: not all of it is there. */
  readonly payload: Uint8Array | undefined;
  readonly end: number;
}

/** Undefined: not even its head is there. */
function readFrame(bytes: Buffer, at: number): ReadFrame | undefined {
  const [first = 0, second = 0] = bytes.subarray(at, at + 2);
  const lengthBytes = { 126: 2, 127: 8 }[second & 0x7f] ?? 0;
  const isMasked = (second & 0x80) !== 0;
  const lengthEnd = at + 2 + lengthBytes;
  if (bytes.length < lengthEnd) return undefined;
  const length = lengthBytes === 0 ? second & 0x7f : Number(`0x${bytes.toString('hex', at + 2, lengthEnd)}`);
  const start = lengthEnd + (isMasked ? 4 : 0);
  const isWhole = bytes.length >= start + length;
  const payload = bytes.subarray(start, start + length);
  return {
    isFinal: (first & 0x80) !== 0,
    reserved: (first >> 4) & 7,
    opcode: first & 15,
    isMasked,
    bytes: length,
    isShortest: length >= ({ 126: 126, 127: 0x1_0000 }[second & 0x7f] ?? 0),
    payload: isWhole ? (isMasked ? masked(payload, bytes.subarray(lengthEnd, start)) : payload) : undefined,
    end: start + length,
  };
}

/** What a client has sent: the bytes of its messages, and whether the server may go on. */
export interface Heard {
  /** Of whole binary messages. */
  readonly stream: Uint8Array;
  readonly pings: readonly string[];
  /** `open`: another message may follow. Otherwise a code with which the connection has to end. */
  readonly end: 'cut' | 'open' | number;
}

const controlBytesMax = 125;

export function hear(bytes: Buffer): Heard {
  const messages: Uint8Array[] = [];
  const pings: string[] = [];
  let parts: { readonly opcode: number; bytes: number; readonly payloads: Uint8Array[] } | undefined;
  const heard = (end: Heard['end']): Heard => ({ stream: Buffer.concat(messages), pings, end });
  for (let at = 0; at < bytes.length;) {
    const frame = readFrame(bytes, at);
    if (frame === undefined) return heard('cut');
    const { opcode, payload, isFinal } = frame;
    if (isWrong(frame) || (opcode <= 2 && (opcode === Opcode.continuation) !== (parts !== undefined)))
      return heard(CloseCode.protocol);
    if (opcode <= 2 && (parts?.bytes ?? 0) + frame.bytes > serverLimits.packetBytesMax)
      return heard(CloseCode.tooBig);
    if (payload === undefined) return heard('cut');
    at = frame.end;
    if (opcode === Opcode.ping) pings.push(Buffer.from(payload).toString('hex'));
    if (opcode === Opcode.close) return heard(closeCodeFor(payload));
    if (opcode > 2) continue;
    parts ??= { opcode, bytes: 0, payloads: [] };
    parts.bytes += payload.length;
    parts.payloads.push(payload);
    if (!isFinal) continue;
    if (parts.opcode === Opcode.text) return heard(CloseCode.unsupported);
    messages.push(Buffer.concat(parts.payloads));
    parts = undefined;
  }
  return heard(parts === undefined ? 'open' : 'cut');
}

function isWrong({ isFinal, reserved, opcode, isMasked, bytes, isShortest }: ReadFrame): boolean {
  const isKnown = opcode <= 2 || (opcode >= 8 && opcode <= 10);
  const isOddControl = opcode >= 8 && (!isFinal || !isShortest || bytes > controlBytesMax);
  return reserved !== 0 || !isKnown || !isMasked || isOddControl;
}

/** RFC 6455 §7.4. A close without a code is answered without one. */
function closeCodeFor(payload: Uint8Array): number {
  if (payload.length === 0) return CloseCode.normal;
  const code = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  const isDefined = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
  return payload.length > 1 && (isDefined || (code >= 3000 && code <= 4999)) ? code : CloseCode.protocol;
}

/** What a server has sent. */
export interface Told {
  readonly stream: Uint8Array;
  readonly pongs: readonly string[];
  /** Undefined: it has not said that it closes; 0: without a code. */
  readonly closeCode: number | undefined;
}

/** Throws at what no browser would take. */
export function readServer(bytes: Buffer): Told {
  const messages: Uint8Array[] = [];
  const pongs: string[] = [];
  let closeCode: number | undefined;
  for (let at = 0; at < bytes.length;) {
    const frame = readFrame(bytes, at);
    if (frame?.payload === undefined) break;
    const { isFinal, isMasked, isShortest, opcode, payload, reserved } = frame;
    holds(closeCode === undefined, 'the server goes on after it has closed');
    holds(isFinal && !isMasked && isShortest && reserved === 0, 'a frame of the server is malformed');
    if (opcode === Opcode.binary) messages.push(payload);
    else if (opcode === Opcode.pong) pongs.push(Buffer.from(payload).toString('hex'));
    else if (opcode === Opcode.close) closeCode = Buffer.concat([payload, Buffer.alloc(2)]).readUInt16BE();
    else holds(false, `the server sends a frame of kind ${opcode}`);
    at = frame.end;
  }
  return { stream: Buffer.concat(messages), pongs, closeCode };
}

/** The bytes in messages of any size, in any number of fragments, with control frames between and seldom a mistake. */
export function randomFrames(random: Random, stream: Uint8Array): Uint8Array {
  const frames: Uint8Array[] = [];
  for (const message of pieces(random, stream, 3))
    pieces(random, message, random.chance(3) ? 4 : 1).forEach((payload, index, { length }) => {
      if (random.chance(6)) frames.push(frameBytes(randomControl(random)));
      const opcode = index === 0 ? Opcode.binary : Opcode.continuation;
      const frame = { isFinal: index === length - 1, opcode, payload, mask: random.bytes(4) };
      frames.push(frameBytes(random.chance(24) ? oddFrame(random, frame) : frame));
    });
  if (random.chance(12)) frames.push(frameBytes(randomClose(random)));
  const bytes = Buffer.concat(frames);
  return random.chance(24) ? replace(bytes, random.below(bytes.length), 1, random.bytes(1)) : bytes;
}

function pieces(random: Random, bytes: Uint8Array, most: number): Uint8Array[] {
  const cuts = Array.from({ length: random.below(most) }, () => random.below(bytes.length + 1));
  const places = [0, ...cuts.toSorted((left, right) => left - right), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

function randomControl(random: Random): Frame {
  const opcode = random.pick([Opcode.ping, Opcode.ping, Opcode.pong]);
  return { opcode, payload: random.bytes(random.chance(3) ? 125 : random.size(20)), mask: random.bytes(4) };
}

function randomClose(random: Random): Frame {
  const code = random.pick([0, 999, 1000, 1001, 1004, 1005, 1006, 1009, 1015, 2999, 3000, 4999, 0xffff]);
  const payload = Buffer.concat([Uint8Array.of(code >> 8, code), random.bytes(random.size(123))]);
  return {
    opcode: Opcode.close,
    payload: payload.subarray(0, random.pick([0, 1, 2, 125])),
    mask: random.bytes(4),
  };
}

function oddFrame(random: Random, frame: Frame): Frame {
  switch (random.below(8)) {
    case 0: {
      const { mask: _mask, ...bare } = frame;
      return bare;
    }
    case 1:
      return { ...frame, reserved: random.between(1, 7) };
    case 2:
      return { ...frame, opcode: random.below(16) };
    case 3:
      return { ...frame, opcode: Opcode.text };
    case 4:
      return { ...frame, isFinal: frame.isFinal !== true };
    case 5:
      return { ...frame, lengthBits: random.pick([16, 64] as const) };
    case 6:
      return { ...frame, mask: new Uint8Array(4) };
    default:
      return { ...frame, claimedBytes: random.pick([0, 126, 0xffff, 0x1_0000, 0x4_0001, 2 ** 31, 2 ** 53]) };
  }
}
