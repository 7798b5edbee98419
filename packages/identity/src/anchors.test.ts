// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDomain } from '@sealpost/protocol';
import type { Domain } from '@sealpost/protocol';
import { staticAnchors } from './anchors.ts';
import type { Anchor } from './anchors.ts';

function domain(text: string): Domain {
  const parsed = parseDomain(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

const anchor: Anchor = {
  domain: domain('example.org'),
  keyHashes: [new Uint8Array(32)],
  authorities: [],
  proof: 'static',
};

test('[ID-18] an anchor is for exactly its domain', async () => {
  const anchors = staticAnchors([anchor]);
  assert.deepEqual(await anchors.resolve(anchor.domain), { ok: true, value: anchor });
  for (const text of ['sub.example.org', 'org', 'example.net', 'constructor']) {
    const found = await anchors.resolve(domain(text));
    assert.equal(found.ok ? 'found' : found.refusal.code, 'anchor-unknown', text);
  }
});

function withHashes(count: number, length = 32): Anchor {
  return { ...anchor, keyHashes: Array.from({ length: count }, () => new Uint8Array(length)) };
}

test('[ID-18] an anchor has one to four key hashes', () => {
  staticAnchors([withHashes(4)]);
  assert.throws(() => staticAnchors([withHashes(0)]), RangeError);
  assert.throws(() => staticAnchors([withHashes(5)]), RangeError);
  assert.throws(() => staticAnchors([withHashes(1, 20)]), RangeError);
  assert.throws(() => staticAnchors([anchor, anchor]), RangeError);
});

test('[ID-19] what is configured is called static', async () => {
  const found = await staticAnchors([{ ...anchor, proof: 'dnssec' }]).resolve(anchor.domain);
  assert.equal(found.ok && found.value.proof, 'static');
});
