// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { parseDomain } from '@sealpost/protocol';
import type { Domain } from '@sealpost/protocol';
import {
  createAuthority,
  createTlsAuthority,
  decodePem,
  encodePem,
  loadAuthority,
  loadCredential,
  loadTlsAuthority,
  readCertificates,
  readPrivateKey,
  saveAuthority,
  saveCredential,
  saveTlsAuthority,
  writePrivateKey,
} from './index.ts';

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sealpost-keys-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

function exampleOrg(): Domain {
  const parsed = parseDomain('example.org');
  assert.ok(parsed.ok);
  return parsed.value;
}

test('[ID-21] a private key is its owner’s alone', async (t) => {
  const path = join(await directory(t), 'a.key');
  const before = process.umask(0);
  try {
    await writePrivateKey(path, 'secret');
  } finally {
    process.umask(before);
  }
  assert.equal(await modeOf(path), 0o600);
  assert.equal(await readPrivateKey(path), 'secret');
  await chmod(path, 0o400);
  assert.equal(await readPrivateKey(path), 'secret');
});

test('[ID-21] a key that others can read or write is refused', async (t) => {
  const path = join(await directory(t), 'a.key');
  await writePrivateKey(path, 'secret');
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610]) {
    await chmod(path, mode);
    await assert.rejects(readPrivateKey(path), /chmod 600/, mode.toString(8));
  }
});

test('[ID-21] a key is replaced as a whole, and what was readable before is not any more', async (t) => {
  const folder = await directory(t);
  const path = join(folder, 'a.key');
  await writeFile(path, 'old', { mode: 0o644 });
  await writePrivateKey(path, 'new');
  assert.equal(await modeOf(path), 0o600);
  assert.equal(await readPrivateKey(path), 'new');
  assert.deepEqual(await readdir(folder), ['a.key']);
});

test('a failed write leaves nothing behind', async (t) => {
  const folder = await directory(t);
  await assert.rejects(writePrivateKey(join(folder, 'missing', 'a.key'), 'secret'), { code: 'ENOENT' });
  await saveCredential(folder, 'a', { certificate: new Uint8Array(1), chain: [], privateKey: 'secret' });
  await assert.rejects(loadCredential(folder, 'a'), /no certificate/);
  await assert.rejects(loadCredential(folder, 'b'), { code: 'ENOENT' });
});

test('files of unreasonable size are not read', async (t) => {
  const path = join(await directory(t), 'large');
  await writeFile(path, 'x'.repeat(70_000), { mode: 0o600 });
  await assert.rejects(readPrivateKey(path), /too large/);
  await assert.rejects(readCertificates(path), /too large/);
});

test('an authority comes back from its files', async (t) => {
  const folder = await directory(t);
  await assert.rejects(loadAuthority(folder), { code: 'ENOENT' });
  const authority = await createAuthority(exampleOrg());
  await saveAuthority(folder, authority);
  assert.deepEqual((await readdir(folder)).toSorted(), ['authority.key', 'authority.pem']);
  const loaded = await loadAuthority(folder);
  assert.equal(loaded.domain, 'example.org');
  assert.deepEqual(loaded.anchor, authority.anchor);
  const seal = await loaded.issueDomainSeal();
  await saveCredential(folder, 'seal', seal);
  assert.deepEqual(await loadCredential(folder, 'seal'), seal);
});

test('an authority whose files do not belong together is refused', async (t) => {
  const folder = await directory(t);
  const [one, two] = await Promise.all([createAuthority(exampleOrg()), createAuthority(exampleOrg())]);
  await saveCredential(folder, 'authority', { ...one, chain: one.chain, privateKey: two.privateKey });
  await assert.rejects(loadAuthority(folder), /does not belong/);
  const seal = await one.issueDomainSeal();
  await saveCredential(folder, 'authority', seal);
  await assert.rejects(loadAuthority(folder), /not the certificate of an authority/);
});

test('a TLS authority comes back from its files', async (t) => {
  const folder = await directory(t);
  const authority = await createTlsAuthority();
  await saveTlsAuthority(folder, authority);
  const loaded = await loadTlsAuthority(folder);
  assert.deepEqual(loaded.certificate, authority.certificate);
  assert.equal(loaded.privateKey, authority.privateKey);
});

test('PEM and DER', () => {
  const certificates = [Uint8Array.of(1, 2, 3), new Uint8Array(100).fill(7)];
  const text = encodePem(certificates);
  assert.deepEqual(decodePem(text), certificates);
  assert.deepEqual(decodePem(`a comment\r\n${text.replaceAll('\n', '\r\n')}more`), certificates);
  assert.deepEqual(decodePem(text.replaceAll('CERTIFICATE', 'PRIVATE KEY')), []);
  for (const line of text.split('\n')) assert.ok(line.length <= 64);
});
