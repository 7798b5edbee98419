// SPDX-License-Identifier: Apache-2.0
// Loaded before every test file. End-to-end tests measure time and start many processes, so they take turns while
// the others run side by side. The turn is an exclusive lock of SQLite: it is waited for without polling of ours, and
// the system gives it back however the process ends.
import { relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const turnSecondsMax = 1800;

const end2end = fileURLToPath(new URL('../../e2e/', import.meta.url));
const turns = process.env['SEALPOST_TEST_TURNS'];
const file = relative(end2end, process.argv[1] ?? '');

/** Held until the process ends. */
export const turn =
  isMainThread && turns !== undefined && /^[^/\\]+\.test\.ts$/.test(file)
    ? new DatabaseSync(turns, { timeout: turnSecondsMax * 1000 })
    : undefined;
turn?.exec('BEGIN EXCLUSIVE');
