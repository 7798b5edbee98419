// SPDX-License-Identifier: Apache-2.0
import type { Domain, ErrorCode, Event, Precedence } from '@sealpost/protocol';

/** What became of a request: a code of the registry, or that it was done. */
export type Answer = 'ok' | ErrorCode;

export type RelayRequest = 'message' | 'evidence' | 'status';

/**
 * What the parts of a domain tell an operator: facts, as they happen, one call each. They come on the path of a message,
 * so nothing is built for them that was not there already, and a listener does little more than count. A listener never
 * throws and keeps none of what it is given.
 */
export interface Observer {
  /** `name` is what the client called itself: anything, and not to be shown as it is. */
  signedIn(answer: Answer, name: string | undefined): void;
  /** What an account published below `mail/` was answered. */
  answered(what: 'submission' | 'request', answer: Answer): void;
  /** What a peer was answered. */
  peerAnswered(peer: Domain, what: RelayRequest, answer: Answer): void;
  /** A message is on disk here, and an outcome is owed. */
  accepted(from: 'account' | 'peer', lane: Precedence): void;
  /** Evidence of this event is on disk: of our own, or a peer's about a message of ours. */
  happened(event: Event, lane: Precedence): void;
  /** A batch was written and synced. */
  committed(transitions: number, milliseconds: number): void;
  /** Whether the disk takes new messages, as the last that came has shown. */
  room(hasRoom: boolean): void;
  linkUp(peer: Domain): void;
  linkDown(peer: Domain, reason: string): void;
  /** A peer could not be dialled, or did not prove who it is. */
  linkFailed(peer: Domain, error: unknown): void;
  /** Something is wrong here, in the store or in the program, or a peer does what it should not. */
  fault(error: unknown): void;
}
