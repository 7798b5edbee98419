// SPDX-License-Identifier: Apache-2.0
// Signers, verification and JWKs against each other and against published examples.
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { Algorithm, fromBase64Url, parseAddress, parseDomain, toHex, utf8 } from '@sealpost/protocol';
import type { PublicKey, Result } from '@sealpost/protocol';
import {
  createAuthority,
  generateKeys,
  jwkPublicKey,
  jwkSign,
  nodeCrypto,
  nodeSigner,
  publicKeyOf,
} from './index.ts';

function valueOf<T>(result: Result<T>): T {
  assert.ok(result.ok);
  return result.value;
}

const domain = valueOf(parseDomain('example.org'));
const address = valueOf(parseAddress('ann@example.org'));
const message = utf8('Smoke in the kitchen');

test('what a signer signs verifies with its certificate', async () => {
  const authority = await createAuthority(domain);
  for (const algorithm of Object.values(Algorithm)) {
    const issued = await authority.issueAccount({ address, kind: 'person', algorithm });
    const signer = nodeSigner({
      certificateDer: issued.certificate,
      chain: issued.chain,
      privateKey: issued.privateKey,
    });
    assert.equal(signer.algorithm, algorithm);
    assert.equal(signer.certificate.address, address);
    const { key } = signer.certificate;
    for (const haste of ['in-turn', 'at-once'] as const) {
      const signature = await signer.sign(message, haste);
      assert.equal(signature.length, 64);
      assert.equal(signature.constructor, Uint8Array);
      const verify = (signed: Uint8Array) => nodeCrypto.verify(key, signed, signature, haste);
      assert.ok(await verify(message));
      assert.equal(await verify(utf8('No smoke')), false);
      signature[40]! ^= 1;
      assert.equal(await verify(message), false);
    }
  }
});

test('a signer needs a certificate of the profile and its own key', async () => {
  const authority = await createAuthority(domain);
  const [one, two] = await Promise.all([authority.issueDomainSeal(), authority.issueDomainSeal()]);
  const parts = { certificateDer: one.certificate, chain: one.chain };
  assert.throws(() => nodeSigner({ ...parts, privateKey: two.privateKey }), /does not belong/);
  assert.throws(
    () => nodeSigner({ ...parts, certificateDer: new Uint8Array(5), privateKey: one.privateKey }),
    /certificate-invalid/,
  );
});

test('signatures and keys of the wrong form are false, not exceptions', async () => {
  const { publicKey } = await generateKeys(Algorithm.Esp256);
  for (const length of [0, 1, 63, 65, 72])
    assert.equal(await nodeCrypto.verify(publicKey, message, new Uint8Array(length)), false);
  const offCurve: PublicKey = { algorithm: Algorithm.Esp256, bytes: new Uint8Array(65).fill(4) };
  const short: PublicKey = { algorithm: Algorithm.Ed25519, bytes: new Uint8Array(31) };
  for (const key of [offCurve, short])
    assert.equal(await nodeCrypto.verify(key, message, new Uint8Array(64)), false);
});

test('digests and random bytes are plain byte arrays', () => {
  assert.equal(
    toHex(nodeCrypto.sha256(utf8('abc'))),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  assert.equal(nodeCrypto.sha256(message).constructor, Uint8Array);
  const random = nodeCrypto.randomBytes(16);
  assert.equal(random.constructor, Uint8Array);
  assert.equal(random.length, 16);
  assert.notDeepEqual(random, nodeCrypto.randomBytes(16));
});

// RFC 8037, Appendix A.
const ed25519Jwk = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
};

test('Ed25519 as JWK, RFC 8037', async () => {
  const input = utf8('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc');
  const expected = fromBase64Url(
    'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
  );
  const signature = valueOf(jwkSign(ed25519Jwk, input));
  assert.deepEqual(signature, expected);
  const key = valueOf(jwkPublicKey(ed25519Jwk));
  assert.deepEqual(key, { algorithm: Algorithm.Ed25519, bytes: fromBase64Url(ed25519Jwk.x) });
  assert.ok(await nodeCrypto.verify(key, input, signature));
});

test('P-256 as JWK', async () => {
  const { privateKey, publicKey } = await generateKeys(Algorithm.Esp256);
  const jwk = createPrivateKey(privateKey).export({ format: 'jwk' });
  const key = valueOf(jwkPublicKey(jwk));
  assert.deepEqual(key, publicKey);
  assert.deepEqual(publicKeyOf(privateKey), publicKey);
  assert.ok(await nodeCrypto.verify(key, message, valueOf(jwkSign(jwk, message))));
});

test('other JWKs are refused', () => {
  const cases = [
    {},
    { kty: 'oct', k: 'AA' },
    { kty: 'OKP', crv: 'Ed448', x: 'AA', d: 'AA' },
    { kty: 'OKP', crv: 'Ed25519', x: 'AA', d: 'AA' },
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' }),
  ];
  for (const jwk of cases) {
    for (const result of [jwkPublicKey(jwk), jwkSign(jwk, message)])
      assert.equal(result.ok ? 'accepted' : result.refusal.code, 'unsupported-algorithm', jwk.crv);
  }
});
