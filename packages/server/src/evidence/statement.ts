// SPDX-License-Identifier: Apache-2.0
import type { Address, Event, MessageId, Precedence, Statement } from '@sealpost/protocol';
import { unixSeconds, type Clock } from '../schedule/clock.ts';

/** What every statement about a message names: the triple that evidence is admitted by. */
export interface Subject {
  readonly id: MessageId;
  readonly digest: Uint8Array;
  readonly recipient: Address;
}

type Details = Pick<Statement, 'reason' | 'by' | 'lane' | 'attestation'>;

/** Writes the statements of one domain: what happened, when it was observed, and a nonce for every one of them. */
export class Statements {
  readonly #clock: Clock;
  readonly #randomBytes: (count: number) => Uint8Array;

  constructor(clock: Clock, randomBytes: (count: number) => Uint8Array) {
    this.#clock = clock;
    this.#randomBytes = randomBytes;
  }

  about(subject: Subject, events: readonly Event[], details?: Details): Statement {
    return this.#write(subject, events, unixSeconds(this.#clock), details);
  }

  /** For what a reader did: the time is rounded down to the minute [DELIV-10]. */
  aboutReader(subject: Subject, events: readonly Event[], details?: Details): Statement {
    const now = unixSeconds(this.#clock);
    return this.#write(subject, events, now - (now % 60), details);
  }

  #write(subject: Subject, events: readonly Event[], observedAt: number, details?: Details): Statement {
    const { id, digest, recipient } = subject;
    return { events, digest, id, recipient, observedAt, nonce: this.#randomBytes(16), ...details };
  }
}

/** Said in evidence when a message travels in a lower lane than its sender claimed; nothing is said otherwise. */
export function loweredLane(claimed: Precedence, granted: Precedence): Pick<Statement, 'lane'> {
  return granted < claimed ? { lane: granted } : {};
}
