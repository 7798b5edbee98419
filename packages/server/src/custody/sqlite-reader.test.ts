// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import test from 'node:test';
import { migrate } from '../sqlite/migrate.ts';
import { Room } from '../sqlite/room.ts';
import { custodyLayout } from './schema.ts';
import { SqliteReader, questions } from './sqlite-reader.ts';
import { SqliteStore } from './sqlite-store.ts';

class Recorder extends DatabaseSync {
  readonly prepared: string[] = [];

  override prepare(sql: string): ReturnType<DatabaseSync['prepare']> {
    this.prepared.push(sql);
    return super.prepare(sql);
  }
}

function plan(db: DatabaseSync, sql: string): string[] {
  return db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map((row) => String(row['detail']));
}

test('every statement finds its rows by an index, in the order it needs them', () => {
  const db = new Recorder(':memory:');
  migrate(db, ':memory:', custodyLayout);
  const store = new SqliteStore(db, new Room(tmpdir(), { spareBytes: 0, keptBytes: 0 }));
  assert.deepEqual(store.commit([]), []);
  const reader = new SqliteReader(db);
  const id = new Uint8Array(16);
  const after = { lane: 0, seq: 0 };
  for (const question of ['waiting', 'due', 'unconfirmed', 'notices', 'reports'] as const)
    reader[question]('desk@fire.test', 1, after);
  for (const question of ['stored', 'sent', 'timeline'] as const) reader[question]('desk@fire.test', id);
  for (const question of ['expiring', 'silent', 'held'] as const) reader[question](1, 1);
  reader.submission('desk@fire.test', 'sensor', 1);
  reader.nextDeadline();
  reader.peers();
  const readable = db.prepared.filter((sql) => /^\s*(SELECT|UPDATE message|DELETE)/.test(sql));
  assert.ok(readable.length > questions.length + 10, `only ${readable.length} statements`);
  for (const sql of readable)
    for (const step of plan(db, sql)) assert.doesNotMatch(step, /SCAN|TEMP B-TREE/, `${sql}\n${step}`);
});

test('what an operator asks is counted in an index, and of its rows only as many as were said', () => {
  const db = new Recorder(':memory:');
  migrate(db, ':memory:', custodyLayout);
  const reader = new SqliteReader(db);
  reader.queued(1);
  const counting = db.prepared.filter((sql) => sql.includes('count(*)'));
  assert.equal(counting.length, 3);
  for (const sql of counting) {
    assert.match(sql, /LIMIT \?\)/);
    assert.ok(
      plan(db, sql).some((step) => /message USING (COVERING )?INDEX message_/.test(step)),
      sql,
    );
  }
});
