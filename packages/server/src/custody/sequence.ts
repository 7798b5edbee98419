// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Numbers reserved at a time: one write in so many, and what a crash leaves unused. */
const block = 1_048_576;
/** More than any batch takes. */
const batchMax = 65_536;

/**
 * Rising numbers for queues. Reserved in the store before they are given out, so that none is given twice, also after
 * a crash and when the rows that had them are gone.
 */
export class Sequence {
  readonly #reserve: StatementSync;
  #next: number;
  #reserved: number;
  #pending: number | undefined;

  constructor(db: DatabaseSync) {
    this.#reserve = db.prepare("UPDATE meta SET value = ? WHERE key = 'seq'");
    this.#next = Number(db.prepare("SELECT value FROM meta WHERE key = 'seq'").get()?.['value']);
    this.#reserved = this.#next;
  }

  /** At the start of every transaction. */
  reserve(): void {
    if (this.#next + batchMax <= this.#reserved) return;
    this.#pending = this.#next + block;
    this.#reserve.run(this.#pending);
  }

  committed(): void {
    this.#reserved = this.#pending ?? this.#reserved;
    this.#pending = undefined;
  }

  rolledBack(): void {
    this.#pending = undefined;
  }

  /** The number that the next `take` gives. */
  peek(): number {
    return this.#next;
  }

  take(): number {
    return this.#next++;
  }
}
