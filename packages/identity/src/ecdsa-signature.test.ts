// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '@sealpost/protocol';
import { encodeDer } from './der-writer.ts';
import { Tag } from './der.ts';
import { encodeEcdsaSignature, parseEcdsaSignature } from './ecdsa-signature.ts';

const integer = (...octets: readonly number[]): Uint8Array => encodeDer(Tag.integer, Uint8Array.from(octets));
const signature = (...parts: readonly Uint8Array[]): Uint8Array => encodeDer(Tag.sequence, ...parts);
const full = Array.from({ length: 32 }, () => 0x81);

function encoded(bytes: Uint8Array): Uint8Array {
  return integer(...((bytes[0] ?? 0) >= 0x80 ? [0] : []), ...bytes);
}

test('r and s of every length take 32 octets each', () => {
  const octets = fc.uint8Array({ minLength: 1, maxLength: 32 }).filter((bytes) => bytes[0] !== 0);
  fc.assert(
    fc.property(octets, octets, (r, s) => {
      const expected = toHex(r).padStart(64, '0') + toHex(s).padStart(64, '0');
      assert.equal(toHex(parseEcdsaSignature(signature(encoded(r), encoded(s))) ?? r), expected);
    }),
  );
});

test('what is not two positive numbers of at most 256 bits is no signature', () => {
  const one = integer(1);
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['r is zero', signature(integer(0), one)],
    ['s is zero', signature(one, integer(0))],
    ['negative', signature(integer(0x80), one)],
    ['257 bits', signature(integer(1, ...full), one)],
    ['superfluous zero', signature(integer(0, 1), one)],
    ['s missing', signature(one)],
    ['three numbers', signature(one, one, one)],
    ['no sequence', encodeDer(Tag.set, one, one)],
    ['octet strings', signature(encodeDer(Tag.octetString, Uint8Array.of(1)), one)],
    ['nothing', new Uint8Array(0)],
    ['something behind it', Uint8Array.of(...signature(one, one), 0)],
  ];
  for (const [name, der] of cases) assert.equal(parseEcdsaSignature(der), undefined, name);
  assert.ok(parseEcdsaSignature(signature(integer(0, ...full), one)));
});

test('encoding and parsing are each other’s way back', () => {
  const scalar = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .filter((bytes) => bytes.some((octet) => octet > 0));
  fc.assert(
    fc.property(scalar, scalar, (r, s) => {
      const signature = Uint8Array.of(...r, ...s);
      assert.deepEqual(parseEcdsaSignature(encodeEcdsaSignature(signature)), signature);
    }),
  );
});
