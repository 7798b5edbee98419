// SPDX-License-Identifier: Apache-2.0
// The chain check, one wrong statement at a time, and with every bit turned over.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ErrorCode } from '@sealpost/protocol';
import { checkChain, parseCertificate } from '../src/index.ts';
import type { Anchor, Certificate } from '../src/index.ts';
import { createAuthority, nodeCrypto } from '../src/node/index.ts';
import { encodePublicKey } from '../src/public-key.ts';
import { Oid } from '../src/oids.ts';
import {
  address,
  altName,
  authorityDraft,
  authorityKeys,
  day,
  domain,
  forge,
  host,
  issuerKeyId,
  keyId,
  leafDraft,
  mail,
  name,
  now,
  otherKeys,
  permitted,
  purposes,
  utf8Mailbox,
  validity,
  withExtensions,
} from './forge.ts';
import type { Draft } from './forge.ts';

function certificate(draft: Draft, keys = authorityKeys): Certificate {
  const parsed = parseCertificate(forge(draft, keys), nodeCrypto);
  if (!parsed.ok) throw new TypeError(parsed.refusal.cause);
  return parsed.value;
}

const authority = certificate(authorityDraft);
const anchor: Anchor = {
  domain: domain('example.org'),
  keyHashes: [authority.keyHash],
  authorities: [],
  proof: 'static',
};

interface Attempt {
  readonly leaf?: Certificate;
  readonly authority?: Certificate;
  readonly anchor?: Anchor;
  readonly now?: number;
}

async function verdict(attempt: Attempt): Promise<ErrorCode | 'accepted'> {
  const chain = { leaf: certificate(leafDraft), authority, anchor, now, ...attempt };
  const checked = await checkChain(chain, nodeCrypto);
  return checked.ok ? 'accepted' : checked.refusal.code;
}

const leafNamed = (...names: readonly Uint8Array[]): Certificate =>
  certificate(withExtensions(leafDraft, altName(...names)));

test('a leaf under its pinned authority', async () => {
  assert.equal(await verdict({}), 'accepted');
  assert.equal(await verdict({ leaf: leafNamed(utf8Mailbox('jürgen@example.org')) }), 'accepted');
});

test('[ID-14] an authority speaks for its own domain, whatever its constraints say', async () => {
  for (const names of [mail('alice@evil.example'), mail('alice@sub.example.org'), mail('alice@org')])
    assert.equal(await verdict({ leaf: leafNamed(names) }), 'certificate-wrong-domain');
  const seal = certificate(
    withExtensions(leafDraft, purposes(Oid.domainSeal), altName(host('evil.example'))),
  );
  assert.equal(await verdict({ leaf: seal }), 'certificate-wrong-domain');
  // The same key, certified for the other domain too.
  const generous = certificate(
    withExtensions(authorityDraft, permitted(mail('evil.example'), host('evil.example'))),
  );
  const alice = leafNamed(mail('alice@evil.example'));
  assert.equal(await verdict({ leaf: alice, authority: generous }), 'certificate-wrong-domain');
  assert.equal(await verdict({ authority: generous }), 'certificate-wrong-domain');
  const evil: Anchor = { ...anchor, domain: domain('evil.example'), keyHashes: [new Uint8Array(32)] };
  assert.equal(await verdict({ leaf: alice, authority: generous, anchor: evil }), 'certificate-untrusted');
});

test('[ID-15] the leaf is the work of this authority', async () => {
  const cases: readonly Draft[] = [
    { ...leafDraft, issuer: name('example.net') },
    { ...leafDraft, issuer: name('example.org', 'example.org') },
    withExtensions(leafDraft, issuerKeyId(1, 2, 4)),
    withExtensions(leafDraft, issuerKeyId(1, 2)),
  ];
  for (const draft of cases)
    assert.equal(await verdict({ leaf: certificate(draft) }), 'certificate-untrusted');
  assert.equal(await verdict({ leaf: certificate(leafDraft, otherKeys) }), 'certificate-untrusted');
});

test('[ID-15] a leaf issues nothing and an authority is no leaf', async () => {
  assert.equal(await verdict({ leaf: authority }), 'certificate-wrong-role');
  assert.equal(await verdict({ authority: certificate(leafDraft) }), 'certificate-wrong-role');
});

test('[ID-16] the anchor pins the key of the authority', async () => {
  const other: Draft = { ...authorityDraft, keyInfo: encodePublicKey(otherKeys.publicKey) };
  const impostor = certificate(other, otherKeys);
  const leaf = certificate(leafDraft, otherKeys);
  assert.equal(await verdict({ leaf, authority: impostor }), 'certificate-untrusted');
  const both = { ...anchor, keyHashes: [authority.keyHash, impostor.keyHash] };
  assert.equal(await verdict({ leaf, authority: impostor, anchor: both }), 'accepted');
  assert.equal(await verdict({ anchor: both }), 'accepted');
  assert.equal(await verdict({ leaf, anchor: both }), 'certificate-untrusted');
  assert.equal(await verdict({ anchor: { ...anchor, keyHashes: [] } }), 'certificate-untrusted');
});

test('[ID-16] what the pinned key did not sign about itself is not believed', async () => {
  const prolonged = { ...authorityDraft, validity: validity(now - day, now + 9000 * day) };
  assert.equal(await verdict({ authority: certificate(prolonged, otherKeys) }), 'certificate-untrusted');
  assert.equal(await verdict({ authority: certificate(prolonged) }), 'accepted');
  const issuedByOther = { ...authorityDraft, issuer: name('example.net') };
  assert.equal(await verdict({ authority: certificate(issuedByOther) }), 'certificate-untrusted');
  const otherIssuerKey = withExtensions(authorityDraft, issuerKeyId(4, 5, 6));
  assert.equal(await verdict({ authority: certificate(otherIssuerKey) }), 'certificate-untrusted');
  const otherKeyId = withExtensions(authorityDraft, keyId(4, 5, 6));
  assert.equal(await verdict({ authority: certificate(otherKeyId) }), 'certificate-untrusted');
});

test('[ID-17] both certificates are valid at the time, ends included', async () => {
  assert.equal(await verdict({ now: now - day }), 'accepted');
  assert.equal(await verdict({ now: now - day - 1 }), 'certificate-not-valid-now');
  assert.equal(await verdict({ now: now + 90 * day }), 'accepted');
  assert.equal(await verdict({ now: now + 90 * day + 1 }), 'certificate-not-valid-now');
  const short = certificate({ ...authorityDraft, validity: validity(now - day, now) });
  assert.equal(await verdict({ authority: short }), 'accepted');
  assert.equal(await verdict({ authority: short, now: now + 1 }), 'certificate-not-valid-now');
});

const real = await createAuthority(anchor.domain);
const issued = await real.issueAccount({ address: address('alarm7@example.org'), kind: 'device' });

async function isAccepted(leafDer: Uint8Array, authorityDer: Uint8Array): Promise<boolean> {
  const leaf = parseCertificate(leafDer, nodeCrypto);
  const issuer = parseCertificate(authorityDer, nodeCrypto);
  if (!leaf.ok || !issuer.ok) return false;
  const chain = {
    leaf: leaf.value,
    authority: issuer.value,
    anchor: real.anchor,
    now: leaf.value.notBefore,
  };
  return (await checkChain(chain, nodeCrypto)).ok;
}

function flipped(der: Uint8Array, bit: number): Uint8Array {
  const copy = new Uint8Array(der);
  copy[bit >> 3]! ^= 0x80 >> (bit & 7);
  return copy;
}

test('[ID-15] no bit of the leaf can be turned over', async () => {
  assert.ok(await isAccepted(issued.certificate, real.certificate));
  for (let bit = 0; bit < issued.certificate.length * 8; bit++)
    assert.equal(await isAccepted(flipped(issued.certificate, bit), real.certificate), false, `bit ${bit}`);
});

test('[ID-16] no bit of the authority can be turned over', async () => {
  for (let bit = 0; bit < real.certificate.length * 8; bit++)
    assert.equal(await isAccepted(issued.certificate, flipped(real.certificate, bit)), false, `bit ${bit}`);
});

/** Cuts out, repeats, overwrites and inserts, so that lengths stop fitting. */
const mutation = fc.record({
  at: fc.nat(600),
  remove: fc.nat(8),
  insert: fc.uint8Array({ maxLength: 8 }),
});

test('mutated certificates are never accepted and nothing throws', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (mutations, ofLeaf) => {
        let bytes = [...(ofLeaf ? issued.certificate : real.certificate)];
        for (const { at, remove, insert } of mutations) bytes.splice(at % bytes.length, remove, ...insert);
        bytes = bytes.slice(0, 4096);
        const mutated = Uint8Array.from(bytes);
        const original = ofLeaf ? issued.certificate : real.certificate;
        fc.pre(Buffer.compare(mutated, original) !== 0);
        const accepted = ofLeaf
          ? await isAccepted(mutated, real.certificate)
          : await isAccepted(issued.certificate, mutated);
        assert.equal(accepted, false);
      },
    ),
    { numRuns: 1_000 },
  );
});
