// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  Event,
  Precedence,
  checkCopies,
  copiesOf,
  formatAttempts,
  formatTrust,
  parseAttempts,
  parseTrust,
  readSubmission,
} from '../src/index.ts';
import { alarmAddress, anyClaims, claimsOf, codeOf, must } from './support.ts';

test('[TOPIC-6] what a stock client may say', () => {
  const read = must(
    readSubmission([
      ['precedence', 'flash'],
      ['ask', 'fetched,delivered'],
      ['attempts', 'max=1;on-expiry=discard'],
      ['subject', 'Küche'],
      ['class', 'tracked'],
      ['id', '019ab6f0-6a00-7000-8000-000000000001'],
      ['seal', 'AAE'],
      ['colour', 'red'],
    ]),
  );
  assert.deepEqual(read, {
    precedence: Precedence.flash,
    ask: [Event.delivered, Event.fetched],
    attempts: { max: 1, onExpiry: 'discard' },
    subject: 'Küche',
    class: 'tracked',
    id: '019ab6f0-6a00-7000-8000-000000000001',
    seal: Uint8Array.of(0, 1),
  });
  assert.equal(codeOf(readSubmission([['precedence', 'urgent']])), 'precedence-invalid');
  assert.equal(codeOf(readSubmission([['id', 'ABC']])), 'id-invalid');
  for (const [name, text] of [
    ['ask', 'seen'],
    ['ask', ''],
    ['class', 'urgent'],
    ['subject', 'a\nb'],
    ['seal', 'A'],
  ] as const) {
    assert.equal(codeOf(readSubmission([[name, text]])), 'property-invalid', name);
  }
  const twice = [
    ['class', 'tracked'],
    ['class', 'tracked'],
  ] as const;
  assert.equal(codeOf(readSubmission(twice)), 'property-invalid');
  assert.equal(codeOf(readSubmission(Array.from({ length: 33 }, () => ['a', 'b']))), 'too-many-properties');
  assert.equal(codeOf(readSubmission([['subject', 'a'.repeat(1025)]])), 'too-many-properties');
});

test("[TOPIC-5] server's words are reserved; from may repeat the issuer", () => {
  for (const name of ['from', 'trust', 'lane', 'evidence', 'error', 'retry-after']) {
    assert.equal(codeOf(readSubmission([[name, 'x']])), 'reserved-property');
  }
  assert.equal(codeOf(readSubmission([['from', alarmAddress]], alarmAddress)), 'ok');
});

test('[TOPIC-7] [TOPIC-8] the copies of any claims agree with them', () => {
  fc.assert(
    fc.property(anyClaims, (claims) => {
      assert.equal(codeOf(checkCopies(copiesOf(claims), claims)), 'ok');
    }),
  );
});

test('[TOPIC-7] a copy that says anything else is refused', () => {
  const claims = claimsOf({ ask: [Event.delivered], subject: 'Smoke' });
  for (const copy of [
    ['precedence', 'routine'],
    ['class', 'tracked'],
    ['ask', 'delivered,fetched'],
    ['subject', 'smoke'],
    ['attempts', 'max=1'],
    ['thread', claims.id],
    ['id', '00000000-0000-0000-0000-000000000000'],
  ] as const) {
    assert.equal(codeOf(checkCopies([copy], claims)), 'copy-disagrees', copy[0]);
  }
  assert.equal(
    codeOf(
      checkCopies(
        [
          ['class', 'ordinary'],
          ['attempts', 'on-expiry=notify'],
        ],
        claims,
      ),
    ),
    'ok',
  );
});

test('[TOPIC-9] the text of attempts', () => {
  assert.deepEqual(must(parseAttempts('not-before=1764000000;max=1000')), {
    max: 1000,
    notBefore: 1_764_000_000,
  });
  for (const text of [
    '',
    'max',
    'max=',
    'max=0',
    'max=1001',
    'max=01',
    'max=1;max=2',
    'x=1',
    'max=1;',
    'on-expiry=x',
    'max=1=2',
    'not-before=9999999999999999',
  ]) {
    assert.equal(codeOf(parseAttempts(text)), 'property-invalid', text);
  }
  const attempts = { max: 3, notBefore: 5, onExpiry: 'discard' } as const;
  assert.deepEqual(must(parseAttempts(formatAttempts(attempts))), attempts);
});

test('[TOPIC-10] the trust label', () => {
  const trust = { sealClass: 'origin', anchorProof: 'static' } as const;
  assert.equal(formatTrust(trust), 'origin; anchor=static');
  const full = { ...trust, organisation: 'verified', contact: 'known' } as const;
  assert.equal(formatTrust(full), 'origin; anchor=static; organisation=verified; contact=known');
  for (const label of [trust, full]) assert.deepEqual(must(parseTrust(formatTrust(label))), label);
  for (const text of ['', 'origin', 'gateway; anchor=static', 'origin; anchor=static; contact=K']) {
    assert.equal(codeOf(parseTrust(text)), 'property-invalid');
  }
});
