// SPDX-License-Identifier: Apache-2.0
// The store as two processes use it: a command that writes, and a domain that follows.
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { Precedence, type Address, type Domain } from '@sealpost/protocol';
import { LiveAccounts } from './live.ts';
import type { Principal } from './sign-in.ts';
import { AccountStore, type NewAccount } from './store.ts';

const ann = 'ann@home.test' as Address;
const bob = 'bob@home.test' as Address;

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealpost-accounts-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function opened(t: TestContext, folder: string): AccountStore {
  const store = AccountStore.open(folder);
  t.after(() => store.close());
  return store;
}

function newAccount(address: Address, more: Partial<NewAccount> = {}): NewAccount {
  const salt = new Uint8Array(16);
  return { address, kind: 'person', ceiling: Precedence.priority, grants: [], salt, ...more };
}

test('an account is read back as it was added, by another opener too, and nobody else may read the file', async (t) => {
  const folder = await folderOf(t);
  const grants = [
    { upTo: Precedence.flash, kind: 'device' as const, from: 'home.test' as Domain },
    { upTo: Precedence.immediate },
  ];
  const writer = opened(t, folder);
  assert.ok(writer.add(newAccount(ann, { kind: 'role', grants }), { label: 'phone', record: 'argon' }));
  assert.ok(!writer.add(newAccount(ann)), 'one account an address');
  const found = opened(t, folder).find(ann);
  assert.ok(found);
  assert.deepEqual([found.kind, found.ceiling, found.grants, found.isDisabled], ['role', 0, grants, false]);
  assert.deepEqual(
    found.credentials.map(({ label, record, certificateHash }) => [label, record, certificateHash]),
    [['phone', 'argon', undefined]],
  );
  for (const name of ['accounts.sqlite', 'accounts.sqlite-wal'])
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);
});

test('a running domain follows what commands write, and an account stays one object', async (t) => {
  const folder = await folderOf(t);
  const commands = opened(t, folder);
  commands.add(newAccount(ann), { label: 'password', record: 'first' });
  const live = new LiveAccounts(AccountStore.open(folder));
  t.after(() => live.close());
  const account = live.find(ann);
  assert.ok(account);
  assert.equal(live.refresh(), false, 'nothing has changed');
  assert.equal(live.find(bob), undefined);

  const second = commands.addCredential(ann, { label: 'phone', record: 'second' });
  commands.add(newAccount(bob));
  assert.ok(second);
  assert.equal(live.refresh(), true);
  assert.deepEqual(account.passwords.map(({ record }) => record).toSorted(), ['first', 'second']);
  assert.ok(live.find(bob));

  commands.revoke(ann, second);
  commands.setDisabled(ann, true);
  commands.change(ann, { ceiling: Precedence.flash, grants: [{ upTo: Precedence.override }] });
  live.refresh();
  assert.equal(live.find(ann), account);
  assert.deepEqual(
    [account.passwords.length, account.isDisabled, account.ceiling, account.grants],
    [1, true, Precedence.flash, [{ upTo: Precedence.override }]],
  );
});

test('a change that could not be read is followed by the next look, although nothing was written since', async (t) => {
  const folder = await folderOf(t);
  const commands = opened(t, folder);
  commands.add(newAccount(ann), { label: 'password', record: 'x' });
  const store = AccountStore.open(folder);
  const live = new LiveAccounts(store);
  t.after(() => live.close());
  commands.setDisabled(ann, true);
  const read = t.mock.method(store, 'changedSince', () => {
    throw new Error('disk I/O error');
  });
  assert.throws(() => live.refresh());
  read.mock.restore();
  assert.equal(live.refresh(), true);
  assert.equal(live.find(ann)?.isDisabled, true);
});

test('a revoked certificate is known by its hash, for good', async (t) => {
  const folder = await folderOf(t);
  const commands = opened(t, folder);
  const hash = new Uint8Array(32).fill(7);
  commands.add(newAccount(ann));
  const id = commands.addCredential(ann, { label: 'key', certificateHash: hash, expires: 1 });
  assert.ok(id);
  const live = new LiveAccounts(AccountStore.open(folder));
  t.after(() => live.close());
  assert.equal(live.isRevoked(hash), false);
  assert.ok(commands.revoke(ann, id));
  const { revokedAt } = commands.find(ann)?.credentials[0] ?? {};
  assert.ok(commands.revoke(ann, id), 'again changes nothing');
  assert.equal(commands.find(ann)?.credentials[0]?.revokedAt, revokedAt);
  live.refresh();
  assert.equal(live.isRevoked(hash), true);
  assert.equal(live.isRevoked(new Uint8Array(32)), false);
  const later = new LiveAccounts(AccountStore.open(folder));
  t.after(() => later.close());
  assert.equal(later.isRevoked(hash), true);
});

test('sign-ins are noted by credential, and are no change that anybody has to follow', async (t) => {
  const folder = await folderOf(t);
  const commands = opened(t, folder);
  commands.add(newAccount(ann), { label: 'password', record: 'x' });
  const id = commands.find(ann)?.credentials[0]?.id ?? '';
  const live = new LiveAccounts(AccountStore.open(folder));
  t.after(() => live.close());
  const follower = new LiveAccounts(AccountStore.open(folder));
  t.after(() => follower.close());
  live.noteSignIn({ credentialId: id } as Principal);
  live.saveSignIns();
  assert.ok((commands.find(ann)?.credentials[0]?.lastSignInAt ?? 0) > 0);
  assert.equal(follower.refresh(), false);
});

test('what is not there is not changed', async (t) => {
  const store = opened(t, await folderOf(t));
  assert.equal(store.setDisabled(ann, true), false);
  assert.equal(store.change(ann, {}), false);
  assert.equal(store.addCredential(ann, { label: 'x', record: 'x' }), undefined);
  store.add(newAccount(ann));
  assert.equal(store.revoke(ann, '12'), false);
});

test('a store of a newer program is left alone', async (t) => {
  const folder = await folderOf(t);
  AccountStore.open(folder).close();
  const db = new DatabaseSync(join(folder, 'accounts.sqlite'));
  db.exec('PRAGMA user_version = 99');
  db.close();
  assert.throws(() => AccountStore.open(folder), { code: 'store-newer' });
});
