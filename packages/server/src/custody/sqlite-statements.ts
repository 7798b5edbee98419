// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync } from 'node:sqlite';

export type Statements = ReturnType<typeof prepareStatements>;

/** What the store executes; the reader has its own. */
export function prepareStatements(db: DatabaseSync) {
  const changed = 'state = ?, attempts = ?, outcome = ?, handover = ?, said = ?, serials = ?, flagged = ?';
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    checkpoint: db.prepare('PRAGMA wal_checkpoint(PASSIVE)'),
    epoch: db.prepare("SELECT value FROM meta WHERE key = 'epoch'"),
    touch: db.prepare("UPDATE meta SET value = value WHERE key = 'epoch'"),
    insertMessage: db.prepare(
      `INSERT INTO message (seq, holder, id, issuer, audience, digest, state, lane, expires, next_at, attempts,
         attempts_max, quiet, ask, outcome, said, serials, flagged, seal, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, 1, 0, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    findIssued: db.prepare('SELECT digest, state FROM message WHERE issuer = ? AND id = ?'),
    find: db.prepare(
      `SELECT seq, issuer, audience, digest, state, lane, attempts, attempts_max, outcome, handover, said, serials,
         flagged
       FROM message WHERE holder = ? AND id = ?`,
    ),
    update: db.prepare(`UPDATE message SET ${changed} WHERE seq = ? AND state = ?`),
    updateWithoutBody: db.prepare(`UPDATE message SET ${changed}, body = NULL WHERE seq = ? AND state = ?`),
    updateWithoutContent: db.prepare(
      `UPDATE message SET ${changed}, seal = NULL, body = NULL WHERE seq = ? AND state = ?`,
    ),
    insertEvidence: db.prepare('INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?)'),
    firstEvidence: db.prepare(
      'SELECT signed FROM evidence WHERE issuer = ? AND id = ? ORDER BY serial LIMIT 1',
    ),
    evidenceOf: db.prepare(
      `SELECT signed FROM evidence WHERE issuer = ? AND id = ? AND events & ? <> 0 AND contradiction = 0
       ORDER BY serial LIMIT 1`,
    ),
    findFlagged: db.prepare(
      'SELECT 1 FROM evidence WHERE issuer = ? AND id = ? AND signed = ? AND contradiction = 1',
    ),
    insertNotice: db.prepare('INSERT INTO notice VALUES (?, ?, ?, ?, ?, ?)'),
    insertReport: db.prepare('INSERT INTO report VALUES (?, ?, ?, ?, ?, ?)'),
    deleteNotice: db.prepare('DELETE FROM notice WHERE seq = ? AND mailbox = ?'),
    deleteReport: db.prepare('DELETE FROM report WHERE seq = ? AND peer = ?'),
    putSubmission: db.prepare('INSERT OR REPLACE INTO submission VALUES (?, ?, ?, ?, ?, ?)'),
  };
}
