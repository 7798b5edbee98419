// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync } from 'node:sqlite';
import { keepEarlierLayout } from './earlier-layout.ts';
import { foreign } from './explain.ts';
import { currentLayout, type Layout } from './layout.ts';
import { StoreError } from './store-error.ts';

/**
 * Refuses what is not this store's, or not yet known to this program. Changes nothing, so it comes before anything that
 * does: another program's database is left as it was found.
 */
export function identify(db: DatabaseSync, path: string, layout: Layout): void {
  const id = readPragma(db, 'application_id');
  const found = readPragma(db, 'user_version');
  const isEmpty = found === 0 && id === 0 && db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  if (isEmpty) return;
  const isUnmarked = id === 0 && found > 0 && found <= (layout.unmarkedUpTo ?? 0);
  if (id !== layout.applicationId && !isUnmarked) throw foreign(path, layout);
  if (found > currentLayout(layout))
    throw new StoreError(
      'store-newer',
      `${path} has layout ${found}, and this program knows layouts up to ${currentLayout(layout)}: run the newer program that wrote it.`,
    );
}

/**
 * Brings the file to the current layout, one transaction for each step, so that a process that is killed on the way
 * leaves a whole store of some layout. A copy of what was there is kept first. Two processes may try at the same time.
 */
export function migrate(db: DatabaseSync, path: string, layout: Layout): void {
  // What is made here from nothing needs no way back.
  let isKept = readPragma(db, 'user_version') === 0;
  while (readPragma(db, 'user_version') < currentLayout(layout)) {
    db.exec('BEGIN IMMEDIATE');
    try {
      const found = readPragma(db, 'user_version');
      const migration = layout.migrations[found];
      if (!isKept && migration !== undefined) {
        keepEarlierLayout(db, path, found);
        isKept = true;
      }
      if (typeof migration === 'string') db.exec(migration);
      else migration?.(db);
      if (migration !== undefined) db.exec(`PRAGMA user_version = ${found + 1}`);
      db.exec(`PRAGMA application_id = ${layout.applicationId}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

export function readPragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0);
}
