// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  Algorithm,
  CertificateRole,
  ObjectType,
  Tagged,
  checkSeal,
  checkSigner,
  concatBytes,
  contentTypeDefault,
  decodeCbor,
  decodeCborMap,
  decodeSeal,
  encodeCbor,
  encodeSign1,
  isContentType,
  makeSeal,
  messageDigest,
  senderKind,
  sigStructure,
  toHex,
  utf8,
  verifySeal,
  withChain,
} from '../src/index.ts';
import type { Claims, Seal, Signer } from '../src/index.ts';
import {
  accountSigner,
  address,
  alarmAddress,
  anyClaims,
  claimsOf,
  codeOf,
  crypto,
  domainSigner,
  home,
  must,
  now,
  signerFor,
} from './support.ts';

const body = utf8('Smoke in the kitchen');
const alarm = accountSigner(alarmAddress, 'device');
const homeSigner = domainSigner(home, Algorithm.Esp256);
const attestation = { kind: 'device', method: 'password', credential: new Uint8Array(32).fill(1) } as const;

async function sealed(claims: Claims = claimsOf(), signer: Signer = alarm): Promise<Seal> {
  return makeSeal({ claims, contentType: contentTypeDefault, body, signer, crypto });
}

/** The seal with other protected headers or payload, signed as if they were right. */
async function forged(changes: ReadonlyMap<number, unknown>, payload?: Uint8Array): Promise<Uint8Array> {
  const good = await sealed();
  const tagged = must(decodeCbor(good.bytes)) as Tagged;
  const [protectedBytes] = tagged.value as [Uint8Array];
  const header = new Map(must(decodeCborMap(protectedBytes)).map);
  for (const [label, value] of changes) {
    if (value === undefined) header.delete(label);
    else header.set(label, value);
  }
  const encoded = encodeCbor(header);
  const content = payload ?? good.bodyHash;
  return encodeSign1(encoded, content, await alarm.sign(sigStructure(encoded, new Uint8Array(0), content)));
}

async function codeWith(label: number, value: unknown): Promise<string> {
  return codeOf(decodeSeal(await forged(new Map([[label, value]])), crypto));
}

test('[SEAL-2] a seal decodes to what was sealed', async () => {
  await fc.assert(
    fc.asyncProperty(anyClaims, fc.uint8Array(), async (claims, content) => {
      const made = await makeSeal({
        claims,
        contentType: 'text/plain',
        body: content,
        signer: alarm,
        crypto,
      });
      const opened = must(decodeSeal(made.bytes, crypto));
      const { chain: _, ...rest } = made;
      assert.deepEqual({ ...opened, chain: undefined }, { ...rest, chain: undefined });
    }),
    { numRuns: 100 },
  );
});

test('[SEAL-2] [SEAL-12] no changed byte of a seal verifies', async () => {
  const seal = await sealed();
  await fc.assert(
    fc.asyncProperty(fc.nat(seal.bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (index, flip) => {
      const bytes = Uint8Array.from(seal.bytes);
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      const opened = decodeSeal(bytes, crypto);
      if (opened.ok) assert.ok(!(await verifySeal(opened.value, alarm.certificate, crypto)).ok);
    }),
    { numRuns: 400 },
  );
});

test('[SEAL-2] arbitrary bytes are refused, never thrown at', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !decodeSeal(bytes, crypto).ok));
  assert.equal(codeOf(decodeSeal(new Uint8Array(8193), crypto)), 'seal-invalid');
});

test('[SEAL-3] [SEAL-4] [SEAL-5] [SEAL-13] the protected headers, each of them and no other', async () => {
  assert.equal(await codeWith(16, 65001), 'ok');
  assert.equal(await codeWith(16, ObjectType.evidence), 'seal-invalid');
  assert.equal(await codeWith(16, undefined), 'seal-invalid');
  assert.equal(await codeWith(1, -8), 'unsupported-algorithm');
  assert.equal(await codeWith(4, utf8('kid')), 'seal-invalid');
  assert.equal(await codeWith(2, [1]), 'seal-invalid');
  assert.equal(await codeWith(34, [-16, new Uint8Array(31)]), 'seal-invalid');
  assert.equal(await codeWith(34, [-15, new Uint8Array(32)]), 'seal-invalid');
  assert.equal(await codeWith(258, -44), 'seal-invalid');
  assert.equal(codeOf(decodeSeal(await forged(new Map(), body), crypto)), 'seal-invalid');
  assert.equal(await codeWith(259, 0), 'content-type-invalid');
  assert.equal(await codeWith(15, [1]), 'claims-invalid');
});

test('[SEAL-13] content types', () => {
  for (const text of [
    'text/plain',
    contentTypeDefault,
    'application/cap+xml',
    'text/plain; charset=utf-8; a=b',
  ]) {
    assert.ok(isContentType(text), text);
  }
  for (const text of [
    '',
    'text',
    'text/',
    'text/plain;',
    'text/plain; a',
    `a/${'b'.repeat(127)}`,
    'a/b\n',
    'é/a',
  ]) {
    assert.ok(!isContentType(text), text);
  }
});

test('[SEAL-6] [MSG-13] the window of a seal, and its body', async () => {
  const seal = await sealed();
  const check = (at: number, content?: Uint8Array) =>
    codeOf(checkSeal({ seal, now: at, crypto, ...(content !== undefined && { body: content }) }));
  assert.equal(check(now), 'ok');
  assert.equal(check(now, body), 'ok');
  assert.equal(check(now - 300), 'ok');
  assert.equal(check(now - 301), 'issued-in-future');
  assert.equal(check(now + 119), 'ok');
  assert.equal(check(now + 120), 'expired');
  assert.equal(check(now, utf8('smoke in the kitchen')), 'body-mismatch');
  assert.equal(check(now, new Uint8Array(65_537)), 'body-too-large');
  const long = await sealed(claimsOf({ expires: now + 30 * 86_400 + 1 }));
  assert.equal(codeOf(checkSeal({ seal: long, now, crypto })), 'lifetime-invalid');
  const none = await sealed(claimsOf({ expires: now }));
  assert.equal(codeOf(checkSeal({ seal: none, now, crypto })), 'lifetime-invalid');
});

test('[SEAL-7] origin: the account of the certificate is the issuer', async () => {
  const seal = await sealed();
  assert.deepEqual(await verifySeal(seal, alarm.certificate, crypto), { ok: true, value: 'origin' });
  assert.equal(senderKind(seal, alarm.certificate), 'device');
  const other = await sealed(claimsOf({ issuer: address('ann@home.test') }));
  assert.equal(codeOf(checkSigner(other, alarm.certificate)), 'issuer-mismatch');
  const attested = await sealed(claimsOf({ attestation }));
  assert.equal(codeOf(checkSigner(attested, alarm.certificate)), 'claims-invalid');
});

test('[SEAL-8] domain: the domain of the certificate is that of the issuer, and attests', async () => {
  const seal = await sealed(claimsOf({ attestation }), homeSigner);
  assert.deepEqual(await verifySeal(seal, homeSigner.certificate, crypto), { ok: true, value: 'domain' });
  assert.equal(senderKind(seal, homeSigner.certificate), 'device');
  const bare = await sealed(claimsOf(), homeSigner);
  assert.equal(codeOf(checkSigner(bare, homeSigner.certificate)), 'claims-invalid');
  const foreign = await sealed(claimsOf({ issuer: address('ann@other.test'), attestation }), homeSigner);
  assert.equal(codeOf(checkSigner(foreign, homeSigner.certificate)), 'issuer-mismatch');
  for (const role of [CertificateRole.domainLink, CertificateRole.authority]) {
    const signer = signerFor({ domain: home, role });
    const wrong = await sealed(claimsOf({ attestation }), signer);
    assert.equal(codeOf(checkSigner(wrong, signer.certificate)), 'certificate-wrong-role');
  }
});

test('[SEAL-9] the digest covers type, claims and body, and not the signature', async () => {
  const seal = await sealed();
  const expected = crypto.sha256(
    concatBytes(Uint8Array.of(0x19, 0xfd, 0xe9), seal.claimsBytes, seal.bodyHash),
  );
  assert.equal(toHex(seal.digest), toHex(expected));
  const again = await sealed(claimsOf(), accountSigner(alarmAddress, 'device', Algorithm.Esp256));
  assert.notEqual(toHex(again.signature), toHex(seal.signature));
  assert.equal(toHex(again.digest), toHex(seal.digest));
  const asEvidence = messageDigest(crypto, ObjectType.evidence, seal.claimsBytes, seal.bodyHash);
  assert.notEqual(toHex(asEvidence), toHex(seal.digest));
});

function certificate(length: number): Uint8Array {
  return crypto.randomBytes(length);
}

test('[SEAL-10] a chain comes and goes without touching what was signed', async () => {
  const seal = await sealed();
  for (const chain of [
    [certificate(1)],
    [certificate(23), certificate(24)],
    [certificate(255), certificate(256), certificate(3000)],
  ]) {
    const carried = withChain(seal.bytes, chain);
    const opened = must(decodeSeal(carried, crypto));
    assert.deepEqual(opened.chain.map(toHex), chain.map(toHex));
    assert.equal(toHex(opened.bytes), toHex(seal.bytes));
    assert.equal(toHex(opened.digest), toHex(seal.digest));
    assert.equal(toHex(withChain(carried, [])), toHex(seal.bytes));
    assert.equal(toHex(withChain(carried, chain)), toHex(carried));
    assert.ok((await verifySeal(opened, alarm.certificate, crypto)).ok);
  }
  const four = withChain(
    seal.bytes,
    Array.from({ length: 4 }, () => certificate(8)),
  );
  assert.equal(codeOf(decodeSeal(four, crypto)), 'cose-invalid');
  assert.equal(codeOf(decodeSeal(withChain(seal.bytes, [certificate(4097)]), crypto)), 'cose-invalid');
});

test('[SEAL-11] the certificate is the one that is named, fits the algorithm, and was valid at the time', async () => {
  const seal = await sealed();
  const check = (changes: object) => codeOf(checkSigner(seal, { ...alarm.certificate, ...changes }));
  assert.equal(check({}), 'ok');
  assert.equal(check({ hash: new Uint8Array(32) }), 'certificate-untrusted');
  assert.equal(check({ key: homeSigner.certificate.key }), 'signature-invalid');
  assert.equal(check({ notBefore: now, notAfter: now }), 'ok');
  assert.equal(check({ notBefore: now + 1 }), 'certificate-not-valid-now');
  assert.equal(check({ notAfter: now - 1 }), 'certificate-not-valid-now');
  assert.equal(check({ kind: undefined }), 'certificate-invalid');
});

test('[SEAL-12] a signature by another key', async () => {
  const impostor = accountSigner(alarmAddress, 'device');
  const seal = await sealed(claimsOf(), { ...impostor, certificate: alarm.certificate });
  assert.equal(codeOf(await verifySeal(seal, alarm.certificate, crypto)), 'signature-invalid');
});
