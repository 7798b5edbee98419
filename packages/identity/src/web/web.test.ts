// SPDX-License-Identifier: Apache-2.0
// WebCrypto against Node's own: whatever one makes, the other takes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Algorithm, parseAddress, parseDomain, utf8 } from '@sealpost/protocol';
import type { Result } from '@sealpost/protocol';
import fc from 'fast-check';
import { createAuthority, encodePem, nodeCrypto, nodeSigner } from '../node/index.ts';
import type { Credential } from '../node/index.ts';
import { decodePem, importPrivateKey, pinnedAnchor, webCrypto, webSigner } from './index.ts';

function valueOf<T>(result: Result<T>): T {
  assert.ok(result.ok);
  return result.value;
}

const domain = valueOf(parseDomain('example.org'));
const address = valueOf(parseAddress('ann@example.org'));
const message = utf8('Smoke in the kitchen');

function pkcs8({ privateKey }: Credential): Uint8Array {
  return decodePem(privateKey, 'PRIVATE KEY')[0] ?? new Uint8Array(0);
}

test('hashes are the same, also of a part of a buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(100), (bytes, start) => {
      const part = bytes.subarray(start);
      assert.deepEqual(webCrypto.sha256(part), nodeCrypto.sha256(part));
    }),
  );
  assert.equal(webCrypto.randomBytes(16).length, 16);
});

test('what one signs the other verifies, and nothing else', async () => {
  const authority = await createAuthority(domain);
  for (const algorithm of Object.values(Algorithm)) {
    const issued = await authority.issueAccount({ address, kind: 'person', algorithm });
    const { certificate: certificateDer, chain } = issued;
    const privateKey = await importPrivateKey(pkcs8(issued));
    assert.equal(privateKey.extractable, false);
    const web = valueOf(await webSigner({ certificateDer, chain, privateKey }));
    const node = nodeSigner({ certificateDer, chain, privateKey: issued.privateKey });
    assert.deepEqual(web.certificate, node.certificate);
    const { key } = node.certificate;
    for (const signer of [web, node])
      for (const provider of [webCrypto, nodeCrypto]) {
        const signature = await signer.sign(message);
        assert.equal(signature.length, 64);
        assert.equal(await provider.verify(key, message, signature), true);
        assert.equal(await provider.verify(key, utf8('No smoke'), signature), false);
        signature[40]! ^= 1;
        assert.equal(await provider.verify(key, message, signature), false);
      }
    assert.equal(await webCrypto.verify(key, message, new Uint8Array(63)), false);
    assert.equal(
      await webCrypto.verify({ algorithm, bytes: new Uint8Array(65).fill(4) }, message, new Uint8Array(64)),
      false,
    );
  }
});

test('a signer needs a certificate of the profile and its own key, of its own kind', async () => {
  const authority = await createAuthority(domain);
  const issue = (algorithm: Algorithm): Promise<Credential> =>
    authority.issueAccount({ address, kind: 'person', algorithm });
  const mine = await issue(Algorithm.Ed25519);
  const parts = { certificateDer: mine.certificate, chain: mine.chain };
  for (const other of [await issue(Algorithm.Ed25519), await issue(Algorithm.Esp256)]) {
    const refused = await webSigner({ ...parts, privateKey: await importPrivateKey(pkcs8(other)) });
    assert.equal(refused.ok ? '' : refused.refusal.code, 'certificate-invalid');
  }
  const privateKey = await importPrivateKey(pkcs8(mine));
  assert.equal((await webSigner({ ...parts, certificateDer: Uint8Array.of(1), privateKey })).ok, false);
  await assert.rejects(importPrivateKey(Uint8Array.of(0x30, 0)));
});

test('[ID-19] an anchor pins the keys of the certificates it is given, of authorities only', async () => {
  const authority = await createAuthority(domain);
  const [der] = decodePem(`text\n${encodePem([authority.certificate])}more`, 'CERTIFICATE');
  assert.ok(der);
  const anchor = valueOf(pinnedAnchor('example.org', [der]));
  assert.deepEqual(anchor.keyHashes, authority.anchor.keyHashes);
  const { certificate } = await authority.issueDomainSeal();
  assert.equal(pinnedAnchor('example.org', [certificate]).ok, false);
  assert.equal(pinnedAnchor('not a domain', [der]).ok, false);
  assert.equal(pinnedAnchor('example.org', [Uint8Array.of(1)]).ok, false);
});
