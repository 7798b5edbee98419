// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Event, Precedence, decodeCbor, decodeClaims, encodeClaims, toHex } from '../src/index.ts';
import type { Claims } from '../src/index.ts';
import { anyClaims, claimsOf, codeOf, must } from './support.ts';

function roundTrip(claims: Claims): Claims {
  return must(decodeClaims(must(decodeCbor(encodeClaims(claims))) as Map<unknown, unknown>));
}

function codeWith(key: unknown, value: unknown): string {
  const map = must(decodeCbor(encodeClaims(claimsOf()))) as Map<unknown, unknown>;
  if (value === undefined) map.delete(key);
  else map.set(key, value);
  return codeOf(decodeClaims(map));
}

test('[MSG-1] [MSG-2] [MSG-4] claims come back as they were, in one encoding', () => {
  fc.assert(
    fc.property(anyClaims, (claims) => {
      const back = roundTrip(claims);
      assert.deepEqual(back, claims);
      assert.equal(toHex(encodeClaims(back)), toHex(encodeClaims(claims)));
    }),
    { numRuns: 500 },
  );
});

test('[MSG-4] defaults are not written, and not taken', () => {
  const plain = claimsOf({ precedence: Precedence.routine, attempts: { onExpiry: 'notify' } });
  const map = must(decodeCbor(encodeClaims(plain))) as Map<unknown, unknown>;
  assert.deepEqual([...map.keys()], [1, 3, 4, 6, 7]);
  for (const [key, value] of [
    [-65537, -2],
    [-65538, 0],
    [-65539, []],
    [-65540, new Map()],
  ] as const) {
    assert.equal(codeWith(key, value), 'claims-invalid');
  }
});

test('[MSG-6] the five required claims', () => {
  for (const key of [1, 3, 4, 6, 7]) assert.equal(codeWith(key, undefined), 'claims-invalid');
});

test('[MSG-3] addresses in canonical form, one recipient', () => {
  assert.equal(codeWith(1, 'Kitchen-Alarm@home.test'), 'claims-invalid');
  assert.equal(codeWith(3, ['desk@fire.test']), 'claims-invalid');
});

test('[MSG-5] unknown claims', () => {
  assert.equal(codeWith(-70000, 'extension'), 'ok');
  assert.equal(codeWith(-65544, []), 'ok');
  assert.equal(codeWith(2, 'subject'), 'claims-invalid');
  assert.equal(codeWith('text', 1), 'claims-invalid');
});

test('[MSG-7] [MSG-8] [MSG-11] precedence, ask and class', () => {
  assert.equal(codeWith(-65537, 6), 'ok');
  assert.equal(codeWith(-65537, 5), 'claims-invalid');
  assert.equal(codeWith(-65538, 2), 'ok');
  assert.equal(codeWith(-65538, 3), 'claims-invalid');
  assert.equal(codeWith(-65538, 1.5), 'claims-invalid');
  assert.equal(codeWith(-65539, [10, 12]), 'ok');
  assert.equal(codeWith(-65539, [12, 10]), 'claims-invalid');
  assert.equal(codeWith(-65539, [19]), 'claims-invalid');
  assert.deepEqual(
    roundTrip(claimsOf({ ask: [Event.fetched, Event.delivered, Event.fetched] })).ask,
    [10, 12],
  );
});

test('[MSG-9] attempts', () => {
  assert.equal(codeWith(-65540, new Map([[1, 1000]])), 'ok');
  for (const entries of [[[1, 0]], [[1, 1001]], [[3, 2]], [[4, 1]]] as const) {
    assert.equal(codeWith(-65540, new Map(entries)), 'claims-invalid');
  }
  const { expires } = claimsOf();
  assert.equal(codeWith(-65540, new Map([[2, expires - 1]])), 'ok');
  assert.equal(codeWith(-65540, new Map([[2, expires]])), 'claims-invalid');
});

test('[MSG-10] a subject is one line of at most 256 octets', () => {
  assert.equal(codeWith(-65541, 'ü'.repeat(128)), 'ok');
  for (const subject of ['', 'ü'.repeat(129), 'a\nb', 'a\u2028b', 'a\u0000', 1]) {
    assert.equal(codeWith(-65541, subject), 'claims-invalid');
  }
});

function attested(...entries: readonly (readonly [number, unknown])[]): string {
  return codeWith(-65550, new Map(entries));
}

test('[MSG-12] an attestation is kind, method and a credential of 32 bytes', () => {
  const credential = new Uint8Array(32);
  assert.equal(attested([1, 4], [2, 1], [3, credential]), 'ok');
  assert.equal(attested([1, 0], [2, 1], [3, credential]), 'claims-invalid');
  assert.equal(attested([1, 4], [2, 4], [3, credential]), 'claims-invalid');
  assert.equal(attested([1, 4], [2, 1], [3, new Uint8Array(31)]), 'claims-invalid');
  assert.equal(attested([1, 4], [2, 1]), 'claims-invalid');
  assert.equal(attested([1, 4], [2, 1], [3, credential], [4, 0]), 'claims-invalid');
});

test('times are positive integers that JavaScript holds exactly', () => {
  for (const key of [4, 6]) {
    for (const value of [0, -1, 1.5, 2n ** 53n, '1']) assert.equal(codeWith(key, value), 'claims-invalid');
  }
});
