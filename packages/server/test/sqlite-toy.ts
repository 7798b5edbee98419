// SPDX-License-Identifier: Apache-2.0
// A small store for the tests of sqlite/: three layouts, each of which moves what the one before it held.
import { applicationId, type Layout, type Migration } from '../src/sqlite/layout.ts';

const migrations: readonly Migration[] = [
  'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;',
  'ALTER TABLE note ADD COLUMN size INTEGER NOT NULL DEFAULT 0; UPDATE note SET size = length(text);',
  'CREATE INDEX note_size ON note (size);',
];

/** The store as a program knew it that stopped at this layout. */
export function toyLayout(upTo: number, last: Migration | undefined = migrations[upTo - 1]): Layout {
  return {
    name: 'note store',
    applicationId: applicationId('SPno'),
    migrations: [...migrations.slice(0, upTo - 1), ...(last === undefined ? [] : [last])],
    cacheKib: 1024,
  };
}
