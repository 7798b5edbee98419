// SPDX-License-Identifier: Apache-2.0
// The custody port. Words used here and below:
//   holder      whose queue a row stands in: a mailbox of this domain, or `@` and the domain of a peer
//   transition  one step of one message, with the state it expects to find
//   batch       the transitions of one transaction, and so of one fsync
//   evidence    signed statements, kept per message in the order in which they became durable (serial)
//   notice      evidence owed to the sender's clients      report  evidence owed to the sender's domain
//   outcome     what became of the delivery                handover  what became of a consigned message
//   seq         order of arrival, given by this node, rising over restarts
import type { Address, Event, MessageId, Precedence } from '@sealpost/protocol';
import type { State } from './states.ts';
import type { Transition, TransitionResult } from './transition.ts';

export type { State } from './states.ts';
export type { NoticeRef, Transition, TransitionResult } from './transition.ts';

/**
 * The only place that writes message state.
 *
 * What a transition did is durable (fsync) when its promise resolves, evidence, notices and reports included. A
 * transition that cannot be made is a result, and does not disturb the others of its batch. The promise rejects only if
 * signing failed, or if custody has failed as a whole (the worker died, another process took the directory); from then
 * on everything rejects, and it is unknown whether what was under way is stored: every step may be repeated after
 * reopening, and says `duplicate` where it was done.
 */
export interface Custody {
  /**
   * Higher ranks are written first; by default the lane of what is accepted, and 0 otherwise. Transitions of the same
   * message keep their order whatever their rank.
   */
  commit(transition: Transition, rank?: number): Promise<TransitionResult>;
  /** Content that was handed to commit and is not durable yet. What to do when it is too much is the caller's. */
  readonly pendingBytes: number;
  /** Writes what was committed, then releases the directory. */
  close(): Promise<void>;
}

export interface PruneStep {
  readonly deleted: number;
  /** Everything has been looked at once; the next step begins anew. */
  readonly isLast: boolean;
}

export interface QueueLane {
  /** Of messages that a mailbox's clients, a peer, or their not-before keeps waiting. */
  readonly queue: 'mailbox' | 'peer' | 'held';
  readonly lane: Precedence;
  readonly count: number;
  /** When the oldest of them was accepted here, unix seconds. */
  readonly since?: number;
}

/** What an operator asks. An ability of its own, because nothing that moves a message needs it. */
export interface Inspecting {
  /** Of each queue, and of what is owed, no more than `limit` rows are looked at; the counts end there. */
  queued(limit: number): Promise<QueueLane[]>;
  owed(limit: number): Promise<{ readonly notices: number; readonly reports: number }>;
  /** Whether a message would be taken now: one small commit, on disk when it resolves. Rejects as `commit` does. */
  probe(): Promise<boolean>;
}

/** Forgetting. An ability of its own, because nothing that moves a message needs it. */
export interface Pruning {
  /**
   * Looks at the next few rows, in one small commit, and deletes those whose time is over: answers to repeated
   * submissions after 31 days; 13 months after its lifetime and its last evidence, what is over and has no content any
   * more, with its evidence and what is still owed of it. Nothing is deleted while the disk takes no writes.
   */
  prune(nowSeconds: number): Promise<PruneStep>;
}

/** A place in a queue: higher lane first, then the order of arrival. */
export interface QueuePosition {
  readonly lane: number;
  readonly seq: number;
}

export interface Stored {
  readonly holder: string;
  readonly id: MessageId;
  readonly issuer: Address;
  readonly audience: Address;
  readonly digest: Uint8Array;
  readonly state: State;
  readonly lane: Precedence;
  readonly seq: number;
  /** Unix seconds. */
  readonly expires: number;
  /** Unix milliseconds. */
  readonly nextAt: number;
  readonly attempts: number;
  readonly attemptsMax?: number;
  readonly quiet: boolean;
  readonly ask: readonly Event[];
  readonly outcome?: Event;
  readonly handover?: Event;
  readonly dispositions: readonly Event[];
  /** Absent once deleted, and in listings that say so. */
  readonly seal?: Uint8Array;
  readonly body?: Uint8Array;
}

export interface EvidenceRow {
  readonly serial: number;
  readonly events: readonly Event[];
  /** Unix seconds. */
  readonly observedAt: number;
  readonly signed: Uint8Array;
  readonly contradiction: boolean;
}

export interface Notice {
  readonly seq: number;
  readonly id: MessageId;
  readonly event: Event;
  readonly lane: Precedence;
  readonly signed: Uint8Array;
}

export interface Report {
  readonly seq: number;
  readonly lane: Precedence;
  readonly signed: Uint8Array;
}

export interface Submitted {
  readonly contentHash: Uint8Array;
  readonly id: MessageId;
  readonly state: State;
  /** What was answered first. */
  readonly signed?: Uint8Array;
}

export interface OutcomeCount {
  readonly state: State;
  readonly outcome?: Event;
  readonly handover?: Event;
  readonly count: number;
}

/**
 * What is stored, as of some moment between two batches and after every commit that had resolved when the question was
 * asked. Lists have at most `limit` rows and fewer only if there are no more. A question that cannot be answered rejects
 * by itself: custody goes on, and the same question may be answered later.
 */
export interface CustodyReader {
  /** State 6, most urgent first. */
  waiting(holder: string, limit: number, after?: QueuePosition): Promise<Stored[]>;
  /** States 3 and 4, most urgent first. */
  due(peer: string, limit: number, after?: QueuePosition): Promise<Stored[]>;
  stored(holder: string, id: MessageId): Promise<Stored | undefined>;
  sent(issuer: string, id: MessageId): Promise<Stored | undefined>;
  /** In the order in which it became durable here. */
  timeline(issuer: string, id: MessageId): Promise<EvidenceRow[]>;
  notices(mailbox: string, limit: number, after?: QueuePosition): Promise<Notice[]>;
  reports(peer: string, limit: number, after?: QueuePosition): Promise<Report[]>;
  submission(account: string, clientId: string, packetId: number): Promise<Submitted | undefined>;
  /**
   * Without content: lifetime over in a state that ends with it (2, 3, 6; then 4, taking turns between peers, so that a
   * silent one does not hold up the rest). What is relayed (5) ends by the peer's word or by silence.
   */
  expiring(nowSeconds: number, limit: number): Promise<Stored[]>;
  /** Without content: states 4 and 5 without an outcome whose lifetime was over by then. */
  silent(beforeSeconds: number, limit: number): Promise<Stored[]>;
  /** Without content: state 2, its time come. */
  held(nowMs: number, limit: number): Promise<Stored[]>;
  /** With the seal, while there is one: unconfirmed messages of a peer that never said that it took them. */
  unconfirmed(peer: string, limit: number, after?: QueuePosition): Promise<Stored[]>;
  /** `expires`, unix seconds, over the states of `expiring`; `heldAt`, unix milliseconds, over state 2. */
  nextDeadline(): Promise<{ readonly expires?: number; readonly heldAt?: number }>;
  /** Domains with messages in states 3 and 4, or with reports owed to them. */
  peers(): Promise<string[]>;
  /** Reads every row: for tests and diagnosis. */
  outcomes(): Promise<OutcomeCount[]>;
}
