// SPDX-License-Identifier: Apache-2.0
// What the SQLite implementation promises beyond the contract.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import { Event, Precedence } from '@sealpost/protocol';
import { handOver, sampleAcceptance, sampleRecipient, sampleSign } from '@sealpost/testing';
import type { Store } from '@sealpost/testing';
import { custodyLayout } from '../src/custody/schema.ts';
import { StoreThread } from '../src/custody/store-thread.ts';
import { openAt, scratchDirectory } from './custody-place.ts';

async function count(custody: Store): Promise<number> {
  const counts = await custody.outcomes();
  return counts.reduce((sum, one) => sum + one.count, 0);
}

test('a directory that is opened again belongs to the last opener; the first fails at its next commit', async (t) => {
  const directory = scratchDirectory(t);
  const failures: Error[] = [];
  const first = await openAt(directory, { report: (error) => failures.push(error) });
  const before = sampleAcceptance();
  await first.commit(before);
  const second = await openAt(directory);
  const results = await Promise.allSettled([
    first.commit(sampleAcceptance()),
    first.commit(sampleAcceptance()),
    first.commit(handOver(before)),
  ]);
  assert.ok(results.every(({ status }) => status === 'rejected'));
  await assert.rejects(first.commit(sampleAcceptance()), /Another process has opened/);
  await assert.rejects(first.waiting(sampleRecipient, 1), /Another process has opened/);
  assert.equal(failures.length, 1);
  assert.equal((await second.commit(handOver(before))).kind, 'applied');
  assert.equal(await count(second), 1);
  await first.close();
});

test('a store of a newer program is left alone, with one sentence', async (t) => {
  const directory = scratchDirectory(t);
  const custody = await openAt(directory);
  await custody.close();
  const db = new DatabaseSync(join(directory, 'custody.sqlite'));
  db.exec(`PRAGMA user_version = ${custodyLayout.migrations.length + 1}`);
  db.close();
  await assert.rejects(
    openAt(directory),
    /has layout \d+, and this program knows layouts up to \d+: run the newer program/,
  );
});

test('what is no database is not opened', async (t) => {
  const directory = scratchDirectory(t);
  writeFileSync(join(directory, 'custody.sqlite'), 'smoke '.repeat(1000));
  await assert.rejects(openAt(directory), /is not a custody store of Sealpost/);
});

test('the thread’s end is reported once and rejects everything', async (t) => {
  const failures: Error[] = [];
  const thread = await StoreThread.open(
    { directory: scratchDirectory(t), room: { spareBytes: 0, keptBytes: 0 } },
    (error) => failures.push(error),
  );
  const results = await Promise.allSettled([
    thread.write(new ArrayBuffer(8)),
    thread.ask('peers'),
    thread.write(new ArrayBuffer(8)),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  );
  await assert.rejects(thread.ask('peers'));
  await thread.close();
  assert.equal(failures.length, 1);
});

test('a commit does not wait for the questions asked before it', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  await Promise.all(
    Array.from({ length: 256 }, () => custody.commit(sampleAcceptance({ body: Buffer.alloc(8000) }))),
  );
  let answered = 0;
  const questions = Array.from({ length: 200 }, async () => {
    await custody.waiting(sampleRecipient, 64);
    answered += 1;
  });
  await custody.commit(sampleAcceptance());
  assert.ok(answered < 100, `${answered} questions were answered first`);
  await Promise.all(questions);
});

test('evidence of one batch is signed together, and while the batch before it is written', async (t) => {
  let underWay = 0;
  let most = 0;
  const custody = await openAt(scratchDirectory(t), {
    async sign(statement) {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return sampleSign(statement);
    },
  });
  const results = await Promise.all(Array.from({ length: 200 }, () => custody.commit(sampleAcceptance())));
  assert.ok(results.every(({ kind }) => kind === 'applied'));
  assert.equal(most, 64);
  assert.equal((await custody.notices('nobody@fire.test', 1)).length, 0);
});

test('evidence is signed for a message that turns out a repeat, and not stored', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  const first = sampleAcceptance();
  const again = sampleAcceptance({ id: first.id, digest: first.digest, notices: [Event.delivered] });
  await custody.commit(first);
  assert.equal((await custody.commit(again)).kind, 'duplicate');
  assert.equal((await custody.timeline(first.issuer, first.id)).length, 1);
  assert.deepEqual(await custody.notices(first.issuer, 9), []);
});

test('a batch that is cut short for something urgent loses nothing and writes nothing twice', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  const told: number[] = [];
  const rounds = Array.from({ length: 40 }, async (_, round) => {
    for (let turns = 0; turns < round * 4; turns += 1) await new Promise(setImmediate);
    const routine = Array.from({ length: 20 }, () => sampleAcceptance());
    const flash = sampleAcceptance();
    const results = await Promise.all([
      ...routine.map(async (acceptance) => custody.commit(acceptance, Precedence.routine)),
      custody.commit(flash, Precedence.flash),
    ]);
    // Each step finds its message as the step before has left it.
    const after = await Promise.all([...routine, flash].map((each) => custody.commit(handOver(each))));
    told.push(...[...results, ...after].map(({ kind }) => Number(kind === 'applied')));
  });
  await Promise.all(rounds);
  assert.deepEqual([told.length, told.every((applied) => applied === 1)], [40 * 42, true]);
  assert.equal(await count(custody), 40 * 21);
  await custody.close();
});
