// SPDX-License-Identifier: Apache-2.0
// Gathers transitions into batches. One batch is being written; behind it the next one is open, and who joins it is
// signed meanwhile, so that signing overlaps with the fsync in front of it. Who finds no room waits in the backlog, by
// rank. What is urgent finds room in a batch that is full for others, is signed before them, and does not wait until they
// are; the batch in front of it is cut short, and few go along with it.
import { Precedence, type Haste, type MessageId, type Statement } from '@sealpost/protocol';
import type { Prepared } from './command.ts';
import type { Transition, TransitionResult } from './transition.ts';
import type { WriteResult } from './wire.ts';

/** As it is written: with the rank it had by then. */
export interface Written extends Prepared {
  readonly rank: number;
}

export interface GroupCommitOptions {
  /**
   * Writes a batch; one result or error for each, in their order, or undefined for what was not written and is to come
   * again. Rejects when nothing can be written any more.
   */
  write(batch: readonly Written[]): Promise<readonly WriteResult[]>;
  /** The batch that is being written keeps something urgent waiting: it should end early. */
  hurry(): void;
  sign(statement: Statement, haste: Haste): Promise<Uint8Array>;
}

const batchTransitionsMax = 64;
/** While urgent messages come, batches stay small: each is signed, written and answered beside the urgent one. */
const smallBatchMax = 16;
/** So many batches after the last urgent one, they are large again. */
const calmAfter = 256;
const batchBytesMax = 512 * 1024;
const urgentRank = Precedence.immediate;
/** What is urgent may make a batch so many times as large. */
const urgentTimes = 2;
/** Others that go along with it; so they go on, however much of it there is. */
const companionsMax = 8;
/** Answers to what is not urgent that one turn of the event loop gives: each may be followed by work. */
const answersMax = 16;
/** One place in so many goes to who has waited longest, whatever its rank. */
const fairShare = 16;

class Entry implements Written {
  readonly transition: Transition;
  readonly rank: number;
  readonly order: number;
  readonly bytes: number;
  readonly resolve: (result: TransitionResult) => void;
  readonly reject: (error: unknown) => void;
  signed: Uint8Array | undefined;
  isReady = false;
  /** Belongs to the batch that closes next: the store waits for its signature. */
  isAwaited = false;

  constructor(
    transition: Transition,
    rank: number,
    order: number,
    resolve: (result: TransitionResult) => void,
    reject: (error: unknown) => void,
  ) {
    this.transition = transition;
    this.rank = rank;
    this.order = order;
    this.bytes = contentBytes(transition);
    this.resolve = resolve;
    this.reject = reject;
  }
}

function contentBytes(transition: Transition): number {
  return transition.kind === 'accept' ? transition.seal.length + transition.body.length : 0;
}

function idOf(transition: Transition): MessageId | undefined {
  return transition.kind === 'reported' || transition.kind === 'noticed' ? undefined : transition.id;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  /** The open batch: highest rank first, then in order of arrival. */
  readonly #open: Entry[] = [];
  #openBytes = 0;
  /** Per rank, in order of arrival. */
  readonly #backlog = new Map<number, Entry[]>();
  #backlogSize = 0;
  /** Per message, the last transition that is not written yet. */
  readonly #last = new Map<MessageId, Entry>();
  readonly #idle: (() => void)[] = [];
  /** Written; its turn to be answered has not come. */
  readonly #unanswered: { readonly entry: Entry; readonly result: NonNullable<WriteResult> }[] = [];
  #order = 0;
  #taken = 0;
  #awaited = 0;
  /** Batches since the last one with something urgent in it. */
  #calm = calmAfter;
  #writing = false;
  #flushSet = false;
  #answerSet = false;
  #failure: Error | undefined;
  #pending = 0;
  pendingBytes = 0;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  commit(transition: Transition, rank: number): Promise<TransitionResult> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#add(transition, rank, resolve, reject));
  }

  /** Everything committed so far has been answered. */
  async settled(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Rejects what is pending and whatever comes. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const entry of [...this.#open, ...[...this.#backlog.values()].flat()]) this.#settle(entry, error);
    this.#open.length = 0;
    this.#backlog.clear();
    this.#backlogSize = 0;
  }

  #add(
    transition: Transition,
    wanted: number,
    resolve: (result: TransitionResult) => void,
    reject: (error: unknown) => void,
  ): void {
    const id = idOf(transition);
    const before = id === undefined ? undefined : this.#last.get(id);
    // Steps of one message keep their order: none overtakes the one before it.
    const rank = before === undefined ? wanted : Math.min(wanted, before.rank);
    const entry = new Entry(transition, rank, this.#order++, resolve, reject);
    if (id !== undefined) this.#last.set(id, entry);
    this.#pending += 1;
    this.pendingBytes += entry.bytes;
    const lane = this.#backlog.get(rank);
    if (lane === undefined) this.#backlog.set(rank, [entry]);
    else lane.push(entry);
    this.#backlogSize += 1;
    this.#fill();
    this.#close();
  }

  /** Moves the most urgent of the backlog into the open batch while it has room. */
  #fill(): void {
    while (this.#backlogSize > 0) {
      const lane = this.#nextLane();
      const [next] = lane;
      if (next === undefined || !this.#hasRoom(next)) return;
      lane.shift();
      this.#backlogSize -= 1;
      this.#taken += 1;
      this.#join(next);
    }
  }

  #hasRoom({ rank, bytes }: Entry): boolean {
    if (this.#open.length === 0) return true;
    if (rank >= urgentRank)
      return this.#mayHold(batchTransitionsMax * urgentTimes, bytes, batchBytesMax * urgentTimes);
    return this.#mayHold(this.#transitionsMax, bytes, batchBytesMax);
  }

  #mayHold(transitionsMax: number, bytes: number, bytesMax: number): boolean {
    return this.#open.length < transitionsMax && this.#openBytes + bytes <= bytesMax;
  }

  get #transitionsMax(): number {
    return this.#calm < calmAfter ? smallBatchMax : batchTransitionsMax;
  }

  #nextLane(): Entry[] {
    const waiting = [...this.#backlog.values()].filter((lane) => lane.length > 0);
    const head = (lane: Entry[]): Entry => lane[0] as Entry;
    const better: (left: Entry, right: Entry) => boolean =
      this.#taken % fairShare === fairShare - 1 && this.#open.length < this.#transitionsMax
        ? (left, right) => left.order < right.order
        : (left, right) => left.rank > right.rank;
    return waiting.reduce((best, lane) => (better(head(lane), head(best)) ? lane : best));
  }

  #join(entry: Entry): void {
    this.#insert(entry);
    const { transition } = entry;
    if (!('evidence' in transition)) {
      entry.isReady = true;
      return;
    }
    const haste = entry.rank >= urgentRank ? 'at-once' : 'in-turn';
    this.#options.sign(transition.evidence, haste).then(
      (signed) => {
        entry.signed = signed;
        this.#ready(entry);
      },
      (error: unknown) => this.#unsigned(entry, error),
    );
  }

  #insert(entry: Entry): void {
    let at = this.#open.length;
    while (at > 0 && isBehind(this.#open[at - 1], entry)) at -= 1;
    this.#open.splice(at, 0, entry);
    this.#openBytes += entry.bytes;
  }

  #ready(entry: Entry): void {
    entry.isReady = true;
    if (entry.isAwaited) this.#awaited -= 1;
    this.#close();
  }

  #unsigned(entry: Entry, error: unknown): void {
    const at = this.#open.indexOf(entry);
    if (at >= 0) {
      this.#open.splice(at, 1);
      this.#openBytes -= entry.bytes;
      this.#settle(entry, error);
    }
    this.#ready(entry);
    this.#fill();
  }

  /** Writes the open batch once the store is free and what was in it by then is signed, or something urgent is. */
  #close(): void {
    if (this.#writing && this.#isUrgentReady) this.#options.hurry();
    if (this.#writing || this.#open.length === 0 || this.#failure !== undefined) return;
    if (this.#flushSet || (this.#awaited > 0 && !this.#isUrgentReady)) return;
    // What comes in the same turn of the event loop shares the batch.
    this.#flushSet = true;
    setImmediate(() => {
      this.#flushSet = false;
      this.#awaitSignatures();
      if (this.#awaited === 0 || this.#isUrgentReady) this.#flush();
    });
  }

  get #isUrgentReady(): boolean {
    const [first] = this.#open;
    return first !== undefined && first.rank >= urgentRank && first.isReady;
  }

  #awaitSignatures(): void {
    if (this.#open.some((entry) => entry.isAwaited)) return;
    for (const entry of this.#open) {
      entry.isAwaited = true;
      if (!entry.isReady) this.#awaited += 1;
    }
  }

  #flush(): void {
    if (this.#writing || this.#failure !== undefined) return;
    const batch = this.#takeReady();
    if (batch.length === 0) return;
    this.#writing = true;
    this.#calm = batch.some(({ rank }) => rank >= urgentRank) ? 0 : this.#calm + 1;
    this.#fill();
    this.#options.write(batch).then(
      (results) => {
        this.#writing = false;
        batch.forEach((entry, index) => this.#written(entry, results[index]));
        this.#answer();
        this.#close();
      },
      (error: unknown) => {
        const failure = error instanceof Error ? error : new Error(String(error));
        for (const entry of batch) this.#settle(entry, failure);
        this.fail(failure);
      },
    );
  }

  #written(entry: Entry, result: WriteResult): void {
    if (result === undefined) {
      entry.isAwaited = false;
      this.#insert(entry);
    } else if (entry.rank >= urgentRank) this.#settle(entry, result);
    else this.#unanswered.push({ entry, result });
  }

  #answer(): void {
    for (const { entry, result } of this.#unanswered.splice(0, answersMax)) this.#settle(entry, result);
    if (this.#unanswered.length === 0 || this.#answerSet) return;
    this.#answerSet = true;
    setImmediate(() => {
      this.#answerSet = false;
      this.#answer();
    });
  }

  /** Whoever is not signed yet stays, and the later steps of its message with it. */
  #takeReady(): Entry[] {
    const batch: Entry[] = [];
    const staying: Entry[] = [];
    const held = new Set<MessageId | undefined>();
    let places = this.#isUrgentReady ? companionsMax : Infinity;
    for (const entry of this.#open) {
      const id = idOf(entry.transition);
      const hasPlace = entry.rank >= urgentRank || places > 0;
      if (entry.isReady && hasPlace && (id === undefined || !held.has(id))) {
        if (entry.rank < urgentRank) places -= 1;
        batch.push(entry);
        this.#openBytes -= entry.bytes;
      } else {
        staying.push(entry);
        held.add(id);
      }
    }
    this.#open.length = 0;
    this.#open.push(...staying);
    return batch;
  }

  #settle(entry: Entry, result: unknown): void {
    const id = idOf(entry.transition);
    if (id !== undefined && this.#last.get(id) === entry) this.#last.delete(id);
    this.#pending -= 1;
    this.pendingBytes -= entry.bytes;
    if (isResult(result)) entry.resolve(result);
    else entry.reject(result);
    if (this.#pending === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function isResult(value: unknown): value is TransitionResult {
  return !(value instanceof Error) && typeof value === 'object' && value !== null && 'kind' in value;
}

function isBehind(entry: Entry | undefined, other: Entry): boolean {
  if (entry === undefined || entry.rank === other.rank)
    return entry !== undefined && entry.order > other.order;
  return entry.rank < other.rank;
}
