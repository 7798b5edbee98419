// SPDX-License-Identifier: Apache-2.0
// Entry of the thread that owns the database. Protocol: thread-messages.ts.
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { explained } from '../sqlite/explain.ts';
import { openDatabase } from '../sqlite/open.ts';
import { Room } from '../sqlite/room.ts';
import { isStoreError } from '../sqlite/store-error.ts';
import { custodyLayout } from './schema.ts';
import { SqliteReader } from './sqlite-reader.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { FromStore, StoreOptions, ToStore } from './thread-messages.ts';
import { packResults, unpackBatch } from './wire.ts';

if (parentPort === null) throw new Error('sqlite-worker is started by openCustody');
const port = parentPort;
const { directory, room: limits, hurry } = workerData as StoreOptions;
const isHurried = (): boolean => Atomics.load(hurry, 0) !== 0;

const path = join(directory, 'custody.sqlite');
const room = new Room(directory, limits);
const { db, store } = openStore();
const reader = new SqliteReader(db);

function send(message: FromStore): void {
  port.postMessage(message, message instanceof ArrayBuffer ? [message] : []);
}

/** On a full disk too, so that hand-overs go on after a restart: once more, in the room that was kept for that. */
function openStore(): { db: DatabaseSync; store: SqliteStore } {
  try {
    const opened = openDatabase(path, custodyLayout);
    return { db: opened, store: explaining(() => new SqliteStore(opened, room)) };
  } catch (error) {
    if (isStoreError(error) && error.code === 'store-full' && room.giveUp()) return openStore();
    throw error;
  }
}

/** What SQLite and the system say in words of theirs becomes a sentence that names the file. */
function explaining<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explained(error, path, custodyLayout);
  }
}

// What a write throws ends the thread, and with it custody: the other side sees the error. A question writes nothing, so
// its failure says nothing about what is on the disk, and is its asker's alone.
port.on('message', (message: ToStore) => {
  if (message instanceof ArrayBuffer) {
    send(packResults(explaining(() => store.commit(unpackBatch(message), isHurried))));
  } else if (message.kind === 'prune') {
    send({ kind: 'pruned', step: explaining(() => store.prune(message.nowSeconds)) });
  } else if (message.kind === 'probe') {
    send({ kind: 'probed', hasRoom: explaining(() => store.probe()) });
  } else if (message.kind === 'close') {
    db.close();
    port.close();
  } else {
    answer(message);
  }
});

function answer({ values, question }: Extract<ToStore, { kind: 'ask' }>): void {
  // The names on both sides are those of one list; the arguments were checked where they were given.
  const ask = reader[question] as (...given: unknown[]) => Record<string, unknown>[];
  try {
    send({ kind: 'answer', rows: explaining(() => ask.apply(reader, [...values])) });
  } catch (error) {
    // By hand: an error that passes to the other thread loses its class and its code.
    const code = isStoreError(error) ? error.code : undefined;
    send({ kind: 'unanswered', code, sentence: error instanceof Error ? error.message : String(error) });
  }
}

send({ kind: 'opened' });
