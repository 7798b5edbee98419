// SPDX-License-Identifier: Apache-2.0
import { isUrgent, type Precedence } from '@sealpost/protocol';
import type { Clock } from './clock.ts';

/** Where a row stands in its queue: higher lane first, then the order of arrival. */
export interface Position {
  readonly lane: Precedence;
  readonly seq: number;
}

export interface FeedOptions<Row extends Position> {
  /** The next rows after a position, most urgent first; fewer than `limit` means there are no more. */
  load(limit: number, after: Position | undefined): Promise<readonly Row[]>;
  key(row: Row): string;
  /** Hands the row to the sink's heap, which orders it once more. Must not throw. */
  offer(row: Row): void;
  /** Whether the sink may hold more; far more of what is urgent, since that overtakes what it holds already. */
  hasRoom(isUrgent: boolean): boolean;
  /**
   * Whether all sinks together hold too much. Then each is given one row at a time, so that its answer asks for the next.
   */
  isCrowded?(isUrgent: boolean): boolean;
  readonly clock: Pick<Clock, 'after'>;
  report(error: unknown): void;
}

const pageRows = 64;
/** A page that could not be read is asked for again. */
const retryAfterMs = 5_000;

/**
 * Moves the rows of one durable queue to one sink (a session or a peer link), most urgent first, holding only a
 * bounded number in memory: live rows go straight through while the sink has room, everything else is read back in
 * pages when room appears.
 *
 * A row is on its way from offer() until release(); it is never offered twice in between. release() is called after
 * the commit that takes the row out of the queue, so that a page read before that commit cannot bring it back.
 */
export class Feed<Row extends Position> {
  readonly #options: FeedOptions<Row>;
  readonly #onItsWay = new Set<string>();
  readonly #releasedWhileLoading: string[] = [];
  /** Offered, and neither taken nor lost: not offered again until the sink asks for everything. */
  readonly #aside = new Set<string>();
  #cursor: Position | undefined;
  #caughtUp = false;
  #rewind = false;
  #loading = false;
  #paused = false;
  #stopped = false;

  constructor(options: FeedOptions<Row>) {
    this.#options = options;
  }

  get onItsWay(): number {
    return this.#onItsWay.size;
  }

  /** The sink asks for everything that waits, what it was shown before included. */
  restart(): void {
    for (const key of this.#aside) this.#onItsWay.delete(key);
    this.#aside.clear();
    this.reread();
  }

  /** Reads the queue from its head, for rows that were not offered. */
  reread(): void {
    this.#caughtUp = false;
    this.#cursor = undefined;
    this.#rewind = this.#loading;
    this.pump();
  }

  /** Treats the queue as read: only what arrives from now on is offered. */
  skipToEnd(): void {
    this.#caughtUp = true;
  }

  /** Everything that waits has been offered and the sink has room: what arrives now goes straight through. */
  get isOpen(): boolean {
    return this.#caughtUp && !this.#paused && !this.#stopped && this.#hasRoom(false);
  }

  /** Whether `arrived` would offer it at once; what is urgent overtakes what waits. */
  isOpenFor(lane: Precedence): boolean {
    if (this.#stopped || this.#paused) return false;
    return this.isOpen || (isUrgent(lane) && this.#hasRoom(true));
  }

  /** Whether the row was offered at once; otherwise it is found when the queue is read. */
  arrived(row: Row): boolean {
    if (this.#stopped || this.#paused) return false;
    if (this.isOpenFor(row.lane)) {
      this.#offer(row);
      return true;
    }
    // It waits in the store; a cursor that has passed its lane would miss it.
    this.#rewind = true;
    this.#caughtUp = false;
    this.pump();
    return false;
  }

  /** The row stays in the queue, and the sink has seen it or may not see it now. */
  setAside(key: string): void {
    this.#aside.add(key);
  }

  /** The row has left the queue (or may be offered again when the queue is read again). */
  release(key: string): void {
    this.#aside.delete(key);
    if (this.#loading) this.#releasedWhileLoading.push(key);
    else this.#onItsWay.delete(key);
    this.pump();
  }

  /** The sink is away for a while; what was written to it stays on its way. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.reread();
  }

  stop(): void {
    this.#stopped = true;
    this.#onItsWay.clear();
    this.#aside.clear();
  }

  pump(): void {
    if (this.#loading || this.#paused || this.#stopped || this.#caughtUp) return;
    if (!this.#hasRoom(false)) return;
    const limit = this.#isCrowded(false) ? 1 : pageRows;
    this.#loading = true;
    if (this.#rewind) this.#cursor = undefined;
    this.#rewind = false;
    this.#options
      .load(limit, this.#cursor)
      .then((rows) => this.#loaded(rows, limit))
      .catch((error: unknown) => {
        this.#options.report(error);
        this.#options.clock.after(retryAfterMs, () => {
          this.#loading = false;
          this.pump();
        });
      });
  }

  #hasRoom(urgent: boolean): boolean {
    if (this.#onItsWay.size > 0 && this.#isCrowded(urgent)) return false;
    return this.#options.hasRoom(urgent);
  }

  #isCrowded(urgent: boolean): boolean {
    return this.#options.isCrowded?.(urgent) === true;
  }

  #loaded(rows: readonly Row[], limit: number): void {
    if (this.#stopped) return;
    for (const row of rows) {
      this.#offer(row);
      this.#cursor = row;
    }
    this.#caughtUp = rows.length < limit && !this.#rewind;
    for (const key of this.#releasedWhileLoading.splice(0)) this.#onItsWay.delete(key);
    this.#loading = false;
    this.pump();
  }

  #offer(row: Row): void {
    const key = this.#options.key(row);
    if (this.#onItsWay.has(key)) return;
    this.#onItsWay.add(key);
    this.#options.offer(row);
  }
}
