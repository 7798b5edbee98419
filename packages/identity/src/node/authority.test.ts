// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccountKind, Algorithm, equalBytes, parseAddress, parseDomain } from '@sealpost/protocol';
import type { Address, Domain } from '@sealpost/protocol';
import { checkChain, parseCertificate } from '../index.ts';
import type { Certificate } from '../index.ts';
import { Authority, createAuthority, generateKeys, nodeCrypto } from './index.ts';

function domain(text: string): Domain {
  const parsed = parseDomain(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed.ok, text);
  return parsed.value;
}

function certificate(der: Uint8Array): Certificate {
  const parsed = parseCertificate(der, nodeCrypto);
  assert.ok(parsed.ok);
  return parsed.value;
}

const day = 86_400;
const start = 1_800_000_000;
const clock = { now: () => start };

async function check(authority: Authority, leaf: Certificate, now = start): Promise<void> {
  const issuer = certificate(authority.certificate);
  const checked = await checkChain({ leaf, authority: issuer, anchor: authority.anchor, now }, nodeCrypto);
  assert.ok(checked.ok, checked.ok ? '' : checked.refusal.cause);
}

test('[ID-5] [ID-6] [ID-12] an authority fits the profile and lasts five years', async () => {
  const authority = await createAuthority(domain('example.org'), clock);
  const parsed = certificate(authority.certificate);
  assert.equal(parsed.role, 'authority');
  assert.equal(parsed.domain, 'example.org');
  assert.equal(parsed.notBefore, start - 300);
  assert.equal(parsed.notAfter, start + 5 * 365 * day);
});

test('[ID-9] accounts of every kind, with either algorithm', async () => {
  const authority = await createAuthority(domain('example.org'), clock);
  for (const kind of Object.values(AccountKind)) {
    for (const algorithm of Object.values(Algorithm)) {
      const issued = await authority.issueAccount({ address: address('ann@example.org'), kind, algorithm });
      const leaf = certificate(issued.certificate);
      assert.deepEqual([leaf.role, leaf.kind, leaf.key.algorithm], ['account', kind, algorithm]);
      assert.equal(leaf.notBefore, start - 300);
      assert.equal(leaf.notAfter, start + 90 * day);
      assert.deepEqual(issued.chain, [issued.certificate, authority.certificate]);
      await check(authority, leaf);
    }
  }
});

test('[ID-10] addresses beyond plain letters', async () => {
  const texts = [
    'jürgen@example.org',
    'a.b_c-d=e~f@example.org',
    `${'x'.repeat(64)}@example.org`,
    '消防@example.org',
  ];
  const authority = await createAuthority(domain('example.org'), clock);
  for (const text of texts) {
    const issued = await authority.issueAccount({ address: address(text), kind: 'role' });
    const leaf = certificate(issued.certificate);
    assert.equal(leaf.address, text);
    await check(authority, leaf);
  }
});

test('the longest domain fits, with the longest address', async () => {
  const long = `${'a'.repeat(61)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}`;
  assert.equal(long.length, 253);
  const authority = await createAuthority(domain(long), clock);
  const account = address(`${'é'.repeat(32)}@${long}`);
  const issued = await authority.issueAccount({
    address: account,
    kind: 'person',
    algorithm: Algorithm.Esp256,
  });
  const leaf = certificate(issued.certificate);
  assert.equal(leaf.address, account);
  await check(authority, leaf);
  assert.ok(issued.certificate.length + authority.certificate.length <= 4096);
});

test('[ID-8] the domain’s own certificates', async () => {
  const authority = await createAuthority(domain('example.org'), clock);
  const seal = certificate((await authority.issueDomainSeal()).certificate);
  assert.deepEqual([seal.role, seal.key.algorithm], ['domain-seal', Algorithm.Esp256]);
  await check(authority, seal);
  const link = certificate((await authority.issueDomainLink({ algorithm: Algorithm.Ed25519 })).certificate);
  assert.deepEqual([link.role, link.key.algorithm], ['domain-link', Algorithm.Ed25519]);
  await check(authority, link);
});

test('[ID-13] of an application only the public key is used', async () => {
  const authority = await createAuthority(domain('example.org'), clock);
  const { publicKey } = await generateKeys(Algorithm.Ed25519);
  const issued = await authority.issueAccount({
    address: address('ann@example.org'),
    kind: 'person',
    publicKey,
  });
  assert.ok(!('privateKey' in issued));
  const leaf = certificate(issued.certificate);
  assert.ok(equalBytes(leaf.key.bytes, publicKey.bytes));
  assert.equal(leaf.address, 'ann@example.org');
});

test('[ID-13] an authority does not issue outside its domain', async () => {
  const authority = await createAuthority(domain('example.org'), clock);
  for (const text of ['ann@evil.example', 'ann@sub.example.org'])
    await assert.rejects(authority.issueAccount({ address: address(text), kind: 'person' }), RangeError);
});

test('[ID-12] a leaf never outlives its authority, and no leaf lives too long', async () => {
  const authority = await createAuthority(domain('example.org'), clock);
  const end = start + 5 * 365 * day;
  const later = new Authority(authority, { now: () => end - 10 * day });
  const leaf = certificate((await later.issueDomainSeal()).certificate);
  assert.equal(leaf.notAfter, end);
  const request = { address: address('ann@example.org'), kind: AccountKind.device };
  const long = await authority.issueAccount({ ...request, lifetimeSeconds: 397 * day });
  assert.equal(certificate(long.certificate).notAfter, start + 397 * day);
  await assert.rejects(authority.issueAccount({ ...request, lifetimeSeconds: 398 * day }), /lifetime/);
});

test('[ID-3] serial numbers are long and never the same', async () => {
  const authority = await createAuthority(domain('example.org'), clock);
  const serials = new Set<string>();
  for (let count = 0; count < 20; count++) {
    const { serial } = certificate((await authority.issueDomainSeal()).certificate);
    assert.equal(serial.length, 32);
    serials.add(serial);
  }
  assert.equal(serials.size, 20);
});

test('[ID-11] a name is not able to add attributes to the subject', async () => {
  const authority = await createAuthority(domain('example.org'), clock);
  const issued = await authority.issueAccount({ address: address('a=b~c@example.org'), kind: 'person' });
  assert.equal(certificate(issued.certificate).address, 'a=b~c@example.org');
});
