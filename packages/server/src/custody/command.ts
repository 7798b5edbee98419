// SPDX-License-Identifier: Apache-2.0
// Transitions as the store executes them: signed, ids as bytes, sets of events as bits.
import type { Event } from '@sealpost/protocol';
import type { EventSet } from './event-set.ts';
import type { State } from './states.ts';
import type { Transition } from './transition.ts';

/** A transition with its evidence signed. */
export interface Prepared {
  readonly transition: Transition;
  readonly signed: Uint8Array | undefined;
}

export interface SignedStatement {
  readonly signed: Uint8Array;
  readonly events: EventSet;
  readonly observedAt: number;
}

export interface AcceptCommand extends SignedStatement {
  readonly kind: 'accept';
  readonly holder: string;
  readonly id: Uint8Array;
  readonly issuer: string;
  readonly audience: string;
  readonly digest: Uint8Array;
  readonly state: State;
  readonly lane: number;
  readonly expires: number;
  readonly nextAt: number;
  readonly attemptsMax: number | undefined;
  readonly quiet: boolean;
  readonly ask: EventSet;
  readonly seal: Uint8Array;
  readonly body: Uint8Array;
  readonly notices: EventSet;
  readonly submission:
    { readonly clientId: string; readonly packetId: number; readonly contentHash: Uint8Array } | undefined;
}

export interface AdmitCommand extends SignedStatement {
  readonly kind: 'admit';
  readonly holder: string;
  readonly id: Uint8Array;
  readonly issuer: string;
  readonly audience: string;
  readonly digest: Uint8Array;
  readonly notices: EventSet;
}

export const stepKinds = [
  'offer',
  'withdraw',
  'attempt',
  'consign',
  'handOver',
  'lapse',
  'dispose',
  'finish',
] as const;

export interface StepCommand {
  readonly kind: (typeof stepKinds)[number];
  readonly holder: string;
  readonly id: Uint8Array;
  readonly evidence: SignedStatement | undefined;
  readonly notices: EventSet;
  readonly report: string | undefined;
  /** Of `dispose` and `finish`. */
  readonly event: Event | undefined;
  /** Of `finish`. */
  readonly from: readonly State[];
}

export interface TakenCommand {
  readonly kind: 'reported' | 'noticed';
  readonly queue: string;
  readonly seqs: readonly number[];
}

export type Command = AcceptCommand | AdmitCommand | StepCommand | TakenCommand;

export type CommandResult =
  | {
      readonly kind: 'applied';
      /** For which a notice was made, with consecutive numbers from `firstNotice`. */
      readonly notices: EventSet;
      readonly firstNotice: number;
      readonly report: number | undefined;
    }
  | { readonly kind: 'duplicate'; readonly state: State; readonly signed: Uint8Array | undefined }
  | { readonly kind: 'wrong-state'; readonly state: State | undefined }
  | { readonly kind: 'contradiction' | 'conflict' | 'storage-full' }
  /** Not tried: something urgent came, and the batch ended before it. */
  | { readonly kind: 'postponed' }
  /** A bug: the store itself would not take it. */
  | { readonly kind: 'failed'; readonly message: string };
