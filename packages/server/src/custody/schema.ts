// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync } from 'node:sqlite';

/** The layout this code reads and writes. A change appends a migration and never edits one. */
export const schemaVersion = 1;

/**
 * Times are unix seconds, next_at milliseconds. Sets of events are bits, 1 << event. Each index carries only rows that
 * its one reader can be interested in, so that what is over costs nothing but its row; the conditions are repeated word
 * for word in the queries, else SQLite does not use them. Outcome 18 is unconfirmed. Every key of the hot path begins with holder, issuer, mailbox
 * or peer.
 */
const tables = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE message (
    seq INTEGER PRIMARY KEY,
    holder TEXT NOT NULL,
    id BLOB NOT NULL,
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    digest BLOB NOT NULL,
    state INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    attempts_max INTEGER,
    quiet INTEGER NOT NULL,
    ask INTEGER NOT NULL,
    outcome INTEGER,
    handover INTEGER,
    said INTEGER NOT NULL,
    serials INTEGER NOT NULL,
    flagged INTEGER NOT NULL,
    seal BLOB,
    body BLOB,
    UNIQUE (holder, id),
    UNIQUE (issuer, id)
  ) STRICT;
  CREATE INDEX message_waiting ON message (holder, lane DESC, seq) WHERE state = 6;
  CREATE INDEX message_due ON message (holder, lane DESC, seq) WHERE state IN (3, 4);
  CREATE INDEX message_expiring ON message (expires) WHERE state IN (2, 3, 6);
  CREATE INDEX message_in_doubt ON message (holder, expires) WHERE state = 4;
  CREATE INDEX message_silent ON message (expires) WHERE state IN (4, 5) AND outcome IS NULL;
  CREATE INDEX message_held ON message (next_at) WHERE state = 2;
  CREATE INDEX message_unconfirmed ON message (holder, lane DESC, seq) WHERE outcome = 18 AND seal IS NOT NULL;

  CREATE TABLE evidence (
    issuer TEXT NOT NULL,
    id BLOB NOT NULL,
    serial INTEGER NOT NULL,
    events INTEGER NOT NULL,
    observed_at INTEGER NOT NULL,
    signed BLOB NOT NULL,
    contradiction INTEGER NOT NULL,
    PRIMARY KEY (issuer, id, serial)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE notice (
    seq INTEGER PRIMARY KEY,
    mailbox TEXT NOT NULL,
    lane INTEGER NOT NULL,
    id BLOB NOT NULL,
    event INTEGER NOT NULL,
    serial INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX notice_owed ON notice (mailbox, lane DESC, seq);

  CREATE TABLE report (
    seq INTEGER PRIMARY KEY,
    peer TEXT NOT NULL,
    lane INTEGER NOT NULL,
    issuer TEXT NOT NULL,
    id BLOB NOT NULL,
    serial INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX report_owed ON report (peer, lane DESC, seq);

  CREATE TABLE submission (
    account TEXT NOT NULL,
    client_id TEXT NOT NULL,
    packet_id INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (account, client_id, packet_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE reserve (
    id INTEGER PRIMARY KEY,
    room BLOB NOT NULL
  ) STRICT;

  INSERT INTO meta (key, value) VALUES ('epoch', 0), ('seq', 1);
`;

/** `migrations[n]` leads from version n to n + 1. */
const migrations: readonly string[] = [tables];

/** Per connection; what is not said here is SQLite's default. */
const pragmas = [
  // Another process that is closing this directory may hold the lock for a moment.
  'PRAGMA busy_timeout = 5000',
  // A commit is one append to the log and one fsync, and readers of the file do not stop it.
  'PRAGMA journal_mode = WAL',
  // fsync of the log at every commit: an acknowledgement follows.
  'PRAGMA synchronous = FULL',
  // The log goes back into the file every 4,096 pages instead of 1,000: fewer, longer pauses cost less in all.
  'PRAGMA wal_autocheckpoint = 4096',
  // Negative: KiB.
  'PRAGMA cache_size = -32768',
  'PRAGMA temp_store = MEMORY',
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
      `the custody store has layout ${found}, newer than layout ${schemaVersion} of this program: run the newer program`,
    );
  for (const migration of migrations.slice(found)) db.exec(migration);
  if (found < schemaVersion) db.exec(`PRAGMA user_version = ${schemaVersion}`);
}
