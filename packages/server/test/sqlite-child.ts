// SPDX-License-Identifier: Apache-2.0
// node sqlite-child.ts <path> whole|half|custody
// Migrates the toy store to its end; or stops inside the last step of it, or of the custody store, with everything done
// but the commit.
import { writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { custodyLayout } from '../src/custody/schema.ts';
import type { Layout, Migration } from '../src/sqlite/layout.ts';
import { openDatabase } from '../src/sqlite/open.ts';
import { toyLayout } from './sqlite-toy.ts';

const [, , path = '', how] = process.argv;

function stoppingIn(layout: Layout): Layout {
  const last = layout.migrations.at(-1);
  const stop: Migration = (db: DatabaseSync) => {
    // With a cache of a few pages what is not committed goes to the disk too.
    db.exec('PRAGMA cache_size = 5');
    if (typeof last === 'string') db.exec(last);
    writeSync(1, 'in the middle\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
  return { ...layout, migrations: [...layout.migrations.slice(0, -1), stop] };
}

const layouts: Record<string, Layout> = {
  whole: toyLayout(3),
  half: stoppingIn(toyLayout(2)),
  custody: stoppingIn(custodyLayout),
};
openDatabase(path, layouts[how ?? ''] ?? toyLayout(1)).close();
