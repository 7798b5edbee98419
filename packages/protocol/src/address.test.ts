// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { domainOf, isCanonicalAddress, localPartOf, parseAddress, parseDomain } from './address.ts';
import { utf8 } from './bytes.ts';

function canonical(text: string): string | undefined {
  const parsed = parseAddress(text);
  return parsed.ok ? parsed.value : undefined;
}

test('[ADDR-1] [ADDR-3] an address is canonicalised', () => {
  assert.equal(canonical('Kitchen-Alarm@Home.TEST'), 'kitchen-alarm@home.test');
  assert.equal(canonical('MU\u0308LLER@example.org'), 'müller@example.org');
  assert.equal(canonical('a@b@c'), undefined);
});

test('[ADDR-2] [ADDR-5] the local part is a dot-string', () => {
  for (const local of ['a.b', 'a-b_c=d~e', '0', 'ж9']) assert.ok(canonical(`${local}@b.test`), local);
  for (const local of ['', '.a', 'a.', 'a..b', 'a b', 'a/b', 'a+b', 'a#b', '"a"', '\u0301a', 'a.\u0301b']) {
    assert.equal(canonical(`${local}@b.test`), undefined, local);
  }
});

test('[ADDR-4] 64 octets of UTF-8', () => {
  assert.ok(canonical(`${'é'.repeat(32)}@b.test`));
  assert.equal(canonical(`${'é'.repeat(33)}@b.test`), undefined);
});

test('[ADDR-6] nothing invisible', () => {
  for (const character of ['\ufe0f', '\u034f', '\u115f', '\u3164', '\u200d', '\u00ad']) {
    assert.equal(canonical(`a${character}@b.test`), undefined);
  }
});

test('[ADDR-7] [ADDR-8] the domain is made of A-labels', () => {
  for (const text of ['b', 'xn--mller-kva.example', '3com.test', `${'b'.repeat(63)}.test`]) {
    assert.ok(parseDomain(text).ok, text);
  }
  for (const text of ['', '.', 'b.', '-b', 'b-', 'b_c', 'müller.test', '\u212aelvin', '192.0.2.1', 'b.1']) {
    assert.ok(!parseDomain(text).ok, text);
  }
});

test('parts of an address', () => {
  const parsed = parseAddress('a.b@c.test');
  assert.ok(parsed.ok);
  assert.equal(localPartOf(parsed.value), 'a.b');
  assert.equal(domainOf(parsed.value), 'c.test');
});

const character = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...Array.from('abzAZ09._=~-ÄßΣςİıǅ')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
);
const anyLocalPart = fc.array(character, { minLength: 1, maxLength: 12 }).map((list) => list.join(''));

test('[ADDR-9] what parses is canonical, stays so, and is one clean topic level', () => {
  fc.assert(
    fc.property(anyLocalPart, fc.domain(), (local, domain) => {
      const text = canonical(`${local}@${domain}`);
      if (text === undefined) return;
      assert.equal(canonical(text), text);
      assert.ok(isCanonicalAddress(text));
      assert.equal(text.normalize('NFC'), text);
      assert.doesNotMatch(text, /[/+#\0\s]/);
      assert.ok(utf8(text.slice(0, text.indexOf('@'))).length <= 64);
    }),
    { numRuns: 2000 },
  );
});

test('[ADDR-9] a canonical address is exactly one that parses to itself', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.emailAddress(),
        anyLocalPart.map((local) => `${local}@b.test`),
      ),
      (text) => {
        assert.equal(isCanonicalAddress(text), canonical(text) === text);
      },
    ),
    { numRuns: 2000 },
  );
});
