// SPDX-License-Identifier: Apache-2.0

export interface Ranked {
  readonly rank: number;
  readonly sequence: number;
}

/** One rank: a FIFO whose taken part is cut off now and then instead of at every take. */
interface Lane<T> {
  readonly rank: number;
  items: T[];
  head: number;
}

/** Of this many slots, one may go to a lower rank that waits. */
export const creditSlots = 16;

/**
 * Highest rank first, first in first out within a rank. So that a flood does not starve what is below it, one slot in
 * sixteen goes to the item below the highest rank that has waited longest; never while the highest rank is urgent.
 */
export class PriorityQueue<T extends Ranked> {
  readonly #urgentRank: number;
  /** Highest first; never an empty one. */
  readonly #lanes: Lane<T>[] = [];
  /** Slots given to the highest rank while a lower one waited. */
  #credit = 0;
  #length = 0;

  constructor(urgentRank: number) {
    this.#urgentRank = urgentRank;
  }

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    this.#laneOf(item.rank).items.push(item);
    this.#length++;
  }

  /** What `take` would return. */
  peek(): T | undefined {
    const lane = this.#nextLane();
    return lane?.items[lane.head];
  }

  take(): T | undefined {
    const lane = this.#nextLane();
    const item = lane?.items[lane.head];
    if (lane === undefined || item === undefined) return undefined;
    if (lane !== this.#lanes[0]) this.#credit = 0;
    else if (this.#lanes.length > 1 && lane.rank < this.#urgentRank) this.#credit++;
    this.#length--;
    lane.head++;
    if (lane.head === lane.items.length) this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    else if (lane.head >= 64 && lane.head * 2 >= lane.items.length) {
      lane.items = lane.items.slice(lane.head);
      lane.head = 0;
    }
    return item;
  }

  /** Takes out what `chosen` says, highest rank first. */
  remove(chosen: (item: T) => boolean): T[] {
    const removed: T[] = [];
    const emptied: Lane<T>[] = [];
    for (const lane of this.#lanes) {
      const kept: T[] = [];
      for (const item of lane.items.slice(lane.head)) (chosen(item) ? removed : kept).push(item);
      lane.items = kept;
      lane.head = 0;
      if (kept.length === 0) emptied.push(lane);
    }
    for (const lane of emptied) this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    this.#length -= removed.length;
    return removed;
  }

  #laneOf(rank: number): Lane<T> {
    let index = 0;
    for (const lane of this.#lanes) {
      if (lane.rank === rank) return lane;
      if (lane.rank < rank) break;
      index++;
    }
    const lane: Lane<T> = { rank, items: [], head: 0 };
    this.#lanes.splice(index, 0, lane);
    return lane;
  }

  #nextLane(): Lane<T> | undefined {
    const top = this.#lanes[0];
    if (top === undefined || this.#lanes.length === 1) return top;
    if (top.rank >= this.#urgentRank || this.#credit < creditSlots - 1) return top;
    return this.#longestWaitingBelow();
  }

  #longestWaitingBelow(): Lane<T> | undefined {
    let found: Lane<T> | undefined;
    let oldest = Infinity;
    for (const lane of this.#lanes.slice(1)) {
      const sequence = lane.items[lane.head]?.sequence ?? Infinity;
      if (sequence >= oldest) continue;
      oldest = sequence;
      found = lane;
    }
    return found;
  }
}
