// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import type { Outcome, Outgoing } from '@sealpost/mqtt/link';
import {
  Event,
  fromBase64Url,
  relayTopic,
  remainingSeconds,
  toBase64Url,
  toHex,
  withChain,
  type Domain,
  type MessageId,
} from '@sealpost/protocol';
import type { Custody, CustodyReader, State, Stored } from '../custody/custody.ts';
import type { Admission } from '../evidence/admission.ts';
import { noticesFor, type Notices } from '../evidence/notices.ts';
import type { Statements } from '../evidence/statement.ts';
import { holderOfPeer } from '../message.ts';
import { retryDelayMs } from '../schedule/backoff.ts';
import { unixSeconds, type Clock } from '../schedule/clock.ts';
import { Feed, type Position } from '../schedule/feed.ts';
import type { Sink } from './link.ts';
import { property } from './link.ts';

export interface OutboundOptions {
  readonly custody: Custody & CustodyReader;
  readonly admission: Admission;
  readonly statements: Statements;
  readonly notices: Notices;
  readonly clock: Clock;
  /** Certificates of this domain's own signer. */
  readonly chain: readonly Uint8Array[];
  random(): number;
  /** Certificates of the signer of a stored seal, by hash. */
  chainOf(certificateHash: Uint8Array): Promise<readonly Uint8Array[]>;
  report(error: unknown): void;
}

/** One message on its way to a peer (state 3 or 4). */
export interface Due extends Position {
  readonly id: MessageId;
  readonly state: State;
  /** It was offered in an earlier life and may have been taken then. */
  readonly inDoubt: boolean;
  readonly issuer: Stored['issuer'];
  readonly audience: Stored['audience'];
  readonly digest: Uint8Array;
  readonly ask: readonly Event[];
  readonly quiet: boolean;
  readonly expires: number;
  readonly seal: Uint8Array;
  readonly certificateHash: Uint8Array;
  readonly contentType: string;
  readonly body: Uint8Array;
}

const queuedMax = 128;
const queuedBytesMax = 1024 * 1024;
/** Messages that wait for their next offer with a timer each; beyond this the queue pauses. */
const deferredMax = 1_024;

/** The queue of one peer: offers what is due over the link while there is one, and settles what the peer answers. */
export class PeerQueue {
  readonly peer: Domain;
  readonly #options: OutboundOptions;
  readonly #holder: string;
  #sink: Sink | undefined;
  #feed: Feed<Due> | undefined;
  /** Certificates that the peer has taken over this link [RELAY-7]. */
  #taken = new Set<string>();
  #deferred = new Map<MessageId, number>();
  #failures = new Map<MessageId, number>();

  constructor(peer: Domain, options: OutboundOptions) {
    this.peer = peer;
    this.#options = options;
    this.#holder = holderOfPeer(peer);
  }

  /** Whether an offer would leave at once, so that the accepting commit may already say "in doubt" (state 4). */
  get ready(): boolean {
    return this.#feed?.isOpen === true;
  }

  linkUp(sink: Sink, read: (row: Stored) => Due): void {
    this.linkDown();
    this.#sink = sink;
    this.#taken = new Set();
    const feed: Feed<Due> = new Feed<Due>({
      load: async (limit, after) => {
        const rows = await this.#options.custody.due(this.peer, limit, after);
        return rows.map(read);
      },
      key: (due) => due.id,
      hasRoom: () => this.#hasRoom(),
      offer: (due) => this.#offer(feed, due),
      report: this.#options.report,
    });
    this.#feed = feed;
    feed.reread();
  }

  linkDown(): void {
    this.#feed?.stop();
    this.#feed = undefined;
    this.#sink = undefined;
    this.#deferred = new Map();
  }

  arrived(due: Due): void {
    const offered = this.#feed?.arrived(due) ?? false;
    if (!offered && due.state === 4) this.#withdraw(due).catch(this.#options.report);
  }

  #hasRoom(): boolean {
    const sink = this.#sink;
    if (sink === undefined || this.#deferred.size >= deferredMax) return false;
    return sink.queued < queuedMax && sink.queuedBytes < queuedBytesMax;
  }

  #offer(feed: Feed<Due>, due: Due): void {
    if (due.state === 4) {
      void this.#send(feed, due, !this.#taken.has(toHex(due.certificateHash)));
      return;
    }
    // State 3 → 4 is on disk before the bytes leave: whoever finds the row after a crash knows it may have arrived.
    this.#options.custody
      .commit({ kind: 'offer', holder: this.#holder, id: due.id }, due.lane)
      .then((result) => {
        if (result.kind === 'applied')
          return this.#send(feed, due, !this.#taken.has(toHex(due.certificateHash)));
        feed.release(due.id);
        return undefined;
      })
      .catch(this.#options.report);
  }

  async #send(feed: Feed<Due>, due: Due, withCertificate: boolean): Promise<void> {
    const chain = withCertificate ? await this.#chain(due) : [];
    const sink = this.#sink;
    if (sink === undefined || feed !== this.#feed) return this.#withdraw(due);
    sink.send(new RelayOffer(this, feed, due, this.#publish(due, chain), chain.length > 0));
  }

  /** Our own seals need none: the peer learnt our seal certificate when the link was made [RELAY-5]. */
  async #chain(due: Due): Promise<readonly Uint8Array[]> {
    try {
      return await this.#options.chainOf(due.certificateHash);
    } catch (error) {
      this.#options.report(error);
      return [];
    }
  }

  #publish(due: Due, chain: readonly Uint8Array[]): Publish {
    return {
      topic: relayTopic('message'),
      payload: due.body,
      qos: 1,
      retain: false,
      messageExpirySeconds: remainingSeconds(due.expires, unixSeconds(this.#options.clock)),
      contentType: due.contentType,
      userProperties: [['seal', toBase64Url(chain.length === 0 ? due.seal : withChain(due.seal, chain))]],
    };
  }

  /** Called once for every offer. */
  settled(offer: RelayOffer, outcome: Outcome): void {
    this.#settle(offer, outcome).catch(this.#options.report);
  }

  async #settle(offer: RelayOffer, outcome: Outcome): Promise<void> {
    const { due, feed } = offer;
    switch (outcome.kind) {
      case 'acknowledged':
        return this.#answered(offer, outcome.acknowledgement);
      case 'too-large':
        await this.#fail(due, 'too-large');
        feed.release(due.id);
        return undefined;
      case 'lost':
        return outcome.written ? undefined : this.#withdraw(due);
      default:
        // Expired before it was written: the schedule finishes it.
        this.#failures.delete(due.id);
        await this.#withdraw(due);
        feed.release(due.id);
        return undefined;
    }
  }

  async #answered(offer: RelayOffer, { reasonCode, userProperties = [] }: Acknowledgement): Promise<void> {
    const { due, feed } = offer;
    const signed = fromBase64Url(property(userProperties, 'evidence') ?? '');
    if (signed !== undefined && signed.length > 0) {
      const admitted = await this.#options.admission.admit(this.peer, signed);
      if (admitted.ok) {
        if (offer.carriedChain) this.#taken.add(toHex(due.certificateHash));
        this.#failures.delete(due.id);
        feed.release(due.id);
        return;
      }
      this.#options.report(new Error(`evidence of ${this.peer} not admitted: ${admitted.refusal.code}`));
    }
    const code = property(userProperties, 'error');
    if (code === 'certificate-needed' && !offer.carriedChain) {
      this.#taken.delete(toHex(due.certificateHash));
      await this.#send(feed, due, true);
      return;
    }
    if (reasonCode >= 0x80 && reasonCode !== 0x97) {
      await this.#fail(due, code ?? 'rejected');
      feed.release(due.id);
      return;
    }
    // A temporary refusal says the peer did not take it; an acceptance without evidence leaves it in doubt [RELAY-6].
    if (reasonCode === 0x97) await this.#withdraw(due);
    this.#defer(feed, due, Number(property(userProperties, 'retry-after') ?? 0) || 0);
  }

  #defer(feed: Feed<Due>, due: Due, retryAfterSeconds: number): void {
    const failures = (this.#failures.get(due.id) ?? 0) + 1;
    this.#failures.set(due.id, failures);
    const delay = retryDelayMs(failures, due.lane, this.#options.random(), retryAfterSeconds);
    this.#deferred.set(due.id, failures);
    this.#options.clock.after(delay, () => {
      if (feed !== this.#feed) return;
      this.#deferred.delete(due.id);
      feed.release(due.id);
      feed.reread();
    });
  }

  /** The bytes are known not to have left (or to have been refused for now): state 4 → 3, unless in doubt before. */
  async #withdraw(due: Due): Promise<void> {
    if (due.inDoubt) return;
    await this.#options.custody.commit({ kind: 'withdraw', holder: this.#holder, id: due.id }, due.lane);
  }

  async #fail(due: Due, reason: string): Promise<void> {
    this.#failures.delete(due.id);
    const { custody, statements, notices, chain } = this.#options;
    const subject = { id: due.id, digest: due.digest, recipient: due.audience };
    const statement = statements.about(subject, [Event.relayFailed], { reason });
    const result = await custody.commit(
      {
        kind: 'finish',
        holder: this.#holder,
        id: due.id,
        from: [3, 4],
        outcome: Event.relayFailed,
        evidence: statement,
        notices: noticesFor(due.ask, due.quiet, statement.events),
      },
      due.lane,
    );
    if (result.kind === 'applied' && result.signed !== undefined && result.notices !== undefined)
      notices.arrived(due.issuer, result.notices, {
        signed: result.signed,
        statement,
        chain,
        lane: due.lane,
      });
  }
}

class RelayOffer implements Outgoing {
  readonly publish: Publish;
  readonly rank: number;
  readonly expiresAt: number;
  readonly due: Due;
  readonly feed: Feed<Due>;
  readonly carriedChain: boolean;
  readonly #queue: PeerQueue;

  constructor(queue: PeerQueue, feed: Feed<Due>, due: Due, publish: Publish, carriedChain: boolean) {
    this.#queue = queue;
    this.feed = feed;
    this.due = due;
    this.publish = publish;
    this.carriedChain = carriedChain;
    this.rank = due.lane;
    this.expiresAt = due.expires * 1000;
  }

  settled(outcome: Outcome): void {
    this.#queue.settled(this, outcome);
  }
}
