// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes, fromHex, toHex, utf8 } from '@sealpost/protocol';
import { encodeDer, encodeOid } from './der-writer.ts';
import {
  Tag,
  decodeDer,
  derBitString,
  derBytesMax,
  derNamedBits,
  derOid,
  derSequence,
  derTime,
} from './der.ts';
import type { DerValue } from './der.ts';

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', '')) ?? assert.fail(text);

const accepted = [
  '30 00',
  '31 00',
  '01 01 ff',
  '01 01 00',
  '02 01 00',
  '02 02 00 80',
  '02 01 80',
  '03 01 00',
  '03 02 07 80',
  '04 00',
  '05 00',
  '06 01 00',
  '06 03 55 04 03',
  '0c 02 c3 a9',
  '30 03 02 01 05',
  'a0 03 02 01 02',
  '81 02 ff ff',
];

const refused: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['a tag alone', '30'],
  ['something after the end', '30 00 00'],
  ['a length beyond the end', '04 02 00'],
  ['a child beyond its parent', '30 02 04 01 00'],
  ['indefinite length', '30 80 00 00'],
  ['a long length that fits the short form', '04 81 01 00'],
  ['a length with a leading zero', `04 82 00 80 ${'00'.repeat(128)}`],
  ['three length octets', '04 83 01 00 00'],
  ['reserved length', '04 ff'],
  ['tag in the long form', '1f 01 00'],
  ['context tag in the long form', 'bf 81 01 00'],
  ['application class', '41 00'],
  ['private class', 'c1 00'],
  ['end of contents', '00 00'],
  ['primitive SEQUENCE', '10 00'],
  ['constructed OCTET STRING', '24 02 04 00'],
  ['constructed BIT STRING', '23 03 03 01 00'],
  ['REAL', '09 00'],
  ['T61String', '14 01 41'],
  ['BOOLEAN that is neither 00 nor ff', '01 01 01'],
  ['long BOOLEAN', '01 02 00 00'],
  ['empty BOOLEAN', '01 00'],
  ['empty INTEGER', '02 00'],
  ['INTEGER with a superfluous 00', '02 02 00 7f'],
  ['INTEGER with a superfluous ff', '02 02 ff 80'],
  ['NULL with content', '05 01 00'],
  ['BIT STRING without its first octet', '03 00'],
  ['BIT STRING with 8 unused bits', '03 02 08 00'],
  ['empty BIT STRING with unused bits', '03 01 01'],
  ['BIT STRING with unused bits set', '03 02 04 18'],
  ['empty OID', '06 00'],
  ['OID with a padded arc', '06 03 55 80 01'],
  ['OID that begins with padding', '06 02 80 01'],
  ['OID without its end', '06 02 55 84'],
  ['endless OID', `06 41 ${'81'.repeat(64)} 01`],
  ['UTF8String of other bytes', '0c 01 ff'],
  ['PrintableString with @', '13 01 40'],
  ['IA5String above 7f', '16 01 80'],
];

test('[ID-1] one encoding per value is accepted', () => {
  for (const text of accepted) assert.ok(decodeDer(hex(text)), text);
});

test('[ID-1] every other encoding is refused', () => {
  for (const [name, text] of refused) assert.equal(decodeDer(hex(text)), undefined, name);
});

function nested(depth: number): Uint8Array {
  return depth === 0 ? hex('0500') : encodeDer(Tag.sequence, nested(depth - 1));
}

function many(count: number): Uint8Array {
  return encodeDer(Tag.sequence, ...Array.from({ length: count }, () => hex('0500')));
}

test('[ID-1] depth, number of values and size are bounded', () => {
  assert.ok(decodeDer(nested(7)));
  assert.equal(decodeDer(nested(8)), undefined);
  assert.ok(decodeDer(many(255)));
  assert.equal(decodeDer(many(256)), undefined);
  assert.ok(decodeDer(encodeDer(Tag.octetString, new Uint8Array(derBytesMax - 4))));
  assert.equal(decodeDer(encodeDer(Tag.octetString, new Uint8Array(derBytesMax - 3))), undefined);
});

const times: readonly (readonly [number, string, number | undefined])[] = [
  [Tag.utcTime, '270115080000Z', 1_800_000_000],
  [Tag.utcTime, '700101000000Z', 0],
  [Tag.utcTime, '500101000000Z', -631_152_000],
  [Tag.utcTime, '491231235959Z', 2_524_607_999],
  [Tag.generalizedTime, '20500101000000Z', 2_524_608_000],
  [Tag.generalizedTime, '99991231235959Z', 253_402_300_799],
  [Tag.generalizedTime, '20491231235959Z', undefined],
  [Tag.utcTime, '240229000000Z', 1_709_164_800],
  [Tag.utcTime, '230229000000Z', undefined],
  [Tag.utcTime, '270431000000Z', undefined],
  [Tag.utcTime, '271301000000Z', undefined],
  [Tag.utcTime, '270001000000Z', undefined],
  [Tag.utcTime, '270101240000Z', undefined],
  [Tag.utcTime, '270101006000Z', undefined],
  [Tag.utcTime, '270101000060Z', undefined],
  [Tag.utcTime, '2701010000Z', undefined],
  [Tag.utcTime, '270101000000+0000', undefined],
  [Tag.utcTime, '270101000000', undefined],
  [Tag.utcTime, '20270101000000Z', undefined],
  [Tag.generalizedTime, '20500101000000.5Z', undefined],
  [Tag.generalizedTime, '20500101000000z', undefined],
];

test('[ID-1] times', () => {
  for (const [tag, text, seconds] of times)
    assert.equal(derTime(decodeDer(encodeDer(tag, utf8(text)))), seconds, text);
  assert.equal(derTime(decodeDer(hex('0500'))), undefined);
});

test('object identifiers, also with arcs of 128 bits', () => {
  const examples = [
    ['2.5.4.3', '0603550403'],
    ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
    ['2.999.3', '0603883703'],
    ['0.39', '060127'],
    ['1.0', '060128'],
    ['2.25.329800735698586629295641978511506172918', '06146983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776'],
  ] as const;
  for (const [dotted, der] of examples) {
    assert.equal(toHex(encodeOid(dotted)), der, dotted);
    assert.equal(derOid(decodeDer(hex(der))), dotted);
  }
});

test('object identifiers come back as they were written', () => {
  const arcs = fc.array(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), { maxLength: 3 });
  const roots = fc.oneof(
    fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
    fc.tuple(fc.constant(2n), fc.bigInt({ min: 0n, max: 2n ** 64n })),
  );
  fc.assert(
    fc.property(roots, arcs, (root, rest) => {
      const dotted = [...root, ...rest].join('.');
      const decoded = decodeDer(encodeOid(dotted));
      assert.equal(decoded === undefined ? dotted : derOid(decoded), dotted);
    }),
  );
});

test('bit strings and named bits', () => {
  assert.deepEqual(derBitString(decodeDer(hex('0303 00 0102'))), hex('0102'));
  assert.equal(derBitString(decodeDer(hex('0302 01 02'))), undefined);
  assert.equal(derBitString(decodeDer(hex('0500'))), undefined);
  assert.equal(derNamedBits(decodeDer(hex('0302 06 c0'))), 3);
  assert.equal(derNamedBits(decodeDer(hex('0302 01 06'))), 0x60);
  assert.equal(derNamedBits(decodeDer(hex('0303 07 0080'))), 0x100);
  assert.equal(derNamedBits(decodeDer(hex('0301 00'))), 0);
  for (const text of ['0302 05 c0', '0302 00 c0', '0303 00 c000', '0304 00 000001', '0500'])
    assert.equal(derNamedBits(decodeDer(hex(text))), undefined, text);
  assert.equal(derSequence(decodeDer(hex('3100'))), undefined);
});

function encodeAgain({ tag, content, children }: DerValue): Uint8Array {
  return encodeDer(tag, ...(children.length > 0 ? children.map(encodeAgain) : [content]));
}

/** Values whose lengths add up, so that something is accepted at all. */
const anyDer = fc.letrec<{ value: Uint8Array }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthIdentifier: 'der' },
    fc
      .tuple(fc.constantFrom(...Object.values(Tag), 0x80, 0x82, 0x09, 0x1f), fc.uint8Array({ maxLength: 12 }))
      .map(([tag, content]) => concatBytes(Uint8Array.of(tag, content.length), content)),
    fc
      .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa3), fc.array(tie('value'), { maxLength: 3 }))
      .map(([tag, parts]) => encodeDer(tag, ...parts)),
  ),
})).value;

test('[ID-1] whatever is accepted is the only encoding of its value', () => {
  fc.assert(
    fc.property(fc.oneof(anyDer, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      const value = decodeDer(bytes);
      if (value === undefined) return;
      assert.equal(toHex(encodeAgain(value)), toHex(bytes));
      derOid(value);
      derTime(value);
      derNamedBits(value);
    }),
    { numRuns: 2_000 },
  );
});
