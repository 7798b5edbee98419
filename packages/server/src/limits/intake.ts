// SPDX-License-Identifier: Apache-2.0
import {
  accept,
  domainOf,
  isUrgent,
  refuse,
  type Address,
  type Domain,
  type Haste,
  type Precedence,
  type Result,
} from '@sealpost/protocol';
import type { DomainLimits } from './limits.ts';
import { MessageRateLimit } from './message-rates.ts';
import { Room, type Place } from './room.ts';
import { Turns } from './turns.ts';

interface IntakeOptions {
  readonly limits: DomainLimits;
  readonly clock: { now(): number };
  /** From 0 to 1, for jitter. */
  random(): number;
}

/** A message that may go on. Whoever got it calls `leave` once it is stored or refused. */
export interface TakenIn extends Place {
  /** The highest lane it may take: what was wanted, or less where too much of that is sent. */
  readonly lane: Precedence;
}

interface Offered {
  /** Of this domain; absent when the message goes to a peer. */
  readonly mailbox?: Address | undefined;
  /** Nothing of it is proved yet, so it must not be above what the sender could be granted. */
  readonly wanted: Precedence;
  readonly bytes: number;
}

/** What a message must pass before work is spent on it: the rates of its sender, of its mailbox, and the room. */
export class Intake {
  readonly room: Room;
  readonly #seals: Turns;
  readonly #accounts: MessageRateLimit;
  readonly #peers: MessageRateLimit;
  readonly #mailboxes: MessageRateLimit;

  constructor({ limits, clock, random }: IntakeOptions) {
    this.room = new Room({
      bytesMax: limits.roomBytesMax,
      messagesMax: limits.roomMessagesMax,
      clock,
      random,
    });
    this.#seals = new Turns({
      atOnceMax: limits.sealsMax,
      waitMsMax: limits.sealWaitMsMax,
      clock,
    });
    this.#accounts = new MessageRateLimit(limits.accountRates, limits.trackedMax, clock);
    this.#peers = new MessageRateLimit(limits.peerRates, limits.trackedMax, clock);
    this.#mailboxes = new MessageRateLimit(limits.mailboxRates, limits.trackedMax, clock);
  }

  fromAccount(account: Address, offered: Offered): Result<TakenIn> {
    return this.#take(this.#accounts, account, domainOf(account), offered);
  }

  fromPeer(peer: Domain, offered: Offered): Result<TakenIn> {
    return this.#take(this.#peers, peer, peer, offered);
  }

  /**
   * A seal is checked or made in its turn; what is urgent, and so limited in number, at once. Refused `overloaded` if its
   * turn does not come in time: nothing was done for it yet.
   */
  async seal<T>(lane: Precedence, work: (haste: Haste) => Promise<Result<T>>): Promise<Result<T>> {
    if (isUrgent(lane)) return work('at-once');
    const done = await this.#seals.run(lane, () => work('in-turn'));
    return done ?? refuse('overloaded', `no turn in lane ${lane}`, this.room.retryAfterSeconds());
  }

  /** Anything else that an account asks for counts as a message. */
  requestOfAccount(account: Address): Result<void> {
    return this.#accounts.take(account);
  }

  /** So does a question of a peer, and a batch of its evidence. */
  requestOfPeer(peer: Domain): Result<void> {
    return this.#peers.take(peer);
  }

  #take(
    senders: MessageRateLimit,
    sender: string,
    senderDomain: Domain,
    { mailbox, wanted, bytes }: Offered,
  ): Result<TakenIn> {
    const taken = senders.take(sender);
    if (!taken.ok) return taken;
    const granted = senders.lane(sender, wanted);
    const written = mailbox === undefined ? undefined : `${mailbox} ${senderDomain}`;
    const lane = written === undefined ? granted : this.#mailboxes.lane(written, granted);
    const place = this.room.enter(lane, bytes, sender);
    if (place.ok) return accept({ lane, leave: place.value.leave });
    // It will be sent again, and is no less urgent for having found no room.
    senders.giveBack(sender, granted);
    if (written !== undefined) this.#mailboxes.giveBack(written, lane);
    return place;
  }
}
