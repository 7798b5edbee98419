// SPDX-License-Identifier: Apache-2.0
// Runs inside the worker: answers questions between two batches. Rows go back as SQLite gives them.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { QueuePosition } from './custody.ts';

export type SqlRow = Record<string, unknown>;

const head = `holder, id, issuer, audience, digest, state, lane, seq, expires, next_at, attempts, attempts_max, quiet,
  ask, outcome, handover, said`;
const whole = `${head}, seal, body`;

/** A queue, most urgent first, in pages. The two halves of what follows a position each are one stretch of the index. */
class Queue {
  readonly #first: StatementSync;
  readonly #sameLane: StatementSync;
  readonly #lowerLanes: StatementSync;

  constructor(db: DatabaseSync, select: string) {
    const order = 'ORDER BY lane DESC, seq LIMIT ?';
    this.#first = db.prepare(`${select} ${order}`);
    this.#sameLane = db.prepare(`${select} AND lane = ? AND seq > ? ORDER BY seq LIMIT ?`);
    this.#lowerLanes = db.prepare(`${select} AND lane < ? ${order}`);
  }

  page(key: string, limit: number, after?: QueuePosition): SqlRow[] {
    if (after === undefined) return this.#first.all(key, limit);
    const rows = this.#sameLane.all(key, after.lane, after.seq, limit);
    if (rows.length < limit) rows.push(...this.#lowerLanes.all(key, after.lane, limit - rows.length));
    return rows;
  }
}

export class SqliteReader {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #queues = new Map<string, Queue>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  waiting(holder: string, limit: number, after?: QueuePosition): SqlRow[] {
    return this.#page(`SELECT ${whole} FROM message WHERE state = 6 AND holder = ?`, holder, limit, after);
  }

  due(peer: string, limit: number, after?: QueuePosition): SqlRow[] {
    const select = `SELECT ${whole} FROM message WHERE state IN (3, 4) AND holder = ?`;
    return this.#page(select, `@${peer}`, limit, after);
  }

  unconfirmed(peer: string, limit: number, after?: QueuePosition): SqlRow[] {
    const select = `SELECT ${head}, seal FROM message WHERE outcome = 18 AND seal IS NOT NULL AND holder = ?`;
    return this.#page(select, `@${peer}`, limit, after);
  }

  notices(mailbox: string, limit: number, after?: QueuePosition): SqlRow[] {
    const select = `SELECT seq, lane, n.id, event, signed
      FROM notice AS n CROSS JOIN evidence AS e ON e.issuer = n.mailbox AND e.id = n.id AND e.serial = n.serial
      WHERE mailbox = ?`;
    return this.#page(select, mailbox, limit, after);
  }

  reports(peer: string, limit: number, after?: QueuePosition): SqlRow[] {
    const select = `SELECT seq, lane, signed
      FROM report AS r CROSS JOIN evidence AS e ON e.issuer = r.issuer AND e.id = r.id AND e.serial = r.serial
      WHERE peer = ?`;
    return this.#page(select, peer, limit, after);
  }

  stored(holder: string, id: Uint8Array): SqlRow[] {
    return this.#all(`SELECT ${whole} FROM message WHERE holder = ? AND id = ?`, holder, id);
  }

  sent(issuer: string, id: Uint8Array): SqlRow[] {
    return this.#all(`SELECT ${whole} FROM message WHERE issuer = ? AND id = ?`, issuer, id);
  }

  timeline(issuer: string, id: Uint8Array): SqlRow[] {
    const select = `SELECT serial, events, observed_at, signed, contradiction FROM evidence
      WHERE issuer = ? AND id = ? ORDER BY serial`;
    return this.#all(select, issuer, id);
  }

  submission(account: string, clientId: string, packetId: number): SqlRow[] {
    const select = `SELECT s.content_hash, s.id, m.state,
        (SELECT signed FROM evidence AS e WHERE e.issuer = s.account AND e.id = s.id ORDER BY serial LIMIT 1) AS signed
      FROM submission AS s JOIN message AS m ON m.issuer = s.account AND m.id = s.id
      WHERE s.account = ? AND s.client_id = ? AND s.packet_id = ?`;
    return this.#all(select, account, clientId, packetId);
  }

  expiring(nowSeconds: number, limit: number): SqlRow[] {
    const rows = this.#all(
      `SELECT ${head} FROM message WHERE state IN (2, 3, 6) AND expires <= ? ORDER BY expires LIMIT ?`,
      nowSeconds,
      limit,
    );
    const left = limit - rows.length;
    if (left === 0) return rows;
    const ofPeers = this.#holdersInDoubt().map((holder) =>
      this.#all(
        `SELECT ${head} FROM message WHERE state = 4 AND holder = ? AND expires <= ? ORDER BY expires LIMIT ?`,
        holder,
        nowSeconds,
        left,
      ),
    );
    return rows.concat(takeTurns(ofPeers).slice(0, left));
  }

  silent(beforeSeconds: number, limit: number): SqlRow[] {
    const select = `SELECT ${head} FROM message WHERE state IN (4, 5) AND outcome IS NULL AND expires <= ?
      ORDER BY expires LIMIT ?`;
    return this.#all(select, beforeSeconds, limit);
  }

  held(nowMs: number, limit: number): SqlRow[] {
    const select = `SELECT ${head} FROM message WHERE state = 2 AND next_at <= ? ORDER BY next_at LIMIT ?`;
    return this.#all(select, nowMs, limit);
  }

  nextDeadline(): SqlRow[] {
    const [ending] = this.#all('SELECT min(expires) AS at FROM message WHERE state IN (2, 3, 6)');
    const inDoubt = this.#holdersInDoubt().map(
      (holder) =>
        this.#all('SELECT min(expires) AS at FROM message WHERE state = 4 AND holder = ?', holder)[0]?.['at'],
    );
    const times = [ending?.['at'], ...inDoubt].filter((time) => typeof time === 'number');
    const [held] = this.#all('SELECT min(next_at) AS at FROM message WHERE state = 2');
    return [{ expires: times.length === 0 ? null : Math.min(...times), held_at: held?.['at'] ?? null }];
  }

  peers(): SqlRow[] {
    const due = this.#distinct(
      'SELECT min(holder) AS name FROM message WHERE state IN (3, 4) AND holder > ?',
    );
    const owed = this.#distinct('SELECT min(peer) AS name FROM report WHERE peer > ?');
    return [...new Set([...due.map((holder) => holder.slice(1)), ...owed])].map((peer) => ({ peer }));
  }

  outcomes(): SqlRow[] {
    return this.#all(
      'SELECT state, outcome, handover, count(*) AS count FROM message GROUP BY state, outcome, handover',
    );
  }

  /** Per queue and lane; of each queue `limit` rows are looked at, in its index, and no more. */
  queued(limit: number): SqlRow[] {
    return queueStates.flatMap(({ queue, where }) =>
      this.#all(
        `SELECT lane, count(*) AS count, min(seq) AS oldest
         FROM (SELECT lane, seq FROM message WHERE ${where} LIMIT ?) GROUP BY lane`,
        limit,
      ).map(({ oldest, ...row }) => ({ queue, ...row, since: this.#acceptedAt(oldest as number) })),
    );
  }

  #acceptedAt(seq: number): unknown {
    return this.#all(
      `SELECT observed_at FROM message AS m JOIN evidence AS e
         ON e.issuer = m.issuer AND e.id = m.id AND e.serial = 1
       WHERE m.seq = ?`,
      seq,
    )[0]?.['observed_at'];
  }

  owed(limit: number): SqlRow[] {
    return this.#all(
      `SELECT (SELECT count(*) FROM (SELECT 1 FROM notice LIMIT ?1)) AS notices,
         (SELECT count(*) FROM (SELECT 1 FROM report LIMIT ?1)) AS reports`,
      limit,
    );
  }

  #holdersInDoubt(): string[] {
    return this.#distinct('SELECT min(holder) AS name FROM message WHERE state = 4 AND holder > ?');
  }

  /** One step in the index per name, however many rows each has. */
  #distinct(next: string): string[] {
    const names: string[] = [];
    for (let name: unknown = ''; ;) {
      name = this.#all(next, name as string)[0]?.['name'];
      if (typeof name !== 'string') return names;
      names.push(name);
    }
  }

  #all(sql: string, ...values: SQLInputValue[]): SqlRow[] {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement.all(...values);
  }

  #page(select: string, key: string, limit: number, after: QueuePosition | undefined): SqlRow[] {
    let queue = this.#queues.get(select);
    if (queue === undefined) {
      queue = new Queue(this.#db, select);
      this.#queues.set(select, queue);
    }
    return queue.page(key, limit, after);
  }
}

function takeTurns(lists: readonly (readonly SqlRow[])[]): SqlRow[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const rows: SqlRow[] = [];
  for (let turn = 0; turn < longest; turn++)
    for (const list of lists) {
      const row = list[turn];
      if (row !== undefined) rows.push(row);
    }
  return rows;
}

/** Who waits where, as the indexes have it. */
const queueStates = [
  { queue: 'mailbox', where: 'state = 6' },
  { queue: 'peer', where: 'state IN (3, 4)' },
  { queue: 'held', where: 'state = 2' },
] as const;

/** What may be asked from the other thread. */
export const questions = [
  'waiting',
  'due',
  'unconfirmed',
  'notices',
  'reports',
  'stored',
  'sent',
  'timeline',
  'submission',
  'expiring',
  'silent',
  'held',
  'nextDeadline',
  'peers',
  'outcomes',
  'queued',
  'owed',
] as const satisfies readonly (keyof SqliteReader)[];

export type Question = (typeof questions)[number];
