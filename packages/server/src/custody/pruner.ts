// SPDX-License-Identifier: Apache-2.0
// Runs inside the worker: forgets what is over, a few rows at a time.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { PruneStep } from './custody.ts';

/** Thirteen months at their longest: 366 days and 31. */
export const evidenceKeptSeconds = 397 * 86_400;
/** As long as the longest lifetime of a message, and a day: nothing that is repeated later is still worth sending. */
export const submissionKeptSeconds = 31 * 86_400;
/** Some milliseconds of work, so that a commit that comes meanwhile hardly waits. */
const stepRows = 64;

type Cursor = readonly [number, number];

/** One kind of row. Examines the next few and deletes those whose time is over. */
interface Stage {
  /** Rows examined and deleted; `after` is where to go on, absent at the end. */
  next(nowSeconds: number, after: Cursor): { deleted: number; after?: Cursor };
}

/** Submissions, then what is owed to nobody any more, then messages with their evidence; then from the beginning. */
export class Pruner {
  readonly #stages: readonly Stage[];
  #stage = 0;
  #after: Cursor = [0, 0];

  constructor(db: DatabaseSync) {
    this.#stages = [
      new Submissions(db),
      new Owed(db, 'notice', 'mailbox'),
      new Owed(db, 'report', 'issuer'),
      new Messages(db),
    ];
  }

  /** Inside a transaction. */
  step(nowSeconds: number): PruneStep {
    const stage = this.#stages[this.#stage];
    const { deleted, after } = stage?.next(nowSeconds, this.#after) ?? { deleted: 0 };
    this.#after = after ?? [0, 0];
    if (after === undefined) this.#stage = (this.#stage + 1) % this.#stages.length;
    return { deleted, isLast: after === undefined && this.#stage === 0 };
  }
}

class Submissions implements Stage {
  readonly #delete: StatementSync;

  constructor(db: DatabaseSync) {
    this.#delete = db.prepare(
      `DELETE FROM submission WHERE (account, client_id, packet_id) IN
         (SELECT account, client_id, packet_id FROM submission WHERE made_at <= ? ORDER BY made_at LIMIT ?)`,
    );
  }

  next(nowSeconds: number, after: Cursor): ReturnType<Stage['next']> {
    const deleted = Number(this.#delete.run(nowSeconds - submissionKeptSeconds, stepRows).changes);
    return deleted < stepRows ? { deleted } : { deleted, after };
  }
}

/** Notices that no client of the sender ever fetched, reports to peers that never came back. */
class Owed implements Stage {
  readonly #page: StatementSync;
  readonly #delete: StatementSync;

  constructor(db: DatabaseSync, table: 'notice' | 'report', issuer: 'mailbox' | 'issuer') {
    this.#page = db.prepare(
      `SELECT seq, (SELECT observed_at FROM evidence AS e
          WHERE e.issuer = o.${issuer} AND e.id = o.id AND e.serial = o.serial) AS observed_at
       FROM ${table} AS o WHERE seq > ? ORDER BY seq LIMIT ?`,
    );
    this.#delete = db.prepare(`DELETE FROM ${table} WHERE seq = ?`);
  }

  next(nowSeconds: number, [, afterSeq]: Cursor): ReturnType<Stage['next']> {
    const rows = this.#page.all(afterSeq, stepRows) as { seq: number; observed_at: number | null }[];
    const before = nowSeconds - evidenceKeptSeconds;
    const over = rows.filter(({ observed_at: at }) => at === null || at <= before);
    for (const { seq } of over) this.#delete.run(seq);
    const last = rows.length < stepRows ? undefined : rows.at(-1);
    return { deleted: over.length, ...(last === undefined ? {} : { after: [0, last.seq] }) };
  }
}

/**
 * Over, without content, and silent for as long as evidence is kept. What has content is its owner's; what was relayed
 * (5) and has no outcome is still owed one.
 */
class Messages implements Stage {
  readonly #page: StatementSync;
  readonly #newest: StatementSync;
  readonly #deleteEvidence: StatementSync;
  readonly #deleteMessage: StatementSync;

  constructor(db: DatabaseSync) {
    this.#page = db.prepare(
      `SELECT seq, expires, issuer, id FROM message
       WHERE state IN (5, 7, 8, 9) AND body IS NULL AND (state <> 5 OR outcome IS NOT NULL)
         AND (expires, seq) > (?, ?) AND expires <= ?
       ORDER BY expires, seq LIMIT ?`,
    );
    this.#newest = db.prepare('SELECT max(observed_at) AS at FROM evidence WHERE issuer = ? AND id = ?');
    this.#deleteEvidence = db.prepare('DELETE FROM evidence WHERE issuer = ? AND id = ?');
    this.#deleteMessage = db.prepare('DELETE FROM message WHERE seq = ?');
  }

  next(nowSeconds: number, [afterExpires, afterSeq]: Cursor): ReturnType<Stage['next']> {
    const before = nowSeconds - evidenceKeptSeconds;
    const rows = this.#page.all(afterExpires, afterSeq, before, stepRows) as {
      seq: number;
      expires: number;
      issuer: string;
      id: Uint8Array;
    }[];
    let deleted = 0;
    for (const { seq, issuer, id } of rows) {
      if (Number(this.#newest.get(issuer, id)?.['at'] ?? 0) > before) continue;
      this.#deleteEvidence.run(issuer, id);
      this.#deleteMessage.run(seq);
      deleted += 1;
    }
    const last = rows.length < stepRows ? undefined : rows.at(-1);
    return { deleted, ...(last === undefined ? {} : { after: [last.expires, last.seq] }) };
  }
}
