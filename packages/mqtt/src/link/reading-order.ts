// SPDX-License-Identifier: Apache-2.0

/** Of one stream at a time, when nobody else has anything to read. */
const packetsMax = 16;
/** What one order may take of a turn of the event loop, after which everything else has its turn. */
const turnMs = 1;

type NextTurn = (run: () => void) => unknown;

// In Node; a browser has one connection, and nobody else whose turn it could be.
declare const setImmediate: NextTurn | undefined;
declare const performance: { now(): number };

/** A stream that has packets to read. */
export interface Reads {
  /** Reads no more than so many. False: it has no more, or may not read on. */
  readSome(packetsMax: number): boolean;
  /** It waits for its next turn, and should take nothing new from its transport meanwhile. */
  rest(): void;
}

/**
 * Shares the event loop between the streams of one listener. Who has something to read reads at once while the time of
 * this turn lasts and nobody waits; otherwise all take turns, each with a share of the packets. So what a quiet client
 * sends waits for one round of the others and not for all that they have sent, and the rest of the program goes on
 * between two turns however much there is to read.
 */
export class ReadingOrder {
  readonly #waiting = new Set<Reads>();
  readonly #now: () => number;
  readonly #nextTurn: NextTurn | null;
  #spentMs = 0;
  #isSet = false;

  constructor(
    nextTurn: NextTurn | null = typeof setImmediate === 'undefined' ? null : setImmediate,
    now = (): number => performance.now(),
  ) {
    this.#nextTurn = nextTurn;
    this.#now = now;
  }

  /** The stream has something to read: reads now, or in its turn. */
  read(stream: Reads): void {
    if (this.#nextTurn === null) {
      stream.readSome(Infinity);
      return;
    }
    if (this.#waiting.has(stream)) return;
    const mayRead = this.#waiting.size === 0 && this.#spentMs < turnMs;
    if (mayRead && !this.#visit(stream, packetsMax)) return;
    this.#waiting.add(stream);
    stream.rest();
  }

  #visit(stream: Reads, packets: number): boolean {
    this.#set();
    const beganMs = this.#now();
    try {
      return stream.readSome(packets);
    } finally {
      this.#spentMs += this.#now() - beganMs;
    }
  }

  /** Whoever has more to read goes to the end, and is read again while there is time. */
  #turn(): void {
    this.#isSet = false;
    this.#spentMs = 0;
    const each = Math.max(1, Math.floor(packetsMax / this.#waiting.size));
    for (const stream of this.#waiting) {
      if (this.#spentMs >= turnMs) break;
      this.#waiting.delete(stream);
      if (this.#visit(stream, each)) this.#waiting.add(stream);
    }
    if (this.#waiting.size > 0) this.#set();
  }

  #set(): void {
    if (this.#isSet) return;
    this.#isSet = true;
    this.#nextTurn?.(() => this.#turn());
  }
}

/** Of links that this process made itself. */
export const linksOrder = new ReadingOrder();
