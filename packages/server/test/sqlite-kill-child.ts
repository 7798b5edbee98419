// SPDX-License-Identifier: Apache-2.0
// Migrates the toy store, and stops inside the last step, with everything done but the commit.
import { writeSync } from 'node:fs';
import { openDatabase } from '../src/sqlite/open.ts';
import { toyLayout } from './sqlite-toy.ts';

const [, , path = ''] = process.argv;

openDatabase(
  path,
  toyLayout(2, (db) => {
    // With a cache of a few pages what is not committed goes to the disk too.
    db.exec('PRAGMA cache_size = 5');
    db.exec(
      'ALTER TABLE note ADD COLUMN size INTEGER NOT NULL DEFAULT 0; UPDATE note SET size = length(text);',
    );
    writeSync(1, 'in the middle\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }),
);
