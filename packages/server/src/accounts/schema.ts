// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync } from 'node:sqlite';

/** The layout this code reads and writes. A change appends a migration and never edits one. */
export const schemaVersion = 1;

/**
 * Times are unix seconds; ceilings and grants are the numbers of precedences. Every change to an account, its grants or
 * its credentials takes the next revision, so that a running domain reads only what has changed. Accounts and
 * credentials are never deleted: what was said about them stays readable.
 */
const tables = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE account (
    address TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    ceiling INTEGER NOT NULL,
    disabled INTEGER NOT NULL,
    salt BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX account_changed ON account (revision);

  CREATE TABLE mailbox_grant (
    address TEXT NOT NULL REFERENCES account (address),
    position INTEGER NOT NULL,
    up_to INTEGER NOT NULL,
    kind TEXT,
    sender TEXT,
    PRIMARY KEY (address, position)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE credential (
    id TEXT PRIMARY KEY,
    address TEXT NOT NULL REFERENCES account (address),
    label TEXT NOT NULL,
    record TEXT,
    certificate_hash BLOB,
    expires INTEGER,
    created_at INTEGER NOT NULL,
    last_sign_in_at INTEGER,
    revoked_at INTEGER,
    CHECK ((record IS NULL) <> (certificate_hash IS NULL))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX credential_of_account ON credential (address);

  INSERT INTO meta (key, value) VALUES ('revision', 0);
`;

/** `migrations[n]` leads from version n to n + 1. */
const migrations: readonly string[] = [tables];

/** Per connection; what is not said here is SQLite's default. */
const pragmas = [
  // Commands and the running domain write to one file; each of their transactions takes a moment.
  'PRAGMA busy_timeout = 5000',
  // The domain reads while a command writes.
  'PRAGMA journal_mode = WAL',
  // A command that says it is done has it on disk.
  'PRAGMA synchronous = FULL',
  'PRAGMA foreign_keys = ON',
];

export function prepareDatabase(db: DatabaseSync): void {
  for (const pragma of pragmas) db.exec(pragma);
  db.exec('BEGIN IMMEDIATE');
  try {
    migrate(db);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

function migrate(db: DatabaseSync): void {
  const found = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (found > schemaVersion)
    throw new Error(
      `the account store has layout ${found}, newer than layout ${schemaVersion} of this program: run the newer program`,
    );
  for (const migration of migrations.slice(found)) db.exec(migration);
  if (found < schemaVersion) db.exec(`PRAGMA user_version = ${schemaVersion}`);
}
