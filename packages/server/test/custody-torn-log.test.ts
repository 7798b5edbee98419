// SPDX-License-Identifier: Apache-2.0
// What a crash can leave of the log: cut short, or with bytes in it that were never written. Whatever it is, opening gives
// a beginning of what was committed, without a hole; each commit that the disk had confirmed before it is in it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { messageIdBytes, type MessageId } from '@sealpost/protocol';
import { custodyLayout } from '../src/custody/schema.ts';
import { integrityProblems } from '../src/sqlite/integrity.ts';
import { openDatabase } from '../src/sqlite/open.ts';
import { scratchDirectory } from './custody-place.ts';

const child = fileURLToPath(new URL('custody-log-child.ts', import.meta.url));
const commits = 24;
const logHeaderBytes = 32;
const frameHeaderBytes = 24;

/** Where a commit ends in the log: the frames that carry the size of the database, of the log's present generation. */
function commitEnds(log: Buffer): number[] {
  const frameBytes = frameHeaderBytes + log.readUInt32BE(8);
  const salt = log.subarray(16, 24);
  const ends: number[] = [];
  for (let at = logHeaderBytes; at + frameBytes <= log.length; at += frameBytes) {
    if (!log.subarray(at + 8, at + 16).equals(salt)) break;
    if (log.readUInt32BE(at + 4) !== 0) ends.push(at + frameBytes);
  }
  return ends;
}

test('a torn log opens to a beginning of what was committed', async (t) => {
  const root = scratchDirectory(t);
  const original = join(root, 'original');
  mkdirSync(original);
  const process_ = spawn(
    process.execPath,
    ['--conditions=sealpost-source', child, original, String(commits)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const accepted: MessageId[] = [];
  createInterface({ input: process_.stdout }).on('line', (line) => {
    accepted.push(line as MessageId);
    if (accepted.length === commits) process_.kill('SIGKILL');
  });
  await once(process_, 'exit');
  const log = readFileSync(join(original, 'custody.sqlite-wal'));
  const ends = commitEnds(log);
  assert.ok(ends.length >= commits, `${ends.length} commits in the log`);
  // From the last: each acknowledged message is one commit.
  const firstAccept = ends.length - commits;
  const places = ends.slice(firstAccept + commits - 6);
  const damage: [string, number, (whole: Buffer, at: number) => Buffer][] = [];
  for (const end of [ends[firstAccept + commits - 7] ?? 0, ...places])
    for (const offset of [-4097, -4096, -2000, -24, -1, 0, 1, 12, 25, 3000]) {
      const at = Math.min(Math.max(end + offset, logHeaderBytes), ends.at(-1) ?? 0);
      damage.push(['cut', at, (whole) => whole.subarray(0, at)]);
      damage.push([
        'zeros from',
        at,
        (whole) => Buffer.concat([whole.subarray(0, at), Buffer.alloc(whole.length - at)]),
      ]);
      damage.push([
        'a flipped bit',
        at,
        (whole) => {
          const flipped = Buffer.from(whole);
          if (at < whole.length) flipped[at] = (flipped[at] ?? 0) ^ 0x10;
          return flipped;
        },
      ]);
    }
  for (const [index, [what, at, tear]] of damage.entries()) {
    const directory = join(root, `torn-${index}`);
    mkdirSync(directory);
    copyFileSync(join(original, 'custody.sqlite'), join(directory, 'custody.sqlite'));
    writeFileSync(join(directory, 'custody.sqlite-wal'), tear(log, at));
    const wholeCommits = ends.filter((end) => end <= at).length - firstAccept;
    const db = openDatabase(join(directory, 'custody.sqlite'), custodyLayout);
    const there = accepted.map((id) => {
      const row = db
        .prepare(
          `SELECT length(body) AS bytes, (SELECT count(*) FROM evidence AS e WHERE e.id = ?1) AS evidence
           FROM (SELECT 1) LEFT JOIN message ON id = ?1`,
        )
        .get(messageIdBytes(id));
      assert.equal(
        row?.['evidence'],
        row?.['bytes'] === null ? 0 : 1,
        'a message and its evidence, or neither',
      );
      return row?.['bytes'] === 3000;
    });
    assert.deepEqual(
      there,
      accepted.map((_, n) => n < wholeCommits),
      `${what} ${at}: a beginning without a hole`,
    );
    assert.deepEqual(integrityProblems(db), [], `${what} ${at}`);
    db.close();
  }
});
