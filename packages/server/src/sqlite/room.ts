// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { freeBytes } from './durable-file.ts';
import { isStorageFull, isWriteRefused } from './result-codes.ts';

const refusals: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EROFS'];
const blockBytes = 1024 * 1024;

export interface RoomLimits {
  /** Free room on the disk below which nothing new is begun, so that what was begun can be finished. */
  readonly spareBytes: number;
  /** A file of that size is held against everybody else who fills the disk. */
  readonly keptBytes: number;
}

/**
 * The room that a store has, on a disk that it shares with others. There are two margins. Our own growth stops at
 * `spareBytes`. If somebody else takes those too, a write fails; then the kept file is deleted, and what must go on
 * (hand-overs, outcomes, a peer's evidence) has its place. Nothing new is begun before it is there again.
 *
 * It has to be a file: free pages inside the database do not help, because the log has to grow before they are used.
 */
export class Room {
  readonly #directory: string;
  readonly #limits: RoomLimits;
  readonly #kept: string;
  #isKept: boolean;

  constructor(directory: string, limits: RoomLimits) {
    this.#directory = directory;
    this.#limits = limits;
    this.#kept = join(directory, 'room');
    // One that was cut short, with the process that wrote it, is made anew.
    this.#isKept = (statSync(this.#kept, { throwIfNoEntry: false })?.size ?? 0) >= limits.keptBytes;
  }

  /** One system call, as long as there is room. */
  mayBegin(): boolean {
    const { keptBytes, spareBytes } = this.#limits;
    const free = freeBytes(this.#directory);
    if (this.#isKept) return free >= spareBytes;
    this.#isKept = free >= spareBytes + keptBytes && this.#keep();
    return this.#isKept;
  }

  /** Whether that made any. */
  giveUp(): boolean {
    try {
      unlinkSync(this.#kept);
      this.#isKept = false;
      return true;
    } catch (error) {
      if ([...refusals, 'ENOENT'].includes((error as NodeJS.ErrnoException).code)) return false;
      throw error;
    }
  }

  /**
   * Whether a statement failed because nothing can be stored here now. For a read-only file system and a used-up quota
   * SQLite has one code with a broken disk; writing a byte beside the store tells them apart.
   */
  isFull(error: unknown): boolean {
    return isStorageFull(error) || (isWriteRefused(error) && !this.#canWrite());
  }

  #keep(): boolean {
    if (writeBlocks(this.#kept, this.#limits.keptBytes)) return true;
    rmSync(this.#kept, { force: true });
    return false;
  }

  #canWrite(): boolean {
    const path = join(this.#directory, 'probe');
    const wrote = writeBlocks(path, 1);
    if (wrote) rmSync(path);
    return wrote;
  }
}

/** False when there is no room for the file; it may then be there in part. */
function writeBlocks(path: string, bytes: number): boolean {
  try {
    const file = openSync(path, 'w', 0o600);
    try {
      // Random, so that no file system makes it smaller.
      const block = randomBytes(blockBytes);
      for (let left = bytes; left > 0;) left -= writeSync(file, block, 0, Math.min(left, blockBytes));
    } finally {
      closeSync(file);
    }
    return true;
  } catch (error) {
    if (refusals.includes((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}
