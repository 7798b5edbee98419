// SPDX-License-Identifier: Apache-2.0
// Stores of earlier layouts, as the programs before wrote them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Event } from '@sealpost/protocol';
import { sampleNow, sampleRecipient, sampleSender } from '@sealpost/testing';
import { custodyLayout } from '../src/custody/schema.ts';
import { integrityProblems } from '../src/sqlite/integrity.ts';
import { readPragma } from '../src/sqlite/migrate.ts';
import { openAt, scratchDirectory } from './custody-place.ts';

const fixture = new URL('fixtures/custody-layout-1.sql', import.meta.url);
const child = fileURLToPath(new URL('sqlite-child.ts', import.meta.url));

function layout1(t: TestContext): string {
  const path = join(scratchDirectory(t), 'custody.sqlite');
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL');
  db.exec(readFileSync(fixture, 'utf8'));
  db.close();
  return path;
}

async function assertWhole(directory: string): Promise<void> {
  const custody = await openAt(directory);
  const states = (await custody.outcomes()).map(({ state, count }) => [state, count]);
  assert.deepEqual(
    states,
    [2, 3, 4, 5, 6, 7, 8, 9].map((state) => [state, 1]),
  );
  const [kept] = await custody.waiting(sampleRecipient, 9);
  assert.equal(Buffer.from(kept?.body ?? []).toString(), 'smoke in the kitchen');
  const submitted = await custody.submission(sampleSender, 'sensor-1', 7);
  assert.equal(submitted?.state, 5, 'a repeat still gets its first answer');
  const timeline = await custody.timeline(sampleSender, submitted.id);
  assert.deepEqual(
    timeline.map(({ events }) => events),
    [[Event.accepted], [Event.relayed, Event.delivered]],
  );
  const notices = await custody.notices(sampleSender, 9);
  assert.deepEqual(
    notices.map(({ seq }) => seq),
    [3, 10, 12],
  );
  assert.equal((await custody.reports('city.test', 9)).length, 1);
  await custody.close();
  const db = new DatabaseSync(join(directory, 'custody.sqlite'));
  assert.deepEqual(integrityProblems(db), []);
  assert.equal(readPragma(db, 'user_version'), custodyLayout.migrations.length);
  assert.equal(readPragma(db, 'application_id'), custodyLayout.applicationId);
  const made = db.prepare('SELECT DISTINCT made_at FROM submission').all();
  assert.deepEqual(
    made.map((row) => row['made_at']),
    [sampleNow],
    'when they were made is taken from their evidence',
  );
  db.close();
}

test('a store of layout 1 is brought up to date with everything in it', async (t) => {
  const path = layout1(t);
  await assertWhole(dirname(path));
  assert.ok(existsSync(join(dirname(path), 'custody.layout-1.sqlite')));
  await assertWhole(dirname(path));
});

test('killed in the middle of bringing it up to date, it is brought up to date by the next start', async (t) => {
  const path = layout1(t);
  const process_ = spawn(process.execPath, ['--conditions=sealpost-source', child, path, 'custody'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(process_.stdout, 'data');
  process_.kill('SIGKILL');
  await once(process_, 'exit');
  const before = new DatabaseSync(path, { readOnly: true });
  assert.equal(readPragma(before, 'user_version'), 1);
  before.close();
  await assertWhole(dirname(path));
});
