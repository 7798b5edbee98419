// SPDX-License-Identifier: Apache-2.0

/** Of one stream at a time, when nobody else has anything to read. */
const packetsMax = 16;
/** What one order may take of a turn of the event loop, after which everything else has its turn. */
const turnMs = 1;

type NextTurn = (run: () => void) => unknown;

// In Node; a browser has one connection, and nobody else whose turn it could be.
declare const setImmediate: NextTurn | undefined;
declare const performance: { now(): number };

/** One visit in so many goes to whoever has waited longest, however much it has been read. */
const fairShare = 8;
const levels = 10;
const halfLifeMs = 1_000;

/** How much of the time for reading a stream has had lately. */
export class ReadingPast {
  #ms = 0;
  #atMs = 0;

  add(ms: number, nowMs: number): void {
    this.#ms = this.#at(nowMs) + ms;
    this.#atMs = nowMs;
  }

  /** 0 for less than a millisecond; one more each time it doubles. */
  level(nowMs: number): number {
    const ms = this.#at(nowMs);
    return ms < 1 ? 0 : Math.min(levels - 1, 1 + Math.floor(Math.log2(ms)));
  }

  #at(nowMs: number): number {
    return this.#ms * 2 ** ((this.#atMs - nowMs) / halfLifeMs);
  }
}

/** A stream that has packets to read. */
export interface Reads {
  /** The order's own. */
  readonly past: ReadingPast;
  /** Reads no more than so many. False: it has no more, or may not read on. */
  readSome(packetsMax: number): boolean;
  /** It waits for its next turn, and should take nothing new from its transport meanwhile. */
  rest(): void;
}

/**
 * Shares the event loop between the streams of one listener. Who has something to read reads at once while the time of
 * this turn lasts and nobody waits who has been read less; otherwise all take turns, first those that have been read
 * least lately, each with a share of the packets. So what a quiet client sends does not wait for what the others have
 * sent, and the rest of the program goes on between two turns however much there is to read.
 */
export class ReadingOrder {
  /** In the order in which they came to wait. */
  readonly #waiting = new Set<Reads>();
  /** The same ones, by the level that they had then. */
  readonly #byLevel = Array.from({ length: levels }, () => new Set<Reads>());
  readonly #now: () => number;
  readonly #nextTurn: NextTurn | null;
  #spentMs = 0;
  #visits = 0;
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
    if (this.#mayRead(stream) && !this.#visit(stream, packetsMax)) return;
    this.#wait(stream);
    stream.rest();
  }

  #mayRead(stream: Reads): boolean {
    if (this.#spentMs >= turnMs) return false;
    return this.#waiting.size === 0 || stream.past.level(this.#now()) < this.#lowestLevel();
  }

  #wait(stream: Reads): void {
    this.#waiting.add(stream);
    this.#byLevel[stream.past.level(this.#now())]?.add(stream);
  }

  #lowestLevel(): number {
    return this.#byLevel.findIndex((streams) => streams.size > 0);
  }

  /** Takes out whose turn it is. */
  #next(): Reads | undefined {
    this.#visits += 1;
    const from = this.#visits % fairShare === 0 ? this.#waiting : this.#byLevel[this.#lowestLevel()];
    const [stream] = from ?? [];
    if (stream === undefined) return undefined;
    this.#waiting.delete(stream);
    for (const streams of this.#byLevel) streams.delete(stream);
    return stream;
  }

  #visit(stream: Reads, packets: number): boolean {
    this.#set();
    const beganMs = this.#now();
    try {
      return stream.readSome(packets);
    } finally {
      const endedMs = this.#now();
      this.#spentMs += endedMs - beganMs;
      stream.past.add(endedMs - beganMs, endedMs);
    }
  }

  /** Whoever has more to read waits again, and is read again while there is time. */
  #turn(): void {
    this.#isSet = false;
    this.#spentMs = 0;
    const each = Math.max(1, Math.floor(packetsMax / this.#waiting.size));
    while (this.#waiting.size > 0 && this.#spentMs < turnMs) {
      const stream = this.#next();
      if (stream !== undefined && this.#visit(stream, each)) this.#wait(stream);
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
