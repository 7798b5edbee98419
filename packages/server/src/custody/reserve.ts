// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Some two thousand hand-overs with their evidence. */
const reserveBytes = 1024 * 1024;

/**
 * Room that is kept in the file for what must go on when the disk is full: hand-overs, outcomes, a peer's evidence. It
 * is given up when a batch finds no room although it accepts nothing, and nothing is accepted until it is there again.
 */
export class Reserve {
  readonly #take: StatementSync;
  readonly #give: StatementSync;
  #isHeld: boolean;
  #willBeHeld: boolean;

  constructor(db: DatabaseSync) {
    this.#take = db.prepare(`INSERT INTO reserve VALUES (1, zeroblob(${reserveBytes}))`);
    this.#give = db.prepare('DELETE FROM reserve WHERE id = 1');
    this.#isHeld = db.prepare('SELECT id FROM reserve WHERE id = 1').get() !== undefined;
    this.#willBeHeld = this.#isHeld;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Inside a transaction that accepts something. Finds no room when the batch has none. */
  ensure(): void {
    if (this.#willBeHeld) return;
    this.#take.run();
    this.#willBeHeld = true;
  }

  /** Inside a transaction that could not be made otherwise. */
  giveUp(): void {
    this.#give.run();
    this.#willBeHeld = false;
  }

  committed(): void {
    this.#isHeld = this.#willBeHeld;
  }

  rolledBack(): void {
    this.#willBeHeld = this.#isHeld;
  }
}
