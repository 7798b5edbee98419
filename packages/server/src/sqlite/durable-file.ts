// SPDX-License-Identifier: Apache-2.0
// What the file system has to be asked for by hand: data and names that outlive a power cut, and room.
import { closeSync, fsyncSync, openSync, statfsSync } from 'node:fs';

/** Of a file or of a folder; a new name is durable once its folder is. */
export function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** What an unprivileged process may still write there. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
