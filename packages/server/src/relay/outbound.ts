// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import type { Outcome, Outgoing } from '@sealpost/mqtt/link';
import {
  Event,
  describeError,
  fromBase64Url,
  isErrorCode,
  relayTopic,
  remainingSeconds,
  toBase64Url,
  toHex,
  withChain,
  type Domain,
  type MessageId,
  type Precedence,
  type Statement,
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
/** What is urgent overtakes what is queued, and may stand there in so many times its number. */
const urgentTimes = 16;
/** Messages that wait for their next offer with a timer each; beyond this the queue pauses. */
const deferredMax = 1_024;
/** Messages whose failed offers are counted. */
const failuresMax = 8_192;

/** The queue of one peer: offers what is due over the link while there is one, and settles what the peer answers. */
export class PeerQueue {
  readonly peer: Domain;
  readonly #options: OutboundOptions;
  readonly #holder: string;
  #sink: Sink | undefined;
  #feed: Feed<Due> | undefined;
  /** Certificates that the peer has taken over this link [RELAY-7]. */
  #taken = new Set<string>();
  #deferred = new Set<MessageId>();
  readonly #failures = new Map<MessageId, number>();

  constructor(peer: Domain, options: OutboundOptions) {
    this.peer = peer;
    this.#options = options;
    this.#holder = holderOfPeer(peer);
  }

  /** Whether an offer would leave at once, so that the accepting commit may already say "in doubt" (state 4). */
  isReady(lane: Precedence): boolean {
    return this.#feed?.isOpenFor(lane) === true;
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
      hasRoom: (urgent) => this.#hasRoom(urgent),
      offer: (due) => this.#offer(feed, due),
      clock: this.#options.clock,
      report: this.#options.report,
    });
    this.#feed = feed;
    feed.reread();
  }

  linkDown(): void {
    this.#feed?.stop();
    this.#feed = undefined;
    this.#sink = undefined;
    this.#deferred = new Set();
  }

  arrived(due: Due): void {
    const offered = this.#feed?.arrived(due) ?? false;
    if (!offered && due.state === 4) this.#withdraw(due).catch(this.#options.report);
  }

  #hasRoom(urgent: boolean): boolean {
    const sink = this.#sink;
    if (sink === undefined || this.#deferred.size >= deferredMax) return false;
    const times = urgent ? urgentTimes : 1;
    return sink.queued < queuedMax * times && sink.queuedBytes < queuedBytesMax * times;
  }

  #offer(feed: Feed<Due>, due: Due): void {
    const send = (): Promise<void> => this.#send(feed, due, !this.#taken.has(toHex(due.certificateHash)));
    if (due.state === 4) {
      send().catch(this.#options.report);
      return;
    }
    // State 3 → 4 is on disk before the bytes leave: whoever finds the row after a crash knows it may have arrived.
    this.#options.custody
      .commit({ kind: 'offer', holder: this.#holder, id: due.id }, due.lane)
      .then((result) => {
        if (result.kind === 'applied') return send();
        if (result.kind === 'refused') this.#defer(feed, due, 0);
        else feed.release(due.id);
        return undefined;
      })
      .catch(this.#options.report);
  }

  async #send(feed: Feed<Due>, due: Due, withCertificate: boolean): Promise<void> {
    const chain = withCertificate ? await this.#chain(due) : [];
    const sink = this.#sink;
    if (sink === undefined || feed !== this.#feed) return this.#withdraw(due);
    sink.send(new RelayOffer(this, feed, due, this.#publish(due, chain), withCertificate));
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
        return this.#refused(feed, due, 'too-large');
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
      if (admitted.ok && answers(admitted.value, due)) {
        if (offer.carriedChain) this.#taken.add(toHex(due.certificateHash));
        this.#failures.delete(due.id);
        feed.release(due.id);
        return;
      }
      const why = admitted.ok ? 'no answer to this offer' : admitted.refusal.code;
      this.#options.report(new Error(`evidence of ${this.peer} not admitted: ${why}`));
    }
    const error = property(userProperties, 'error');
    const code = error !== undefined && isErrorCode(error) ? error : undefined;
    if (code === 'certificate-needed' && !offer.carriedChain) {
      this.#taken.delete(toHex(due.certificateHash));
      await this.#send(feed, due, true);
      return;
    }
    if (code !== undefined && reasonCode >= 0x80 && describeError(code).permanent)
      return this.#refused(feed, due, code);
    // A temporary refusal says that the peer did not take it. Undecided says nothing of the kind, and neither does an
    // acceptance without evidence, or a failure without a name: they leave it in doubt [RELAY-6].
    if (code !== undefined && reasonCode >= 0x80 && code !== 'undecided') await this.#withdraw(due);
    this.#defer(feed, due, Number(property(userProperties, 'retry-after') ?? 0) || 0);
  }

  /** For good, and without a statement of the peer: what may have been taken at an earlier offer stays in doubt [RELAY-10]. */
  async #refused(feed: Feed<Due>, due: Due, reason: string): Promise<void> {
    if (due.inDoubt) {
      this.#defer(feed, due, 0);
      return;
    }
    await this.#fail(due, reason);
    feed.release(due.id);
  }

  #defer(feed: Feed<Due>, due: Due, retryAfterSeconds: number): void {
    const failures = (this.#failures.get(due.id) ?? 0) + 1;
    this.#failures.delete(due.id);
    this.#failures.set(due.id, failures);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > failuresMax && oldest !== undefined) this.#failures.delete(oldest);
    const delay = retryDelayMs(failures, due.lane, this.#options.random(), retryAfterSeconds);
    this.#deferred.add(due.id);
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
  /** With the certificates, if we have them. */
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

/** Whether the statement says what became of this offer: taken, or not. */
function answers({ id, events }: Statement, due: Due): boolean {
  return id === due.id && (events.includes(Event.relayed) || events.includes(Event.relayRefused));
}
