// SPDX-License-Identifier: Apache-2.0
import type { Outcome, Outgoing, Publish } from '@sealpost/mqtt/link';
import type { Session } from '@sealpost/mqtt/server';
import {
  Event,
  contentTypeDefault,
  decodeEvidence,
  eventWord,
  evidenceTopic,
  toBase64Url,
  withChain,
  type Address,
  type CryptoProvider,
  type MessageId,
  type Precedence,
  type Statement,
} from '@sealpost/protocol';
import type { Principal } from '../accounts/sign-in.ts';
import type { Custody, CustodyReader } from '../custody/custody.ts';
import type { Clock } from '../schedule/clock.ts';
import { Feed, type Position } from '../schedule/feed.ts';
import { chainFor } from './chain.ts';

/** One event of one message that the sender's clients are still to be told of. */
interface Notice extends Position {
  readonly id: MessageId;
  readonly event: Event;
  readonly signed: Uint8Array;
  /** What `signed` says, when it was made or admitted in this process; read from the bytes otherwise. */
  readonly meaning?: Meaning;
}

interface Meaning {
  readonly statement: Statement;
  /** Certificates that lead from the signer to its anchor's authority. */
  readonly chain: readonly Uint8Array[];
}

const bad: readonly Event[] = [
  Event.rejected,
  Event.relayRefused,
  Event.relayFailed,
  Event.refused,
  Event.expired,
  Event.notDeliverable,
  Event.lapsed,
  Event.cancelled,
  Event.unconfirmed,
];

/** Which of these events the sender is told: what it asked for, and failure unless it asked for silence [DELIV-11]. */
export function noticesFor(ask: readonly Event[], quiet: boolean, events: readonly Event[]): Event[] {
  return events.filter(
    (event) =>
      ask.includes(event) ||
      (event === Event.declined && ask.includes(Event.acknowledged)) ||
      (!quiet && bad.includes(event)),
  );
}

interface NoticesOptions {
  readonly custody: Custody & CustodyReader;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  /** The certificates of a signer, by the hash its evidence names. */
  chainOf(certificateHash: Uint8Array): readonly Uint8Array[];
  report(error: unknown): void;
}

const queuedMax = 64;
const urgentQueuedMax = 1_024;

/** Publishes evidence to the sessions of its sender on mail/evidence/…, until one of them has acknowledged it. */
export class Notices {
  readonly #options: NoticesOptions;
  readonly #feeds = new Map<Session<Principal>, Feed<Notice>>();
  readonly #sessions = new Map<Address, Set<Session<Principal>>>();
  readonly #taken = new Map<Address, number[]>();

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  /** A commit made notices; tell whoever listens now. */
  arrived(mailbox: Address, notices: readonly { seq: number; event: Event }[], made: Made): void {
    const sessions = this.#sessions.get(mailbox);
    if (sessions === undefined) return;
    for (const { seq, event } of notices) {
      const notice: Notice = {
        seq,
        event,
        lane: made.lane,
        id: made.statement.id,
        signed: made.signed,
        meaning: made,
      };
      for (const session of sessions) this.#feeds.get(session)?.arrived(notice);
    }
  }

  subscribed(session: Session<Principal>, replay: boolean): void {
    const mailbox = session.principal.account.address;
    let feed = this.#feeds.get(session);
    if (feed === undefined) {
      feed = this.#open(session, mailbox);
      this.#feeds.set(session, feed);
      const sessions = this.#sessions.get(mailbox) ?? new Set();
      this.#sessions.set(mailbox, sessions.add(session));
    }
    if (replay) feed.restart();
    else if (feed.onItsWay === 0) feed.skipToEnd();
  }

  closed(session: Session<Principal>): void {
    this.#feeds.get(session)?.pause();
  }

  opened(session: Session<Principal>): void {
    this.#feeds.get(session)?.resume();
  }

  ended(session: Session<Principal>): void {
    this.#feeds.get(session)?.stop();
    this.#feeds.delete(session);
    const mailbox = session.principal.account.address;
    const sessions = this.#sessions.get(mailbox);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#sessions.delete(mailbox);
  }

  #open(session: Session<Principal>, mailbox: Address): Feed<Notice> {
    const { clock, custody, report } = this.#options;
    const feed: Feed<Notice> = new Feed<Notice>({
      load: (limit, after) => custody.notices(mailbox, limit, after),
      key: (notice) => String(notice.seq),
      hasRoom: (urgent) => session.queued < (urgent ? urgentQueuedMax : queuedMax),
      isCrowded: (urgent) => session.isCrowded(urgent),
      clock,
      report,
      offer: (notice) => this.#offer(session, feed, notice),
    });
    return feed;
  }

  #offer(session: Session<Principal>, feed: Feed<Notice>, notice: Notice): void {
    const topic = evidenceTopic(notice.id, notice.event);
    const match = session.matches(topic);
    const meaning = notice.meaning ?? this.#read(notice.signed);
    if (match === undefined || meaning === undefined) return feed.setAside(String(notice.seq));
    const chain = chainFor(session, meaning.chain);
    const publish: Publish = {
      topic,
      payload: Buffer.from(describe(notice.event, meaning.statement)),
      qos: match.qos,
      retain: false,
      payloadFormat: 1,
      contentType: contentTypeDefault,
      subscriptionIds: match.subscriptionIds,
      userProperties: [['evidence', toBase64Url(withChain(notice.signed, chain))]],
    };
    session.send(new NoticeOffer(this, feed, session, notice, publish));
  }

  #read(signed: Uint8Array): Meaning | undefined {
    const decoded = decodeEvidence(signed, this.#options.crypto);
    if (!decoded.ok) return undefined;
    const { statement, certificateHash } = decoded.value;
    return { statement, chain: this.#options.chainOf(certificateHash) };
  }

  /** The first acknowledgement from any session takes the notice; acknowledgements of one turn share a commit. */
  taken(session: Session<Principal>, notice: Notice): void {
    const mailbox = session.principal.account.address;
    const gathered = this.#taken.get(mailbox);
    if (gathered !== undefined) {
      gathered.push(notice.seq);
      return;
    }
    this.#taken.set(mailbox, [notice.seq]);
    setImmediate(() => this.#commitTaken(mailbox));
  }

  #commitTaken(mailbox: Address): void {
    const taken = this.#taken.get(mailbox) ?? [];
    this.#taken.delete(mailbox);
    this.#options.custody
      .commit({ kind: 'noticed', mailbox, seqs: taken })
      .then(() => this.#release(mailbox, taken))
      .catch(this.#options.report);
  }

  /** In every session: it is owed to none of them any more. */
  #release(mailbox: Address, seqs: readonly number[]): void {
    for (const session of this.#sessions.get(mailbox) ?? [])
      for (const seq of seqs) this.#feeds.get(session)?.release(String(seq));
  }
}

export interface Made extends Meaning {
  readonly signed: Uint8Array;
  readonly lane: Precedence;
}

class NoticeOffer implements Outgoing {
  readonly publish: Publish;
  readonly rank: number;
  readonly #notices: Notices;
  readonly #feed: Feed<Notice>;
  readonly #session: Session<Principal>;
  readonly #notice: Notice;

  constructor(
    notices: Notices,
    feed: Feed<Notice>,
    session: Session<Principal>,
    notice: Notice,
    publish: Publish,
  ) {
    this.#notices = notices;
    this.#feed = feed;
    this.#session = session;
    this.#notice = notice;
    this.publish = publish;
    this.rank = notice.lane;
  }

  settled(outcome: Outcome): void {
    if (outcome.kind === 'acknowledged' && outcome.acknowledgement.reasonCode < 0x80)
      this.#notices.taken(this.#session, this.#notice);
    else if (outcome.kind === 'lost' && !outcome.written) this.#feed.release(String(this.#notice.seq));
    else this.#feed.setAside(String(this.#notice.seq));
  }
}

/** One line for a person who reads the topic with a stock client [DELIV-12]. */
export function describe(event: Event, statement: Statement): string {
  const at = new Date(statement.observedAt * 1000).toISOString().replace('.000', '');
  const lane = statement.lane === undefined ? '' : ', in a lower lane than asked';
  const reason = statement.reason === undefined ? '' : `, ${statement.reason}`;
  return `${eventWord(event)}: ${statement.recipient}, ${at}${lane}${reason}`;
}
