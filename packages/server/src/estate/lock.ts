// SPDX-License-Identifier: Apache-2.0
// One process at a time runs a domain from a directory.
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface DirectoryLock {
  release(): void;
}

const busy = 5;

/**
 * Undefined while another process has it. The lock is SQLite's on an empty file, so the system takes it back from a
 * process that was killed.
 */
export function lockDirectory(directory: string): DirectoryLock | undefined {
  const path = join(directory, 'running.lock');
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path);
  try {
    db.exec('BEGIN EXCLUSIVE');
    return { release: () => db.close() };
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode === busy) return undefined;
    throw error;
  }
}
