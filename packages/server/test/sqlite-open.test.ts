// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { smallTmpfs } from '@sealpost/testing';
import { integrityProblems } from '../src/sqlite/integrity.ts';
import { openDatabase } from '../src/sqlite/open.ts';
import { scratchDirectory } from './custody-place.ts';
import { toyLayout } from './sqlite-toy.ts';

const child = fileURLToPath(new URL('sqlite-child.ts', import.meta.url));
const notes = 500;

/** A closed store of the first layout with some pages of content. */
function oldStore(path: string, count = notes): void {
  const db = openDatabase(path, toyLayout(1));
  const insert = db.prepare('INSERT INTO note (text) VALUES (?)');
  db.exec('BEGIN');
  for (let index = 0; index < count; index++) insert.run(`note ${index} `.repeat(20));
  db.exec('COMMIT');
  db.close();
}

function numberOf(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? {})[0]);
}

test('a new store is private, marked as ours and at the current layout', (t) => {
  const path = join(scratchDirectory(t), 'note.sqlite');
  const db = openDatabase(path, toyLayout(3));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(numberOf(db, 'PRAGMA application_id'), Buffer.from('SPno').readInt32BE());
  assert.equal(numberOf(db, 'PRAGMA user_version'), 3);
  assert.equal(numberOf(db, 'PRAGMA synchronous'), 2);
  db.close();
  openDatabase(path, toyLayout(3)).close();
  assert.deepEqual(readdirSync(join(path, '..')), ['note.sqlite'], 'nothing to keep, nothing left behind');
});

test('an older store is copied, then brought up to date', (t) => {
  const directory = scratchDirectory(t);
  const path = join(directory, 'note.sqlite');
  oldStore(path);
  const db = openDatabase(path, toyLayout(3));
  assert.equal(numberOf(db, 'SELECT count(*) FROM note WHERE size = length(text) AND size > 100'), notes);
  assert.equal(numberOf(db, 'PRAGMA user_version'), 3);
  db.close();
  assert.deepEqual(readdirSync(directory), ['note.layout-1.sqlite', 'note.sqlite']);
  const kept = join(directory, 'note.layout-1.sqlite');
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  const before = openDatabase(kept, toyLayout(1));
  assert.equal(numberOf(before, 'SELECT count(*) FROM note'), notes, 'the program before can open it');
  before.close();
});

test('copies of the last three layouts are kept', (t) => {
  const directory = scratchDirectory(t);
  const path = join(directory, 'note.sqlite');
  for (const layout of [0, 1, 2, 10]) writeFileSync(join(directory, `note.layout-${layout}.sqlite`), '');
  writeFileSync(join(directory, 'other.layout-0.sqlite'), '');
  oldStore(path);
  openDatabase(path, toyLayout(2)).close();
  assert.deepEqual(readdirSync(directory), [
    'note.layout-1.sqlite',
    'note.layout-10.sqlite',
    'note.layout-2.sqlite',
    'note.sqlite',
    'other.layout-0.sqlite',
  ]);
});

test('without room for the copy nothing is migrated, and the sentence says how much is needed', (t) => {
  const disk = smallTmpfs(t, 4, async () => {});
  if (disk === undefined) return;
  const path = join(disk.directory, 'note.sqlite');
  oldStore(path, 5000);
  const before = readFileSync(path);
  assert.throws(() => openDatabase(path, toyLayout(2)), {
    code: 'store-full',
    message: /note\.sqlite has to be brought to a newer layout, for which \d+ MiB must be free/,
  });
  assert.deepEqual(readFileSync(path), before);
  disk.remount('size=32m');
  const db = openDatabase(path, toyLayout(2));
  assert.equal(numberOf(db, 'SELECT count(*) FROM note WHERE size = length(text)'), 5000);
  db.close();
});

test('a migration that fails changes nothing', (t) => {
  const path = join(scratchDirectory(t), 'note.sqlite');
  oldStore(path);
  const failing = toyLayout(2, 'DELETE FROM note; INSERT INTO nowhere VALUES (1);');
  assert.throws(() => openDatabase(path, failing), /nowhere/);
  const db = openDatabase(path, toyLayout(1));
  assert.equal(numberOf(db, 'SELECT count(*) FROM note'), notes);
  db.close();
});

test('a process that is killed in the middle of a migration leaves the store as it was', async (t) => {
  const path = join(scratchDirectory(t), 'note.sqlite');
  oldStore(path);
  const process_ = spawn(process.execPath, ['--conditions=sealpost-source', child, path, 'half'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(process_.stdout, 'data');
  process_.kill('SIGKILL');
  await once(process_, 'exit');
  assert.ok(existsSync(`${path}-wal`), 'it had begun to write');
  const before = new DatabaseSync(path, { readOnly: true });
  assert.equal(numberOf(before, 'PRAGMA user_version'), 1);
  before.close();
  const db = openDatabase(path, toyLayout(2));
  assert.equal(numberOf(db, 'SELECT count(*) FROM note WHERE size = length(text)'), notes);
  assert.deepEqual(integrityProblems(db), []);
  db.close();
});

test('two processes that migrate at the same time do it once', async (t) => {
  const path = join(scratchDirectory(t), 'note.sqlite');
  oldStore(path);
  const args = ['--conditions=sealpost-source', child, path, 'whole'];
  const children = [1, 2, 3].map(() => spawn(process.execPath, args, { stdio: 'inherit' }));
  const ends = await Promise.all(children.map((each) => once(each, 'exit')));
  assert.deepEqual(ends, [
    [0, null],
    [0, null],
    [0, null],
  ]);
  const db = openDatabase(path, toyLayout(3));
  assert.equal(numberOf(db, 'SELECT count(*) FROM note WHERE size = length(text)'), notes);
  db.close();
});

test('what a newer program wrote, another program’s database and no database are refused and left alone', (t) => {
  const directory = scratchDirectory(t);
  const newer = join(directory, 'note.sqlite');
  openDatabase(newer, toyLayout(3)).close();
  const others = join(directory, 'others.sqlite');
  const db = new DatabaseSync(others);
  db.exec('CREATE TABLE bookmark (id INTEGER PRIMARY KEY)');
  db.close();
  const smoke = join(directory, 'smoke.sqlite');
  writeFileSync(smoke, 'smoke '.repeat(1000));
  const cases: readonly [string, string, RegExp][] = [
    [newer, 'store-newer', /note\.sqlite has layout 3, .* up to 2: run the newer program/],
    [others, 'store-foreign', /others\.sqlite is not a note store of Sealpost: move it away/],
    [smoke, 'store-foreign', /smoke\.sqlite is not a note store of Sealpost: move it away/],
  ];
  for (const [path, code, message] of cases) {
    const before = readFileSync(path);
    assert.throws(() => openDatabase(path, toyLayout(2)), { name: 'StoreError', code, message });
    assert.deepEqual(readFileSync(path), before);
  }
});

test('a damaged page is found at the start, and the sentence names the way out', (t) => {
  const path = join(scratchDirectory(t), 'note.sqlite');
  oldStore(path);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, 4096 * 5);
  closeSync(file);
  assert.throws(() => openDatabase(path, toyLayout(1)), {
    code: 'store-damaged',
    message: /note\.sqlite is damaged: .*`sealpost restore`/,
  });
});
