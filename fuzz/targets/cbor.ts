// SPDX-License-Identifier: Apache-2.0
import { Tag, cdeDecodeOptions, decode as decodeOther, type DecodeOptions } from 'cbor2';
import {
  Float,
  cborDepthMax,
  Tagged,
  decodeCbor,
  decodeLenientCbor,
  encodeCbor,
  equalBytes,
} from '@sealpost/protocol';
import { holds, type Target } from '../target.ts';
import type { Random } from '../engine/random.ts';
import { vectorBytes } from './vectors.ts';

export const cbor: Target = {
  name: 'cbor',
  invariant:
    'What the strict decoder takes encodes to the same bytes again, has one meaning in another decoder, and is taken ' +
    'by the lenient one; refusals are values.',
  inputBytesMax: 4096,
  hangMs: 1000,
  allocatedBytesMax: 1 << 20,
  async open() {
    return { seeds: vectorBytes('cbor', 'bytes'), dictionary, vary: (_, random) => item(random, 4), run };
  },
};

function run(input: Uint8Array): string {
  const lenient = decodeLenientCbor(input);
  const strict = decodeCbor(input);
  if (!strict.ok) {
    checkRefusal(input);
    return `${lenient.ok ? 'lenient' : 'refused'}: ${strict.refusal.cause}`;
  }
  holds(depthOf(strict.value) <= cborDepthMax, 'accepted, and too deep');
  const again = encodeTree(strict.value);
  holds(equalBytes(again, input), 'accepted, and encodes to other bytes');
  holds(lenient.ok || hasTag(strict.value), 'the strict decoder takes what the lenient one refuses');
  if (hasFloatKey(strict.value)) return 'accepted float key';
  const theirs: unknown = decodeOther(input, otherOptions);
  holds(isSame(strict.value, theirs), 'another decoder sees another value');
  return `accepted ${kindOf(strict.value)}`;
}

/** No meaning of tags, maps as Map whatever their keys, and bigints only where they have to be. */
const otherOptions: DecodeOptions = {
  ...cdeDecodeOptions,
  ignoreGlobalTags: true,
  preferMap: true,
  rejectSimple: true,
  rejectUndefined: true,
};

function isSame(ours: unknown, theirs: unknown): boolean {
  if (ours instanceof Float) return Object.is(ours.value, theirs);
  if (ours instanceof Tagged)
    return (
      theirs instanceof Tag &&
      BigInt(ours.tag) === BigInt(theirs.tag.valueOf()) &&
      isSame(ours.value, theirs.contents)
    );
  if (ours instanceof Uint8Array) return theirs instanceof Uint8Array && equalBytes(ours, theirs);
  if (Array.isArray(ours))
    return (
      Array.isArray(theirs) &&
      ours.length === theirs.length &&
      ours.every((one, at) => isSame(one, theirs[at]))
    );
  if (ours instanceof Map) {
    if (!(theirs instanceof Map) || ours.size !== theirs.size) return false;
    const others = [...(theirs as ReadonlyMap<unknown, unknown>)];
    return [...(ours as ReadonlyMap<unknown, unknown>)].every(
      ([key, value], at) => isSame(key, others[at]?.[0]) && isSame(value, others[at]?.[1]),
    );
  }
  return Object.is(ours, theirs) || isSameInteger(ours, theirs);
}

/** The two decoders do not agree on where bigints begin. */
function isSameInteger(ours: unknown, theirs: unknown): boolean {
  if (typeof ours === 'bigint' && typeof theirs === 'number') return ours === BigInt(theirs);
  return typeof ours === 'number' && typeof theirs === 'bigint' && BigInt(ours) === theirs;
}

/** Keys that the other decoder takes for one: 0, 0.0 and -0.0. */
function hasFloatKey(value: unknown): boolean {
  if (value instanceof Tagged) return hasFloatKey(value.value);
  if (Array.isArray(value)) return value.some(hasFloatKey);
  if (!(value instanceof Map)) return false;
  return [...value.keys()].some((key) => key instanceof Float) || [...value].flat().some(hasFloatKey);
}

/** A float alone is refused for its form only; of longer inputs nobody says so well what is wrong. */
function checkRefusal(input: Uint8Array): void {
  const [head = 0] = input;
  if (head < 0xf9 || input.length !== 1 + 2 ** (head - 0xf8)) return;
  const view = new DataView(input.buffer, input.byteOffset);
  const value = head === 0xf9 ? view.getFloat16(1) : head === 0xfa ? view.getFloat32(1) : view.getFloat64(1);
  holds(!equalBytes(encodeFloat(value), input), 'a float in its only form is refused');
}

function depthOf(value: unknown): number {
  if (value instanceof Tagged) return 1 + depthOf(value.value);
  const parts: unknown[] | undefined = Array.isArray(value)
    ? value
    : value instanceof Map
      ? [...value].flat()
      : undefined;
  return parts === undefined ? 0 : 1 + Math.max(0, ...parts.map(depthOf));
}

/** The lenient decoder knows tag 18 only. */
function hasTag(value: unknown): boolean {
  if (value instanceof Tagged) return true;
  if (value instanceof Map) return [...(value as ReadonlyMap<unknown, unknown>)].flat().some(hasTag);
  return Array.isArray(value) && value.some(hasTag);
}

function kindOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return typeof value;
  return value.constructor.name;
}

/** By the rules of RFC 8949 §4.2.1 alone, and not by the encoder under test. */
export function encodeTree(value: unknown): Uint8Array {
  if (value instanceof Float) return encodeFloat(value.value);
  if (value instanceof Tagged) return Buffer.concat([head(6, value.tag), encodeTree(value.value)]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(encodeTree)]);
  if (value instanceof Map) {
    const pairs = [...value].map(([key, entry]) => [encodeTree(key), encodeTree(entry)] as const);
    pairs.sort(([left], [right]) => Buffer.compare(left, right));
    return Buffer.concat([head(5, pairs.length), ...pairs.flat()]);
  }
  return encodeCbor(value);
}

/** The shortest of the three that keeps the value. */
function encodeFloat(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(9));
  view.setUint8(0, 0xf9);
  view.setFloat16(1, value);
  if (Number.isNaN(value)) return Uint8Array.of(0xf9, 0x7e, 0);
  if (Object.is(view.getFloat16(1), value)) return new Uint8Array(view.buffer, 0, 3);
  view.setUint8(0, 0xfa);
  view.setFloat32(1, value);
  if (view.getFloat32(1) === value) return new Uint8Array(view.buffer, 0, 5);
  view.setUint8(0, 0xfb);
  view.setFloat64(1, value);
  return new Uint8Array(view.buffer);
}

function head(major: number, argument: number | bigint): Uint8Array {
  const encoded = encodeCbor(argument);
  encoded[0] = ((encoded[0] ?? 0) & 0x1f) | (major << 5);
  return encoded;
}

const dictionary: readonly Uint8Array[] = [
  [0x18, 0x18],
  [0x19, 1, 0],
  [0x1a, 0, 1, 0, 0],
  [0x1b, 0, 0, 0, 1, 0, 0, 0, 0],
  [0x1b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x3b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x5f],
  [0x9f],
  [0xbf],
  [0xff],
  [0xd2, 0x84],
  [0xf6],
  [0xf7],
  [0xf9, 0x7e, 0],
  [0xf9, 0x80, 0],
  [0xfa, 0x7f, 0xc0, 0, 0],
  [0xfa, 0x33, 0x80, 0, 0],
  [0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0x5b, 0, 0, 0, 1, 0, 0, 0, 0],
  [0x9b, 0, 0, 0, 1, 0, 0, 0, 0],
  [0xa2, 0x01, 0x01, 0x01, 0x01],
  [0x62, 0xc3, 0xa9],
  [0x63, 0xed, 0xa0, 0x80],
  [0x61, 0],
  [0xc1, 0],
  [0xd8, 0x18],
].map((bytes) => Uint8Array.from(bytes));

/** Mostly valid: random items, sometimes with a head that is not in its shortest form. */
export function item(random: Random, depth: number): Uint8Array {
  const major = random.below(8);
  if (major === 7 || depth === 0) return random.pick(leaves(random)) ?? Uint8Array.of(0xf6);
  const size = random.size(major === 4 || major === 5 ? 6 : 40);
  switch (major) {
    case 2:
      return Buffer.concat([head(2, size), random.bytes(size)]);
    case 3: {
      const text = Buffer.from(Array.from({ length: size }, () => random.pick([...'aé€𝄞\0'])).join(''));
      return Buffer.concat([head(3, text.length), text]);
    }
    case 4:
      return Buffer.concat([head(4, size), ...Array.from({ length: size }, () => item(random, depth - 1))]);
    case 5: {
      const keys = Array.from({ length: size }, () => item(random, 1)).sort(Buffer.compare);
      return Buffer.concat([head(5, size), ...keys.flatMap((key) => [key, item(random, depth - 1)])]);
    }
    case 6:
      return Buffer.concat([head(6, integer(random)), item(random, depth - 1)]);
    default:
      return head(major, integer(random));
  }
}

function integer(random: Random): number | bigint {
  const edge = BigInt(
    random.pick([0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53]),
  );
  const value = random.chance(2) ? BigInt(random.uint32()) : edge + BigInt(random.between(-1, 1));
  if (value < 0n) return 0;
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? value : Number(value);
}

function leaves(random: Random): readonly Uint8Array[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, random.pick([0, 1.5, 5e-324, 6e-8, 65_504, 65_520, 3.4e38, random.uint32() / 7]));
  // A single that is nearly a half.
  const single = new DataView(new ArrayBuffer(4));
  single.setUint16(0, random.below(0x10000));
  single.setFloat32(0, single.getFloat16(0));
  single.setUint32(0, (single.getUint32(0) ^ (1 << random.below(24))) >>> 0);
  return [
    Uint8Array.of(0xfa, ...new Uint8Array(single.buffer)),
    Uint8Array.of(random.pick([0xf4, 0xf5, 0xf6, 0xf7, 0xe0, 0xf8])),
    Uint8Array.of(0xf9, random.below(256), random.below(256)),
    Uint8Array.of(0xfa, ...random.bytes(4)),
    Uint8Array.of(0xfb, ...new Uint8Array(view.buffer)),
    head(random.below(2), integer(random)),
  ];
}
