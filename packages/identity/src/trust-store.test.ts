// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { accept, parseAddress, parseDomain, refuse } from '@sealpost/protocol';
import type { Address, Domain, Result } from '@sealpost/protocol';
import { staticAnchors } from './anchors.ts';
import type { Anchor, Anchors } from './anchors.ts';
import { createAuthority, nodeCrypto } from './node/index.ts';
import type { Authority, Credential } from './node/index.ts';
import { TrustStore } from './trust-store.ts';

function valueOf<T>(result: Result<T>): T {
  assert.ok(result.ok);
  return result.value;
}

const domain: Domain = valueOf(parseDomain('example.org'));
const address: Address = valueOf(parseAddress('ann@example.org'));
const day = 86_400;
const start = 1_800_000_000;

let authority: Authority;
let other: Authority;
let ann: Credential;
let now = start;

before(async () => {
  const options = { now: () => start };
  authority = await createAuthority(domain, options);
  other = await createAuthority(domain, options);
  ann = await authority.issueAccount({ address, kind: 'person' });
});

/** Counts, and answers when it is told to. */
class CountingAnchors implements Anchors {
  asked = 0;
  #answer: Promise<Result<Anchor>>;

  constructor(answer: Result<Anchor> | Promise<Result<Anchor>>) {
    this.#answer = Promise.resolve(answer);
  }

  resolve(): Promise<Result<Anchor>> {
    this.asked++;
    return this.#answer;
  }

  set answer(answer: Result<Anchor>) {
    this.#answer = Promise.resolve(answer);
  }
}

function storeOver(anchors: Anchors, certificatesMax?: number): TrustStore {
  now = start;
  return new TrustStore({
    anchors,
    crypto: nodeCrypto,
    now: () => now,
    ...(certificatesMax !== undefined && { certificatesMax }),
  });
}

const codeOf = (result: Result<unknown>): string => (result.ok ? 'accepted' : result.refusal.code);
const hashOf = (der: Uint8Array): Uint8Array => nodeCrypto.sha256(der);

test('[ID-20] what was admitted is known by its hash, for as long as it is valid', async () => {
  const store = storeOver(staticAnchors([authority.anchor]));
  const hash = hashOf(ann.certificate);
  assert.equal(store.known(hash), undefined);
  const admitted = valueOf(await store.admit(ann.chain, domain));
  assert.equal(admitted.certificate.address, address);
  assert.equal(admitted.anchorProof, 'static');
  assert.deepEqual(admitted.chain, ann.chain);
  assert.equal(store.known(hash), admitted);
  now = start + 90 * day;
  assert.equal(store.known(hash), admitted);
  now += 1;
  assert.equal(store.known(hash), undefined);
  assert.equal(codeOf(await store.admit(ann.chain, domain)), 'certificate-not-valid-now');
  now = start - 301;
  assert.equal(store.known(hash), undefined);
});

test('a leaf alone is completed from the anchor', async () => {
  const store = storeOver(staticAnchors([authority.anchor]));
  const admitted = valueOf(await store.admit([ann.certificate], domain));
  assert.deepEqual(admitted.chain, ann.chain);
  const bare = storeOver(staticAnchors([{ ...authority.anchor, authorities: [] }]));
  assert.equal(codeOf(await bare.admit([ann.certificate], domain)), 'certificate-untrusted');
  assert.equal(codeOf(await bare.admit(ann.chain, domain)), 'accepted');
});

test('[ID-14] a certificate is admitted for its own domain only', async () => {
  const evil = valueOf(parseDomain('evil.example'));
  const anchors = new CountingAnchors(accept(authority.anchor));
  const store = storeOver(anchors);
  assert.equal(codeOf(await store.admit(ann.chain, evil)), 'certificate-wrong-domain');
  assert.equal(anchors.asked, 0);
  assert.equal(codeOf(await store.admit(ann.chain, domain)), 'accepted');
  assert.equal(codeOf(await store.admit(ann.chain, evil)), 'certificate-wrong-domain');
});

test('an anchor for another domain admits nobody', async () => {
  const evil = await createAuthority(valueOf(parseDomain('evil.example')));
  const store = storeOver(new CountingAnchors(accept(evil.anchor)));
  assert.equal(codeOf(await store.admit(ann.chain, domain)), 'certificate-wrong-domain');
});

test('[ID-20] a wrong authority does not spoil the leaf', async () => {
  const store = storeOver(staticAnchors([{ ...authority.anchor, authorities: [] }]));
  assert.equal(
    codeOf(await store.admit([ann.certificate, other.certificate], domain)),
    'certificate-untrusted',
  );
  assert.equal(codeOf(await store.admit(ann.chain, domain)), 'accepted');
});

test('an old certificate of the same authority is passed over for the one in the anchor', async () => {
  const expired = await createAuthority(domain, { now: () => start - 6 * 365 * day });
  const store = storeOver(staticAnchors([authority.anchor]));
  const chain = [ann.certificate, expired.certificate];
  assert.deepEqual(valueOf(await store.admit(chain, domain)).chain, ann.chain);
});

test('simultaneous attempts are one', async () => {
  const { promise, resolve } = Promise.withResolvers<Result<Anchor>>();
  const anchors = new CountingAnchors(promise);
  const store = storeOver(anchors);
  const attempts = Array.from({ length: 20 }, () => store.admit(ann.chain, domain));
  resolve(accept(authority.anchor));
  const admitted = await Promise.all(attempts);
  assert.equal(new Set(admitted.map(valueOf)).size, 1);
  assert.equal(anchors.asked, 1);
});

test('a failure is remembered for half a minute', async () => {
  const anchors = new CountingAnchors(accept(other.anchor));
  const store = storeOver(anchors);
  for (let attempt = 0; attempt < 5; attempt++)
    assert.equal(codeOf(await store.admit(ann.chain, domain)), 'certificate-untrusted');
  assert.equal(anchors.asked, 1);
  anchors.answer = accept(authority.anchor);
  now += 29;
  assert.equal(codeOf(await store.admit(ann.chain, domain)), 'certificate-untrusted');
  now += 1;
  assert.equal(codeOf(await store.admit(ann.chain, domain)), 'accepted');
});

test('[ID-18] an anchor that could not be proved is asked for again', async () => {
  const anchors = new CountingAnchors(refuse('anchor-unknown'));
  const store = storeOver(anchors);
  assert.equal(codeOf(await store.admit(ann.chain, domain)), 'anchor-unknown');
  anchors.answer = accept(authority.anchor);
  assert.equal(codeOf(await store.admit(ann.chain, domain)), 'accepted');
});

test('an attempt that ended in an exception is not pending', async () => {
  const broken: Anchors = { resolve: () => Promise.reject(new Error('resolver')) };
  const store = storeOver(broken);
  await assert.rejects(store.admit(ann.chain, domain), /resolver/);
  await assert.rejects(store.admit(ann.chain, domain), /resolver/);
});

test('it is bounded, and forgets what was used longest ago', async () => {
  const store = storeOver(staticAnchors([authority.anchor]), 2);
  const [bob, eve] = await Promise.all([authority.issueDomainSeal(), authority.issueDomainLink()]);
  await store.admit(ann.chain, domain);
  await store.admit(bob.chain, domain);
  assert.ok(store.known(hashOf(ann.certificate)));
  await store.admit(eve.chain, domain);
  assert.equal(store.known(hashOf(bob.certificate)), undefined);
  assert.ok(store.known(hashOf(ann.certificate)));
  assert.ok(store.known(hashOf(eve.certificate)));
});

test('chains of the wrong length', async () => {
  const store = storeOver(staticAnchors([authority.anchor]));
  assert.equal(codeOf(await store.admit([], domain)), 'certificate-needed');
  const [leaf, issuer] = [ann.certificate, authority.certificate];
  assert.equal(codeOf(await store.admit([leaf, issuer, issuer, issuer], domain)), 'certificate-invalid');
  assert.equal(codeOf(await store.admit([new Uint8Array(10)], domain)), 'certificate-invalid');
  assert.equal(codeOf(await store.admit([issuer], domain)), 'certificate-untrusted');
});
