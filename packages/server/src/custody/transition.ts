// SPDX-License-Identifier: Apache-2.0
import type { Address, Event, MessageId, Statement } from '@sealpost/protocol';
import type { State } from './states.ts';

/** Answers a repeated QoS 1 PUBLISH that names no message of its own [DELIV-3]. */
export interface SubmissionKey {
  readonly clientId: string;
  readonly packetId: number;
  readonly contentHash: Uint8Array;
}

export interface Acceptance {
  readonly kind: 'accept';
  readonly holder: string;
  readonly id: MessageId;
  readonly issuer: Address;
  readonly audience: Address;
  readonly digest: Uint8Array;
  readonly state: 2 | 3 | 4 | 6;
  readonly lane: number;
  /** Unix seconds. */
  readonly expires: number;
  /** Unix milliseconds. */
  readonly nextAt: number;
  readonly attemptsMax?: number;
  /** No notice of failure is wanted. */
  readonly quiet: boolean;
  readonly ask: readonly Event[];
  /** Seal and body are opaque here. They must not change until the commit has resolved. */
  readonly seal: Uint8Array;
  readonly body: Uint8Array;
  readonly evidence: Statement;
  readonly notices: readonly Event[];
  readonly submission?: SubmissionKey;
}

/** What a peer said, verified. Its row is the one that is held for the domain of `recipient`. */
export interface Admittance {
  readonly kind: 'admit';
  readonly issuer: Address;
  readonly id: MessageId;
  readonly recipient: Address;
  readonly digest: Uint8Array;
  readonly events: readonly Event[];
  readonly signed: Uint8Array;
  /** Unix seconds. */
  readonly observedAt: number;
  readonly notices: readonly Event[];
}

interface OfMessage {
  readonly holder: string;
  readonly id: MessageId;
}

interface WithEvidence extends OfMessage {
  readonly evidence: Statement;
  /** Those of its events that the sender's clients are to be told. */
  readonly notices: readonly Event[];
  /** The domain to which the evidence is owed. */
  readonly report?: string;
}

/** One step of one message (or of a queue). What it does in which state: states.ts, docs/message-lifecycle.md. */
export type Transition =
  | Acceptance
  | Admittance
  /** 3 → 4, committed before the bytes leave. */
  | ({ readonly kind: 'offer' } & OfMessage)
  /** 4 → 3: the bytes are known not to have left. Not for a message that was in doubt before this offer. */
  | ({ readonly kind: 'withdraw' } & OfMessage)
  /** 6 → 6, counted before the bytes leave; fails when the attempts are used up. */
  | ({ readonly kind: 'attempt' } & OfMessage)
  /** 2 → 6. */
  | ({ readonly kind: 'consign' } & WithEvidence)
  /** 6 → 7. */
  | ({ readonly kind: 'handOver' } & WithEvidence)
  /** 6 → 8. */
  | ({ readonly kind: 'lapse' } & WithEvidence)
  /** 7: each disposition once, acknowledged or declined. */
  | ({ readonly kind: 'dispose'; readonly event: Event } & WithEvidence)
  /** → 9, by the custodian's own statement. */
  | ({ readonly kind: 'finish'; readonly from: readonly State[]; readonly outcome: Event } & WithEvidence)
  /** The peer has acknowledged these reports. */
  | { readonly kind: 'reported'; readonly peer: string; readonly seqs: readonly number[] }
  /** A session of the mailbox has acknowledged these notices. */
  | { readonly kind: 'noticed'; readonly mailbox: Address; readonly seqs: readonly number[] };

export interface NoticeRef {
  readonly seq: number;
  readonly event: Event;
}

export type TransitionResult =
  | {
      readonly kind: 'applied';
      /** The evidence as stored. */
      readonly signed?: Uint8Array;
      readonly notices?: readonly NoticeRef[];
      /** The number of the report that is owed now. */
      readonly report?: number;
    }
  /** Nothing was done because it was done before; `signed` is what was stored then. */
  | { readonly kind: 'duplicate'; readonly state: State; readonly signed?: Uint8Array }
  /** Verified evidence that contradicts what came first: kept and flagged. */
  | { readonly kind: 'contradiction' }
  /** The id is taken by another message. */
  | { readonly kind: 'conflict' }
  /** The message does not stand where the transition starts; without `state`, there is no such message. */
  | { readonly kind: 'wrong-state'; readonly state?: State }
  /** The disk is full or read-only, and nothing of the transition is stored. */
  | { readonly kind: 'refused'; readonly code: 'storage-full' };
