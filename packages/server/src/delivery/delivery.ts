// SPDX-License-Identifier: Apache-2.0
import type { TrustedCertificate } from '@sealpost/identity';
import type { Outcome, Outgoing, Publish } from '@sealpost/mqtt/link';
import type { Session } from '@sealpost/mqtt/server';
import { decodeSeal, domainOf, type CryptoProvider, type Domain } from '@sealpost/protocol';
import type { Principal } from '../accounts/sign-in.ts';
import type { Custody, CustodyReader, Stored } from '../custody/custody.ts';
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
  /** Counted offers under way, by message id. */
  readonly #inOffer = new Map<string, { sessions: number; counted: Promise<{ kind: string }> }>();

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
      hasRoom: () => session.queued < queuedMax && session.queuedBytes < queuedBytesMax,
      offer: (message) => this.#offer(session, feed, message),
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
    else void this.#sendCounted(session, feed, message);
  }

  /** With a `max`, the attempt is on disk before the first byte leaves [DELIV-6]. */
  async #sendCounted(
    session: Session<Principal>,
    feed: Feed<LiveMessage>,
    message: LiveMessage,
  ): Promise<void> {
    const { custody, outcomes, report } = this.#options;
    const { holder, seal } = message;
    try {
      // Sessions of one mailbox that are offered the message together share one attempt.
      if (!this.#inOffer.has(seal.claims.id)) {
        const counted = custody.commit({ kind: 'attempt', holder, id: seal.claims.id }, message.lane);
        this.#inOffer.set(seal.claims.id, { sessions: 0, counted });
      }
      const offer = this.#inOffer.get(seal.claims.id);
      if (offer === undefined) return;
      offer.sessions += 1;
      const { kind } = await offer.counted;
      if (kind === 'applied') return this.#send(session, feed, message, Fit.whole);
      offer.sessions -= 1;
      if (offer.sessions === 0) {
        this.#inOffer.delete(seal.claims.id);
        await outcomes.lapse(message, 'attempts');
      }
    } catch (error) {
      report(error);
    }
  }

  #send(session: Session<Principal>, feed: Feed<LiveMessage>, message: LiveMessage, fit: Fit): void {
    const match = session.matches(inboxTopicOf(message));
    if (match === undefined) return feed.setAside(message.seal.claims.id);
    const publish = inboxPublish(message, match, session, fit, unixSeconds(this.#options.clock));
    session.send(new InboxOffer(this, session, feed, message, publish, fit));
  }

  /** Called once for every offer, by the session that carried it. */
  settled(offer: InboxOffer, outcome: Outcome): void {
    const { message, feed, session, fit } = offer;
    if (outcome.kind === 'too-large' && fit < Fit.stub)
      return this.#send(session, feed, message, (fit + 1) as Fit);
    if (outcome.kind === 'acknowledged' && outcome.acknowledgement.reasonCode < 0x80) {
      this.#inOffer.delete(message.seal.claims.id);
      this.#handOver(feed, message);
      return;
    }
    if (outcome.kind === 'expired') {
      this.#options.outcomes
        .lapse(message, 'expired')
        .then(() => feed.release(message.seal.claims.id), this.#options.report);
      return;
    }
    if (outcome.kind === 'lost') {
      this.#unanswered(message);
      if (!outcome.written) feed.release(message.seal.claims.id);
    }
    // Shown without being taken (QoS 0, a stub) or refused by the client: offered again when it subscribes again.
    if (outcome.kind !== 'lost') feed.setAside(message.seal.claims.id);
  }

  #handOver(feed: Feed<LiveMessage>, message: LiveMessage): void {
    this.#options.outcomes
      .handOver(message)
      .then(() => feed.release(message.seal.claims.id), this.#options.report);
  }

  /** When the last counted offer came to nothing in every session, the message lapses. */
  #unanswered(message: LiveMessage): void {
    const { id, attempts } = message.seal.claims;
    const offer = this.#inOffer.get(id);
    if (attempts?.max === undefined || offer === undefined) return;
    offer.sessions -= 1;
    if (offer.sessions > 0) return;
    this.#inOffer.delete(id);
    if (message.attempts + 1 >= attempts.max)
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
