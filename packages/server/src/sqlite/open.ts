// SPDX-License-Identifier: Apache-2.0
// The one way in which a domain opens an SQLite file of its own.
import { closeSync, openSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { explained } from './explain.ts';
import { quickCheck } from './integrity.ts';
import type { Layout } from './layout.ts';
import { identify, migrate } from './migrate.ts';
import { isStorageFull } from './result-codes.ts';

/** Above this size a start does not read the whole file; `sealpost store check` does. */
export const checkedAtStartBytesMax = 256 * 1024 * 1024;

/** Per connection; what is not said here is SQLite's default. docs/storage.md has the measurements. */
const pragmas = [
  // Another process that is closing or backing up this file may hold a lock for a moment.
  'PRAGMA busy_timeout = 5000',
  // A commit is one append to the log and one fsync, and readers of the file do not stop it.
  'PRAGMA journal_mode = WAL',
  // fsync of the log at every commit: an acknowledgement follows.
  'PRAGMA synchronous = FULL',
  // macOS only: fsync there does not empty the drive's cache, this does. Nothing elsewhere.
  'PRAGMA fullfsync = ON',
  'PRAGMA checkpoint_fullfsync = ON',
  // The log goes back into the file every 4,096 pages instead of 1,000: fewer, longer pauses cost less in all.
  'PRAGMA wal_autocheckpoint = 4096',
  // A reader that stayed long can make the log grow; once it is gone, the log shrinks to this again.
  'PRAGMA journal_size_limit = 67108864',
  // Reads stay read(): a bad sector is an error of one statement, where a mapped page would end the process.
  'PRAGMA mmap_size = 0',
  // A damaged page is noticed when it is read, not when it is believed.
  'PRAGMA cell_size_check = ON',
  // A file that was brought from elsewhere runs nothing of its own.
  'PRAGMA trusted_schema = OFF',
  'PRAGMA temp_store = MEMORY',
];

/**
 * Made if it is not there (0600), checked, and brought to the current layout. Throws StoreError for everything that an
 * operator can put right. Blocks.
 */
export function openDatabase(path: string, layout: Layout): DatabaseSync {
  try {
    closeSync(openSync(path, 'a', 0o600));
    const db = new DatabaseSync(path);
    try {
      prepare(db, path, layout);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw explained(error, path, layout);
  }
}

function prepare(db: DatabaseSync, path: string, layout: Layout): void {
  db.exec('PRAGMA busy_timeout = 5000');
  identify(db, path, layout);
  for (const pragma of pragmas) db.exec(pragma);
  // Negative: KiB.
  db.exec(`PRAGMA cache_size = ${-layout.cacheKib}`);
  if (statSync(path).size <= checkedAtStartBytesMax) quickCheck(db, path);
  emptyLog(db);
  migrate(db, path, layout);
}

/**
 * Brings the log into the file and cuts it to nothing. If the last process ended because an fsync failed, the log may
 * hold frames that are in the kernel's memory and not on the disk, and the kernel will not say so again; what is
 * appended behind them would be lost with them. In the file they are written anew. With a reader in the way the log
 * stays as it is.
 */
function emptyLog(db: DatabaseSync): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    if (!isStorageFull(error)) throw error;
  }
}
