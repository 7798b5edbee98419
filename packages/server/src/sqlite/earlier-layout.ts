// SPDX-License-Identifier: Apache-2.0
// The copy that is made before a store is brought to a newer layout: the way back to the program before.
import { closeSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freeBytes, syncPath } from './durable-file.ts';
import { isStorageFull } from './result-codes.ts';
import { StoreError } from './store-error.ts';

/** Copies of that many layouts stay; the oldest go. */
const keptMax = 3;
/** Beside the copy, the migration itself may write every page once more. */
const roomFactor = 2;
const roomSpareBytes = 1024 * 1024;

/** `custody.sqlite` at layout 1 → `custody.layout-1.sqlite`, in the same folder. */
export function earlierLayoutPath(path: string, layout: number): string {
  return path.replace(/(\.sqlite)?$/, `.layout-${layout}.sqlite`);
}

/**
 * Durable when it returns, and whole or not there at all. The caller holds the write lock, so that nothing is committed
 * between the copy and the migration. The copy of an earlier try that was cut short is replaced: the store still had the
 * same layout then, and can only have gained since.
 */
export function keepEarlierLayout(db: DatabaseSync, path: string, layout: number): string {
  const directory = dirname(path);
  const needed = databaseBytes(db) * roomFactor + roomSpareBytes;
  if (freeBytes(directory) < needed) throw noRoom(path, needed);
  const target = earlierLayoutPath(path, layout);
  const partial = `${target}.part`;
  rmSync(partial, { force: true });
  // SQLite writes into an empty file as it is: nobody else can read it at any moment.
  closeSync(openSync(partial, 'wx', 0o600));
  // A second connection: VACUUM does not run inside the transaction that holds the lock.
  const source = new DatabaseSync(path, { readOnly: true });
  try {
    source.prepare('VACUUM INTO ?').run(partial);
  } catch (error) {
    rmSync(partial, { force: true });
    throw isStorageFull(error) ? noRoom(path, needed, error) : error;
  } finally {
    source.close();
  }
  syncPath(partial);
  renameSync(partial, target);
  forgetOldest(path);
  syncPath(directory);
  return target;
}

function databaseBytes(db: DatabaseSync): number {
  const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
  return pages * Number(db.prepare('PRAGMA page_size').get()?.['page_size']);
}

function noRoom(path: string, needed: number, cause?: unknown): StoreError {
  const mebibytes = Math.ceil(needed / 1024 / 1024);
  return new StoreError(
    'store-full',
    `${path} has to be brought to a newer layout, for which ${mebibytes} MiB must be free on its disk: make room and start again.`,
    cause,
  );
}

function forgetOldest(path: string): void {
  const [prefix = '', suffix = ''] = basename(earlierLayoutPath(path, 0)).split('0');
  const layouts = readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && name.endsWith(suffix))
    .map((name) => Number(name.slice(prefix.length, -suffix.length)))
    .filter((layout) => Number.isInteger(layout))
    .toSorted((left, right) => right - left);
  for (const layout of layouts.slice(keptMax))
    rmSync(join(dirname(path), basename(earlierLayoutPath(path, layout))), { force: true });
}
