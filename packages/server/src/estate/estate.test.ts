// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createAuthority, saveAuthority, saveCredential } from '@sealpost/identity/node';
import type { Domain } from '@sealpost/protocol';
import { endingSoon } from './endings.ts';
import { loadEstate, openEstate } from './estate.ts';
import { openListenerTls } from './listener.ts';
import { lockDirectory } from './lock.ts';

const home = 'home.test' as Domain;
const day = 86_400;

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealpost-estate-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a certificate that ends within two weeks is named with its day', async () => {
  const authority = await createAuthority(home);
  const { certificate } = await authority.issueDomainSeal({ lifetimeSeconds: 20 * day });
  assert.deepEqual(endingSoon({ seal: certificate }, Date.now()), []);
  const later = Date.now() + 10 * day * 1000;
  assert.match(
    endingSoon({ seal: certificate }, later).join(),
    /^The certificate of seal ends on \d{4}-\d\d-\d\d$/,
  );
});

test('a start renews what ends within a month, under the same authority, and keeps what does not', async (t) => {
  const folder = await folderOf(t);
  const authority = await createAuthority(home);
  await saveAuthority(folder, authority);
  const old = await authority.issueDomainSeal({ lifetimeSeconds: 29 * day });
  const good = await authority.issueDomainLink({ lifetimeSeconds: 60 * day });
  await saveCredential(folder, 'domain-seal', old);
  await saveCredential(folder, 'domain-link', good);
  const estate = await loadEstate(folder);
  assert.notDeepEqual(estate.seal.certificate, old.certificate);
  assert.deepEqual(estate.link.certificate, good.certificate);
  assert.deepEqual(estate.authority.certificate, authority.certificate);
  assert.deepEqual((await loadEstate(folder)).seal.certificate, estate.seal.certificate);
});

test('a folder without an authority gets none by being read', async (t) => {
  const folder = await folderOf(t);
  await assert.rejects(loadEstate(folder), { code: 'ENOENT' });
  await openEstate(folder, home);
  assert.equal((await loadEstate(folder)).domain, home);
});

test('the listener certificate names the host, and is made anew when that changes', async (t) => {
  const folder = await folderOf(t);
  const first = await openListenerTls(folder, 'mail.home.test');
  assert.deepEqual(await openListenerTls(folder, 'mail.home.test'), first);
  assert.deepEqual(await openListenerTls(folder, 'localhost'), first, 'it names that too');
  assert.notDeepEqual(await openListenerTls(folder, 'other.home.test'), first);
  const byNumber = await openListenerTls(folder, '192.0.2.7');
  assert.deepEqual(await openListenerTls(folder, '192.0.2.7'), byNumber);
});

test('one at a time has a folder', async (t) => {
  const folder = await folderOf(t);
  const lock = lockDirectory(folder);
  assert.ok(lock);
  assert.equal(lockDirectory(folder), undefined);
  lock.release();
  const again = lockDirectory(folder);
  assert.ok(again);
  again.release();
});
