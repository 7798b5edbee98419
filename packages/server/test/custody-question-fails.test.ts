// SPDX-License-Identifier: Apache-2.0
// A question that cannot be answered is the asker's misfortune, not the end of custody.
import assert from 'node:assert/strict';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleAcceptance } from '@sealpost/testing';
import { isStoreError } from '../src/sqlite/store-error.ts';
import { closeAll, openAt, scratchDirectory } from './custody-place.ts';

const pageBytes = 4096;

test('a question that SQLite does not take rejects, and those beside it are answered', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  const message = sampleAcceptance();
  await custody.commit(message);
  const noNumber = 'many' as unknown as number;
  const unsendable = (() => undefined) as unknown as number;
  const asked = await Promise.allSettled([
    custody.stored(message.holder, message.id),
    custody.waiting(message.holder, noNumber),
    custody.waiting(message.holder, unsendable),
    custody.waiting(message.holder, 10),
  ]);
  assert.deepEqual(
    asked.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  );
  assert.equal((await custody.stored(message.holder, message.id))?.id, message.id);
  assert.equal((await custody.commit(sampleAcceptance())).kind, 'applied');
});

test('a damaged page that a question meets is named in a sentence, and other mail goes on', async (t) => {
  const directory = scratchDirectory(t);
  const path = join(directory, 'custody.sqlite');
  const before = await openAt(directory);
  const bodies = Array.from({ length: 60 }, () => sampleAcceptance({ body: new Uint8Array(3 * pageBytes) }));
  for (const message of bodies) await before.commit(message);
  await closeAll(directory);
  const custody = await openAt(directory);
  // On the disk of a running domain, as a bad sector would be: the next to last pages hold the newest bodies.
  damage(path, statSync(path).size / pageBytes - 20, 18);
  const found = await Promise.allSettled(bodies.map(({ holder, id }) => custody.stored(holder, id)));
  const failures = found.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  assert.ok(failures.length > 0 && failures.length < bodies.length, `${failures.length} of ${bodies.length}`);
  assert.ok(failures.every((error) => isStoreError(error) && error.code === 'store-damaged'));
  assert.match((failures[0] as Error).message, /is damaged: .*sealpost restore/);
  const next = sampleAcceptance();
  assert.equal((await custody.commit(next)).kind, 'applied');
  assert.equal((await custody.stored(next.holder, next.id))?.id, next.id);
});

function damage(path: string, firstPage: number, pages: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(pages * pageBytes, 0xff), 0, pages * pageBytes, firstPage * pageBytes);
  closeSync(file);
}
