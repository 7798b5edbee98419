// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  concatBytes,
  equalBytes,
  fromBase64Url,
  fromHex,
  toBase64Url,
  toHex,
  utf8,
  utf8Text,
} from './bytes.ts';

test('hex and base64url agree with Node and come back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'));
      assert.equal(toBase64Url(bytes), Buffer.from(bytes).toString('base64url'));
      assert.deepEqual(fromHex(toHex(bytes)), bytes);
      assert.deepEqual(fromBase64Url(toBase64Url(bytes)), bytes);
    }),
  );
});

test('one text per byte string', () => {
  for (const text of ['0', 'AA', '0g', 'é0']) assert.equal(fromHex(text), undefined, text);
  for (const text of ['A', 'AA==', 'AB', 'AAB', 'A+', 'A/', 'A A', 'éA', 'AAAAA']) {
    assert.equal(fromBase64Url(text), undefined, text);
  }
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('AQgwB_-')), maxLength: 8 }), (text) => {
      const bytes = fromBase64Url(text);
      if (bytes !== undefined) assert.equal(toBase64Url(bytes), text);
    }),
  );
});

test('text that is not well-formed UTF-8 is not text', () => {
  assert.equal(utf8Text(Uint8Array.of(0xff)), undefined);
  assert.equal(utf8Text(utf8('\ufeffa')), '\ufeffa');
});

test('comparing and joining', () => {
  assert.deepEqual(
    concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)),
    Uint8Array.of(1, 2, 3),
  );
  assert.ok(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  assert.ok(!equalBytes(Uint8Array.of(1), Uint8Array.of(1, 2)));
});
