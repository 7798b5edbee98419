// SPDX-License-Identifier: Apache-2.0
import { Precedence, accept, precedenceNames, refuse, type Result } from '@sealpost/protocol';

interface Clock {
  now(): number;
}

interface RoomOptions {
  readonly bytesMax: number;
  readonly messagesMax: number;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  random(): number;
}

/**
 * How much of the room a lane may fill, and how long whoever is at least as urgent may have been waiting for the store.
 * The rest is kept for what is more urgent. Flash is refused for want of room only: a wait says nothing of what
 * overtakes the waiting.
 */
const shares: ReadonlyMap<Precedence, { readonly share: number; readonly waitMsMax: number }> = new Map([
  [Precedence.deferred, { share: 0.4, waitMsMax: 250 }],
  [Precedence.routine, { share: 0.5, waitMsMax: 500 }],
  [Precedence.priority, { share: 0.7, waitMsMax: 1_000 }],
  [Precedence.immediate, { share: 0.85, waitMsMax: 2_000 }],
  [Precedence.flash, { share: 0.95, waitMsMax: Infinity }],
  [Precedence.override, { share: 1, waitMsMax: Infinity }],
]);

const retryAfterSecondsMax = 30;
const windowMs = 1_000;

/** One message on its way from the socket to the disk. */
export interface Place {
  /** It is stored, or refused: exactly once. */
  leave(): void;
}

/** What one sender has inside. */
interface Held {
  bytes: number;
  messages: number;
}

class Lane {
  readonly precedence: Precedence;
  readonly share: number;
  readonly waitMsMax: number;
  /** When those in it came, in that order. */
  readonly waiting = new Map<Place, number>();
  refused = 0;
  taken = 0;

  constructor(precedence: Precedence) {
    this.precedence = precedence;
    const { share, waitMsMax } = shares.get(precedence) ?? { share: 1, waitMsMax: Infinity };
    this.share = share;
    this.waitMsMax = waitMsMax;
  }
}

/**
 * The room for messages that were received and are not decided: bounded in bytes and in number, and closed to the lower
 * lanes first. It is full, too, when those inside wait too long: then the store or the processor does not keep up, and a
 * longer queue would only add to everybody's wait.
 *
 * Once half of a lane's share is taken, each of n senders may hold one part in n + 1 of it, so that one more always finds
 * some: whoever sends as much as it may keeps nobody else out.
 */
export class Room {
  readonly #options: RoomOptions;
  readonly #lanes: readonly Lane[] = precedenceNames.map((name) => new Lane(Precedence[name]));
  /** Of those who have something inside. */
  readonly #held = new Map<string, Held>();
  #bytes = 0;
  #messages = 0;
  #windowMs = -Infinity;
  #refusedBefore = 0;
  #takenBefore = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get messages(): number {
    return this.#messages;
  }

  get senders(): number {
    return this.#held.size;
  }

  enter(precedence: Precedence, bytes: number, sender: string): Result<Place> {
    const nowMs = this.#options.clock.now();
    this.#turn(nowMs);
    const lane = this.#laneOf(precedence);
    if (!this.#hasRoom(lane, bytes, nowMs) || !this.#hasPart(lane, bytes, sender)) {
      lane.refused += 1;
      return refuse('overloaded', `lane ${precedence}`, this.retryAfterSeconds());
    }
    lane.taken += 1;
    this.#hold(sender, bytes, 1);
    const place: Place = {
      leave: () => {
        if (!lane.waiting.delete(place)) return;
        this.#hold(sender, -bytes, -1);
      },
    };
    lane.waiting.set(place, nowMs);
    return accept(place);
  }

  #laneOf(precedence: Precedence): Lane {
    return this.#lanes.find((lane) => lane.precedence === precedence) ?? (this.#lanes[0] as Lane);
  }

  #hasRoom({ precedence, share, waitMsMax }: Lane, bytes: number, nowMs: number): boolean {
    const { bytesMax, messagesMax } = this.#options;
    if (this.#bytes + bytes > bytesMax * share || this.#messages + 1 > messagesMax * share) return false;
    if (waitMsMax === Infinity) return true;
    return this.#lanes.every((lane) => {
      if (lane.precedence < precedence) return true;
      const [oldest] = lane.waiting.values();
      return oldest === undefined || nowMs - oldest <= waitMsMax;
    });
  }

  /** Asked where it is getting crowded. Whoever has nothing inside needs no part yet; so much of flash nobody may send. */
  #hasPart({ share, waitMsMax }: Lane, bytes: number, sender: string): boolean {
    const { bytesMax, messagesMax } = this.#options;
    const held = this.#held.get(sender);
    const half = share / 2;
    const isCrowded = this.#bytes + bytes > bytesMax * half || this.#messages + 1 > messagesMax * half;
    if (!isCrowded || held === undefined || waitMsMax === Infinity) return true;
    const part = share / (this.#held.size + 1);
    return held.bytes + bytes <= bytesMax * part && held.messages + 1 <= messagesMax * part;
  }

  #hold(sender: string, bytes: number, messages: 1 | -1): void {
    const held = this.#held.get(sender) ?? { bytes: 0, messages: 0 };
    held.bytes += bytes;
    held.messages += messages;
    if (held.messages === 0) this.#held.delete(sender);
    else this.#held.set(sender, held);
    this.#bytes += bytes;
    this.#messages += messages;
  }

  /**
   * As many seconds as there are refused messages for each that was taken: if all come back evenly spread over that
   * time, they are about what can be taken. Jitter keeps them from coming back together.
   */
  retryAfterSeconds(): number {
    const refused = this.#refusedBefore + this.#sum('refused');
    const taken = this.#takenBefore + this.#sum('taken');
    const seconds = Math.min(retryAfterSecondsMax, 1 + refused / Math.max(1, taken));
    return seconds * (0.5 + this.#options.random());
  }

  #sum(what: 'refused' | 'taken'): number {
    return this.#lanes.reduce((sum, lane) => sum + lane[what], 0);
  }

  /** Counts are of this window and the one before it. */
  #turn(nowMs: number): void {
    if (nowMs - this.#windowMs < windowMs) return;
    const isNext = nowMs - this.#windowMs < 2 * windowMs;
    this.#refusedBefore = isNext ? this.#sum('refused') : 0;
    this.#takenBefore = isNext ? this.#sum('taken') : 0;
    this.#windowMs = nowMs;
    for (const lane of this.#lanes) {
      lane.refused = 0;
      lane.taken = 0;
    }
  }
}
