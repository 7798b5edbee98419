// SPDX-License-Identifier: Apache-2.0
// cbor2 is the oracle: its CDE profile (draft-ietf-cbor-cde) has the same rules as RFC 8949 §4.2.1.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { cdeDecodeOptions, cdeEncodeOptions, decode, encode } from 'cbor2';
import fc from 'fast-check';
import { fromHex, toHex } from './bytes.ts';
import { Float, Tagged, decodeCbor, decodeCborMap, decodeLenientCbor, encodeCbor } from './cbor.ts';

function decoded(hex: string): unknown {
  const result = decodeCbor(fromHex(hex) ?? new Uint8Array(0));
  return result.ok ? result.value : result.refusal;
}

const integer = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -300, max: 300 }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) }),
);
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    integer,
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .uniqueArray(fc.tuple(fc.oneof(integer, fc.string({ unit: 'grapheme' })), tie('value')), {
        maxLength: 6,
        selector: ([key]) => `${typeof key === 'string'}${key}`,
      })
      .map((entries) => new Map(entries)),
  ),
}));

test('[SEAL-1] encodes as the oracle does, and decodes what was encoded', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encodeCbor(value);
      assert.equal(toHex(bytes), toHex(encode(value, cdeEncodeOptions)));
      const back = decodeCbor(bytes);
      assert.ok(back.ok);
      assert.equal(toHex(encodeCbor(back.value)), toHex(bytes));
    }),
    { numRuns: 1000 },
  );
});

/** Our value as the oracle's, floats and tags included. */
function oracleBytes(value: unknown): string {
  if (value instanceof Tagged) {
    const head = toHex(encode(value.tag, cdeEncodeOptions));
    return (
      (Number.parseInt(head.slice(0, 2), 16) | 0xc0).toString(16) + head.slice(2) + oracleBytes(value.value)
    );
  }
  if (value instanceof Float) return floatBytes(value.value);
  if (Array.isArray(value)) return heads(0x80, value.length) + value.map(oracleBytes).join('');
  if (value instanceof Map) {
    const entries = [...value].map(([key, member]) => [oracleBytes(key), oracleBytes(member)] as const);
    const sorted = entries.toSorted(([left], [right]) => (left < right ? -1 : 1));
    return heads(0xa0, value.size) + sorted.map((pair) => pair.join('')).join('');
  }
  return toHex(encode(value, cdeEncodeOptions));
}

function heads(major: number, length: number): string {
  const head = toHex(encode(length, cdeEncodeOptions));
  return (Number.parseInt(head.slice(0, 2), 16) | major).toString(16) + head.slice(2);
}

function floatBytes(value: number): string {
  if (!Number.isInteger(value)) return toHex(encode(value, cdeEncodeOptions));
  // The oracle writes whole numbers as integers; 1.5 times as much has the same exponent and one more bit.
  const view = new DataView(new ArrayBuffer(8));
  for (const [head, bytes] of [
    ['f9', 2],
    ['fa', 4],
    ['fb', 8],
  ] as const) {
    if (bytes === 2) view.setFloat16(0, value);
    else if (bytes === 4) view.setFloat32(0, value);
    else view.setFloat64(0, value);
    const back = bytes === 2 ? view.getFloat16(0) : bytes === 4 ? view.getFloat32(0) : view.getFloat64(0);
    if (Object.is(back, value)) return head + toHex(new Uint8Array(view.buffer, 0, bytes));
  }
  throw new Error('unreachable');
}

const interestingByte = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom(
    0x00,
    0x18,
    0x19,
    0x1a,
    0x1b,
    0x40,
    0x41,
    0x60,
    0x61,
    0x80,
    0x81,
    0x82,
    0xa0,
    0xa1,
    0xa2,
    0xc1,
  ),
  fc.constantFrom(0xf4, 0xf5, 0xf6, 0xf9, 0xfa, 0xfb, 0x7c, 0x7e, 0x20, 0x01, 0x02),
);
const anyBytes = fc.oneof(
  fc.array(interestingByte, { minLength: 1, maxLength: 14 }).map((list) => Uint8Array.from(list)),
  fc
    .tuple(fc.constantFrom(0xf9, 0xfa, 0xfb), fc.uint8Array({ minLength: 8, maxLength: 8 }))
    .map(([head, rest]) => {
      const length = head === 0xf9 ? 2 : head === 0xfa ? 4 : 8;
      return Uint8Array.of(head, ...rest.subarray(0, length));
    }),
);

test('[SEAL-1] whatever is accepted has exactly these bytes as its encoding', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const result = decodeCbor(bytes);
      if (result.ok) assert.equal(oracleBytes(result.value), toHex(bytes));
    }),
    { numRuns: 20_000 },
  );
});

function oracleAccepts(bytes: Uint8Array): boolean {
  try {
    const value: unknown = decode(bytes, {
      ...cdeDecodeOptions,
      rejectSimple: true,
      rejectUndefined: true,
      ignoreGlobalTags: true,
    });
    // The oracle lets every NaN through, whatever its payload, and some floats that would fit fewer bytes.
    if (bytes.some((byte) => byte === 0xfa || byte === 0xfb)) return false;
    return !inspect(value, { depth: null }).includes('NaN');
  } catch {
    return false;
  }
}

test('[SEAL-1] what the oracle accepts is accepted', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      if (oracleAccepts(bytes)) assert.ok(decodeCbor(bytes).ok, toHex(bytes));
    }),
    { numRuns: 20_000 },
  );
});

test('[SEAL-1] no number that fits half precision is taken in more bytes', () => {
  for (let half = 0; half < 0x7c00; half += 1) {
    const fraction = (half & 0x3ff) / 1024;
    const exponent = half >> 10;
    const value = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
    const single = new DataView(new ArrayBuffer(5));
    single.setUint8(0, 0xfa);
    single.setFloat32(1, value);
    const double = new DataView(new ArrayBuffer(9));
    double.setUint8(0, 0xfb);
    double.setFloat64(1, -value);
    for (const { buffer } of [single, double])
      assert.ok(!decodeCbor(new Uint8Array(buffer)).ok, toHex(new Uint8Array(buffer)));
    assert.ok(decodeCbor(Uint8Array.of(0xf9, half >> 8, half & 0xff)).ok);
  }
});

test('[SEAL-1] one changed byte of a valid encoding is refused or is another value', () => {
  fc.assert(
    fc.property(anyValue, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, position, flip) => {
      const bytes = encodeCbor(value);
      const index = position % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      const result = decodeCbor(bytes);
      if (result.ok) assert.equal(oracleBytes(result.value), toHex(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('integers, floats, tags and bytes keep apart', () => {
  assert.equal(decoded('1b001fffffffffffff'), 2 ** 53 - 1);
  assert.equal(decoded('1b0020000000000000'), 2n ** 53n);
  assert.equal(decoded('3b001ffffffffffffe'), -(2 ** 53 - 1));
  assert.equal(decoded('3b001fffffffffffff'), -(2n ** 53n));
  assert.deepEqual(decoded('f93c00'), new Float(1));
  assert.deepEqual(decoded('c100'), new Tagged(1, 0));
});

test('[SEAL-1] depth and size never reach recursion', () => {
  assert.ok(Array.isArray(decoded(`${'81'.repeat(16)}00`)));
  assert.deepEqual(decoded(`${'81'.repeat(17)}00`), { code: 'cbor-invalid', cause: 'too deep' });
  assert.deepEqual(decoded('81'.repeat(500_000)), { code: 'cbor-invalid', cause: 'too deep' });
  const tooLong = decodeCbor(new Uint8Array(10), { maxBytes: 9 });
  assert.ok(!tooLong.ok);
});

test('the span of an entry is a view of its encoded value', () => {
  const bytes = encodeCbor(
    new Map<number, unknown>([
      [1, 'a'],
      [15, new Map([[1, 2]])],
    ]),
  );
  const result = decodeCborMap(bytes, 15);
  assert.ok(result.ok);
  assert.deepEqual(
    result.value.map,
    new Map<unknown, unknown>([
      [1, 'a'],
      [15, new Map([[1, 2]])],
    ]),
  );
  assert.equal(toHex(result.value.span ?? new Uint8Array(0)), 'a10102');
  assert.equal(result.value.span?.buffer, bytes.buffer);
  assert.ok(!decodeCborMap(encodeCbor([1])).ok);
});

test('lenient: anything well-formed without duplicate keys', () => {
  assert.ok(decodeLenientCbor(fromHex('9f1800ff') ?? new Uint8Array(0)).ok);
  assert.ok(decodeLenientCbor(fromHex('d28100') ?? new Uint8Array(0)).ok);
  for (const hex of ['a201000100', 'd18100', '0000', '81'.repeat(100_000)]) {
    assert.ok(!decodeLenientCbor(fromHex(hex) ?? new Uint8Array(0)).ok);
  }
});
