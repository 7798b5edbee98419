// SPDX-License-Identifier: Apache-2.0
// Messages between their arrival and their commit. So many are checked and stored side by side; the others wait, the
// urgent in front; and when too much waits, the least urgent are told to come back first.
import { Precedence, accept, refuse, type Precedence as Lane, type Result } from '@sealpost/protocol';

/** What a message under way costs beside its body and seal: objects, promises, buffers of its packet. */
export const messageOverheadBytes = 2048;

export interface RoomOptions {
  readonly bytesMax: number;
  readonly underwayMax: number;
  /** From 0 to 1; spreads those who were told to come back. */
  random(): number;
}

interface Allowance {
  /** Of the bytes, up to which this lane is let in. */
  readonly byteShare: number;
  /** Messages that may wait, of this lane and all below it. */
  readonly waitingMax: number;
}

/** One place in so many goes to who has waited longest, whatever its lane. */
const fairShare = 16;
const retryAfterSecondsMax = 30;

function allowanceOf(lane: Lane): Allowance {
  if (lane >= Precedence.flash) return { byteShare: 1, waitingMax: Infinity };
  if (lane >= Precedence.immediate) return { byteShare: 0.95, waitingMax: Infinity };
  if (lane >= Precedence.priority) return { byteShare: 0.85, waitingMax: 1_024 };
  if (lane >= Precedence.routine) return { byteShare: 0.7, waitingMax: 512 };
  return { byteShare: 0.5, waitingMax: 256 };
}

/** A message's place; given back once, when the message is decided. */
export interface Place {
  readonly bytes: number;
  /** Resolves when it is this message's turn; undefined: it is now. */
  readonly turn: Promise<void> | undefined;
}

interface Waiting {
  readonly order: number;
  start(): void;
}

export class Room {
  readonly #options: RoomOptions;
  /** By lane, in order of arrival. */
  readonly #waiting = new Map<Lane, Waiting[]>();
  #waitingCount = 0;
  #underway = 0;
  #bytes = 0;
  #order = 0;
  #started = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** With the overhead of each message. */
  get bytes(): number {
    return this.#bytes;
  }

  get waiting(): number {
    return this.#waitingCount;
  }

  /** `lane`: the highest that the message can turn out to have. Urgent messages are few, by their rates, and never wait. */
  enter(lane: Lane, contentBytes: number): Result<Place> {
    const bytes = contentBytes + messageOverheadBytes;
    const { byteShare, waitingMax } = allowanceOf(lane);
    if (this.#bytes + bytes > this.#options.bytesMax * byteShare || this.#waitingCount >= waitingMax)
      return refuse('overloaded', 'no room', this.#retryAfterSeconds());
    this.#bytes += bytes;
    if (this.#underway < this.#options.underwayMax || lane >= Precedence.immediate) {
      this.#underway += 1;
      return accept({ bytes, turn: undefined });
    }
    return accept({ bytes, turn: this.#turn(lane) });
  }

  leave({ bytes }: Place): void {
    this.#bytes -= bytes;
    this.#underway -= 1;
    while (this.#underway < this.#options.underwayMax && this.#waitingCount > 0) this.#startNext();
  }

  #turn(lane: Lane): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry = { order: this.#order++, start: resolve };
    const queue = this.#waiting.get(lane);
    if (queue === undefined) this.#waiting.set(lane, [entry]);
    else queue.push(entry);
    this.#waitingCount += 1;
    return promise;
  }

  #startNext(): void {
    this.#started += 1;
    const oldestFirst = this.#started % fairShare === 0;
    let chosen: { readonly lane: Lane; readonly queue: Waiting[] } | undefined;
    for (const [lane, queue] of this.#waiting) {
      if (queue.length === 0) continue;
      const isBetter =
        chosen === undefined || (oldestFirst ? orderOf(queue) < orderOf(chosen.queue) : lane > chosen.lane);
      if (isBetter) chosen = { lane, queue };
    }
    const next = chosen?.queue.shift();
    if (next === undefined) return;
    this.#waitingCount -= 1;
    this.#underway += 1;
    next.start();
  }

  /** The fuller, the later; never all at once. */
  #retryAfterSeconds(): number {
    const { bytesMax, random } = this.#options;
    const fullness = Math.max(this.#bytes / bytesMax, this.#waitingCount / 1_024);
    return Math.min(retryAfterSecondsMax, (1 + 9 * Math.min(1, fullness)) * (0.5 + random()));
  }
}

function orderOf([first]: readonly Waiting[]): number {
  return first?.order ?? Infinity;
}
