// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync } from 'node:sqlite';

/** SQL, or code for what SQL cannot say. Runs inside one transaction and never opens one. */
export type Migration = string | ((db: DatabaseSync) => void);

/** What one store's file looks like, and how it came to look like that. */
export interface Layout {
  /** As sentences call it: 'custody store'. */
  readonly name: string;
  /** `PRAGMA application_id`: tells this store's file from every other SQLite database. */
  readonly applicationId: number;
  /** The last layout whose files did not carry the application id yet; 0, or absent, if all do. */
  readonly unmarkedUpTo?: number;
  /** `migrations[n]` leads from layout n to n + 1. A change appends one; none is ever edited, removed or reversed. */
  readonly migrations: readonly Migration[];
  /** Page cache of the connection. */
  readonly cacheKib: number;
}

/** Four letters as `PRAGMA application_id` has them. */
export function applicationId(letters: string): number {
  if (!/^[A-Z]{4}$/i.test(letters)) throw new RangeError('an application id is four letters');
  return Buffer.from(letters, 'latin1').readInt32BE(0);
}

/** The layout that the program reads and writes. */
export function currentLayout({ migrations }: Layout): number {
  return migrations.length;
}
