// SPDX-License-Identifier: Apache-2.0
import type { TrustedCertificate } from '@sealpost/identity';
import type { Outcome, Outgoing, Publish } from '@sealpost/mqtt/link';
import type { Session } from '@sealpost/mqtt/server';
import { decodeSeal, domainOf, type CryptoProvider, type Domain, type MessageId } from '@sealpost/protocol';
import type { Principal } from '../accounts/sign-in.ts';
import type { Custody, CustodyReader, Stored, TransitionResult } from '../custody/custody.ts';
import type { LiveMessage } from '../message.ts';
import { unixSeconds, type Clock } from '../schedule/clock.ts';
import { Feed, type Position } from '../schedule/feed.ts';
import { Fit, inboxPublish, inboxTopicOf } from './inbox-message.ts';
import type { Outcomes } from './outcomes.ts';

export interface DeliveryOptions {
  readonly crypto: CryptoProvider;
  readonly custody: Custody & CustodyReader;
  readonly clock: Clock;
  readonly outcomes: Outcomes;
  /** The certificate a stored seal names; undefined when it cannot be had or no longer leads to its anchor. */
  certificateOf(hash: Uint8Array, domain: Domain): Promise<TrustedCertificate | undefined>;
  report(error: unknown): void;
}

/** Messages and bytes in front of one session; more stays in the store. */
const queuedMax = 64;
const queuedBytesMax = 512 * 1024;
/** What is urgent overtakes what is queued, and may stand there in so many times its number. */
const urgentTimes = 16;
const retryStorageMs = 1_000;

/** One counted offer of a message with `attempts` `max`: made to all sessions of its mailbox together. */
interface CountedOffer {
  readonly counted: Promise<TransitionResult>;
  /** The how manieth attempt it is. */
  readonly number: number;
  /** That have it and have not answered. */
  sessions: number;
  /** Some byte of it may have left: before that, the attempt is not spent. */
  isWritten: boolean;
}

interface Inbox {
  readonly feed: Feed<LiveMessage>;
  readonly session: Session<Principal>;
}

/**
 * Delivery: from the mailbox to its owner's sessions. Hand-over belongs to the mailbox: the first PUBACK from any
 * session takes the message (state 6 → 7); every session that is subscribed when it arrives is offered it once [DELIV-5].
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #inboxes = new Map<string, Map<Session<Principal>, Inbox>>();
  readonly #inOffer = new Map<MessageId, CountedOffer>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** A message was consigned a moment ago; its content is still in memory. */
  arrived(message: LiveMessage): void {
    const inboxes = this.#inboxes.get(message.holder);
    if (inboxes === undefined) return;
    for (const { feed } of inboxes.values()) feed.arrived(message);
  }

  /** Messages were consigned whose content is only in the store. */
  refresh(mailbox: string): void {
    for (const { feed } of this.#inboxes.get(mailbox)?.values() ?? []) feed.reread();
  }

  /** A message has left its mailbox: nobody is offered it any more. */
  left(mailbox: string, id: MessageId): void {
    this.#inOffer.delete(id);
    for (const { feed } of this.#inboxes.get(mailbox)?.values() ?? []) feed.release(id);
  }

  /** A subscription below mail/inbox was made or repeated; `replay` offers what waits already. */
  subscribed(session: Session<Principal>, replay: boolean): void {
    const mailbox = session.principal.account.address;
    const inboxes = this.#inboxes.get(mailbox) ?? new Map<Session<Principal>, Inbox>();
    this.#inboxes.set(mailbox, inboxes);
    let inbox = inboxes.get(session);
    if (inbox === undefined) {
      inbox = { session, feed: this.#open(session, mailbox) };
      inboxes.set(session, inbox);
      if (!replay) inbox.feed.skipToEnd();
    }
    if (replay) inbox.feed.restart();
  }

  /** The connection is gone and the session lives on: what was written stays on its way to it. */
  closed(session: Session<Principal>): void {
    this.#inboxOf(session)?.feed.pause();
  }

  /** The session is connected again. */
  opened(session: Session<Principal>): void {
    this.#inboxOf(session)?.feed.resume();
  }

  /** The session is no more; what it had not taken stays in the mailbox. */
  ended(session: Session<Principal>): void {
    const mailbox = session.principal.account.address;
    const inboxes = this.#inboxes.get(mailbox);
    inboxes?.get(session)?.feed.stop();
    inboxes?.delete(session);
    if (inboxes?.size === 0) this.#inboxes.delete(mailbox);
  }

  #inboxOf(session: Session<Principal>): Inbox | undefined {
    return this.#inboxes.get(session.principal.account.address)?.get(session);
  }

  #open(session: Session<Principal>, mailbox: string): Feed<LiveMessage> {
    const feed: Feed<LiveMessage> = new Feed<LiveMessage>({
      load: (limit, after) => this.#load(mailbox, limit, after),
      key: (message) => message.seal.claims.id,
      hasRoom: (urgent) => {
        const times = urgent ? urgentTimes : 1;
        return session.queued < queuedMax * times && session.queuedBytes < queuedBytesMax * times;
      },
      isCrowded: (urgent) => session.isCrowded(urgent),
      offer: (message) => this.#offer(session, feed, message),
      clock: this.#options.clock,
      report: this.#options.report,
    });
    return feed;
  }

  async #load(mailbox: string, limit: number, after: Position | undefined): Promise<LiveMessage[]> {
    const rows = await this.#options.custody.waiting(mailbox, limit, after);
    const messages: LiveMessage[] = [];
    for (const row of rows) messages.push(await this.#revive(row));
    return messages;
  }

  async #revive(row: Stored): Promise<LiveMessage> {
    const decoded = decodeSeal(row.seal ?? new Uint8Array(0), this.#options.crypto);
    // What is stored was decoded before it was stored: anything else is a damaged database.
    if (!decoded.ok) throw new Error(`stored seal of ${row.id} does not decode: ${decoded.refusal.cause}`);
    const seal = decoded.value;
    const certificate = await this.#options.certificateOf(seal.certificateHash, domainOf(seal.claims.issuer));
    const { holder, lane, seq, attempts, nextAt } = row;
    const body = row.body ?? new Uint8Array(0);
    return { holder, lane, seq, seal, body, certificate, attempts, heldUntilMs: nextAt };
  }

  #offer(session: Session<Principal>, feed: Feed<LiveMessage>, message: LiveMessage): void {
    if (session.matches(inboxTopicOf(message)) === undefined) return feed.setAside(message.seal.claims.id);
    if (message.seal.claims.attempts?.max === undefined) this.#send(session, feed, message, Fit.whole);
    else this.#sendCounted(session, feed, message).catch(this.#options.report);
  }

  /** With a `max`, the attempt is on disk before the first byte leaves [DELIV-6]. */
  async #sendCounted(
    session: Session<Principal>,
    feed: Feed<LiveMessage>,
    message: LiveMessage,
  ): Promise<void> {
    const { id } = message.seal.claims;
    // Sessions of one mailbox that are offered the message together share one attempt.
    const offer = this.#inOffer.get(id) ?? this.#count(message);
    offer.sessions += 1;
    const result = await offer.counted;
    const isStill = this.#inOffer.get(id) === offer;
    if (result.kind === 'applied' && isStill) return this.#send(session, feed, message, Fit.whole);
    if (isStill) this.#inOffer.delete(id);
    // Used up in an earlier life, and unanswered then. Otherwise it has left, or the disk has no room for the count.
    if (result.kind === 'wrong-state' && result.state === 6)
      await this.#options.outcomes.lapse(message, 'attempts');
    feed.release(id);
  }

  #count({ attempts, holder, lane, seal }: LiveMessage): CountedOffer {
    const { id } = seal.claims;
    const counted = this.#options.custody.commit({ kind: 'attempt', holder, id }, lane);
    const offer = { counted, number: attempts + 1, sessions: 0, isWritten: false };
    this.#inOffer.set(id, offer);
    return offer;
  }

  #send(session: Session<Principal>, feed: Feed<LiveMessage>, message: LiveMessage, fit: Fit): void {
    const match = session.matches(inboxTopicOf(message));
    if (match === undefined) {
      feed.setAside(message.seal.claims.id);
      return this.#unanswered(message, false);
    }
    const publish = inboxPublish(message, match, session, fit, unixSeconds(this.#options.clock));
    session.send(new InboxOffer(this, session, feed, message, publish, fit));
  }

  /** Called once for every offer, by the session that carried it. */
  settled(offer: InboxOffer, outcome: Outcome): void {
    const { message, feed, session, fit } = offer;
    const { id } = message.seal.claims;
    if (outcome.kind === 'too-large' && fit < Fit.stub)
      return this.#send(session, feed, message, (fit + 1) as Fit);
    // What is over is not taken any more: repeated in a resumed session, it went without its content [DELIV-6].
    const isOver = this.#options.clock.now() >= offer.expiresAt;
    if (outcome.kind === 'acknowledged' && outcome.acknowledgement.reasonCode < 0x80 && !isOver) {
      this.#inOffer.delete(id);
      this.#settle(feed, message, () => this.#options.outcomes.handOver(message));
      return;
    }
    if (outcome.kind === 'expired' || isOver) {
      this.#settle(feed, message, () => this.#options.outcomes.lapse(message, 'expired'));
      return;
    }
    // Shown without being taken (QoS 0, a stub) or refused by the client: offered again when it subscribes again.
    if (outcome.kind !== 'lost') feed.setAside(id);
    else if (!outcome.written) feed.release(id);
    this.#unanswered(message, outcome.kind !== 'lost' || outcome.written);
  }

  /** On a full disk, again and again: what a client did is not forgotten, and not repeated to it. */
  #settle(feed: Feed<LiveMessage>, message: LiveMessage, step: () => Promise<TransitionResult>): void {
    step()
      .then((result) => {
        if (result.kind !== 'refused') feed.release(message.seal.claims.id);
        else this.#options.clock.after(retryStorageMs, () => this.#settle(feed, message, step));
      })
      .catch(this.#options.report);
  }

  /** When the last counted offer came to nothing in every session, the message lapses. */
  #unanswered(message: LiveMessage, isWritten: boolean): void {
    const { id, attempts } = message.seal.claims;
    const offer = this.#inOffer.get(id);
    if (attempts?.max === undefined || offer === undefined) return;
    offer.sessions -= 1;
    offer.isWritten ||= isWritten;
    // Counted, and nobody was reached: the next offer is this one.
    if (offer.sessions > 0 || !offer.isWritten) return;
    this.#inOffer.delete(id);
    if (offer.number >= attempts.max)
      this.#options.outcomes.lapse(message, 'attempts').catch(this.#options.report);
  }
}

class InboxOffer implements Outgoing {
  readonly publish: Publish;
  readonly rank: number;
  readonly expiresAt: number;
  readonly message: LiveMessage;
  readonly feed: Feed<LiveMessage>;
  readonly session: Session<Principal>;
  readonly fit: Fit;
  readonly #delivery: Delivery;

  constructor(
    delivery: Delivery,
    session: Session<Principal>,
    feed: Feed<LiveMessage>,
    message: LiveMessage,
    publish: Publish,
    fit: Fit,
  ) {
    this.#delivery = delivery;
    this.session = session;
    this.feed = feed;
    this.message = message;
    this.publish = publish;
    this.fit = fit;
    this.rank = message.lane;
    this.expiresAt = message.seal.claims.expires * 1000;
  }

  settled(outcome: Outcome): void {
    this.#delivery.settled(this, outcome);
  }
}
