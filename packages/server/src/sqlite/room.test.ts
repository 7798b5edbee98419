// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Room } from './room.ts';

const limits = { spareBytes: 0, keptBytes: 64 * 1024 };

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-room-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('a file that a process did not finish is no room kept, and is made whole', (t) => {
  const directory = scratch(t);
  writeFileSync(join(directory, 'room'), 'cut short');
  const room = new Room(directory, limits);
  assert.equal(room.mayBegin(), true);
  assert.equal(statSync(join(directory, 'room')).size, limits.keptBytes);
});

test('it is given up once, whole or not, and what is given up is not kept', (t) => {
  const directory = scratch(t);
  writeFileSync(join(directory, 'room'), 'cut short');
  const room = new Room(directory, limits);
  assert.equal(room.giveUp(), true);
  assert.equal(room.giveUp(), false);
  assert.equal(room.mayBegin(), true);
  assert.equal(room.giveUp(), true);
});
