// SPDX-License-Identifier: Apache-2.0
// Entry of the thread that owns the database. Protocol: thread-messages.ts.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../sqlite/open.ts';
import { custodyLayout } from './schema.ts';
import { SqliteReader } from './sqlite-reader.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { FromStore, StoreOptions, ToStore } from './thread-messages.ts';
import { packResults, unpackBatch } from './wire.ts';

if (parentPort === null) throw new Error('sqlite-worker is started by openCustody');
const port = parentPort;
const { directory, pagesMax } = workerData as StoreOptions;

const db = openDatabase(join(directory, 'custody.sqlite'), custodyLayout);
if (pagesMax !== undefined) db.exec(`PRAGMA max_page_count = ${pagesMax}`);
const store = new SqliteStore(db);
const reader = new SqliteReader(db);

function send(message: FromStore): void {
  port.postMessage(message, message instanceof ArrayBuffer ? [message] : []);
}

// What throws here ends the thread, and with it custody: the other side sees the error.
port.on('message', (message: ToStore) => {
  if (message instanceof ArrayBuffer) {
    send(packResults(store.commit(unpackBatch(message))));
  } else if (message.kind === 'close') {
    db.close();
    port.close();
  } else {
    const { values, question } = message;
    // The names on both sides are those of one list; the arguments were checked where they were given.
    const answer = reader[question] as (...given: unknown[]) => Record<string, unknown>[];
    send({ kind: 'answer', rows: answer.apply(reader, [...values]) });
  }
});

send({ kind: 'opened' });
