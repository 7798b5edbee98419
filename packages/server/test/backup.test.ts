// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AccountStore } from '../src/accounts/store.ts';
import { makeBackup } from '../src/backup/make-backup.ts';
import { manifestName } from '../src/backup/manifest.ts';
import { restoreBackup, verifyBackup } from '../src/backup/restore.ts';
import { scratchDirectory } from './custody-place.ts';

/** A domain's folder with one store, and room beside it. */
function placeOf(t: TestContext): { readonly root: string; readonly source: string } {
  const root = scratchDirectory(t);
  const source = join(root, 'data');
  AccountStore.open(source).close();
  return { root, source };
}

test('a backup does not go into the folder that it is of: the next one would hold it too', async (t) => {
  const { source } = placeOf(t);
  for (const target of [join(source, 'backups', 'monday'), join(source, 'monday')])
    await assert.rejects(makeBackup({ source, target }), { code: 'already-there', message: /another place/ });
});

test('a file behind a link is backed up as the file that it leads to', async (t) => {
  const { root, source } = placeOf(t);
  const secrets = join(root, 'secrets');
  mkdirSync(secrets);
  writeFileSync(join(secrets, 'authority.key'), '-----BEGIN PRIVATE KEY-----', { mode: 0o600 });
  symlinkSync(join(secrets, 'authority.key'), join(source, 'authority.key'));
  renameSync(join(source, 'accounts.sqlite'), join(secrets, 'accounts.sqlite'));
  symlinkSync(join(secrets, 'accounts.sqlite'), join(source, 'accounts.sqlite'));
  const target = join(root, 'backup');
  const { files } = await makeBackup({ source, target });
  assert.deepEqual(files.map(({ path }) => path).toSorted(), ['accounts.sqlite', 'authority.key']);
  await restoreBackup(target, join(root, 'restored'));
  assert.equal(readFileSync(join(root, 'restored', 'authority.key'), 'utf8'), '-----BEGIN PRIVATE KEY-----');
  const bare = await makeBackup({ source, target: join(root, 'bare'), withoutKeys: true });
  assert.deepEqual(
    bare.files.map(({ path }) => path),
    ['accounts.sqlite'],
  );
});

test('a folder behind a link is not left out in silence', async (t) => {
  const { root, source } = placeOf(t);
  mkdirSync(join(root, 'elsewhere'));
  symlinkSync(join(root, 'elsewhere'), join(source, 'certificates'));
  await assert.rejects(makeBackup({ source, target: join(root, 'backup') }), {
    code: 'nothing-there',
    message: /certificates is a link to a folder/,
  });
});

test('a backup without a store is none, whatever its manifest says', async (t) => {
  const { root, source } = placeOf(t);
  const target = join(root, 'backup');
  const manifest = await makeBackup({ source, target });
  writeFileSync(join(target, manifestName), JSON.stringify({ ...manifest, files: [] }));
  await assert.rejects(verifyBackup(target), { code: 'backup-invalid' });
});
