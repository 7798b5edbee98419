// SPDX-License-Identifier: Apache-2.0
import {
  Event,
  domainOf,
  type Address,
  type Attestation,
  type Domain,
  type MessageId,
  type Precedence,
  type Statement,
} from '@sealpost/protocol';
import type { Custody, Transition, TransitionResult } from '../custody/custody.ts';
import { noticesFor, type Notices } from '../evidence/notices.ts';
import type { Statements, Subject } from '../evidence/statement.ts';
import type { LiveMessage } from '../message.ts';
import { wishesOf } from '../message.ts';

/** Evidence that a peer is owed, as soon as the commit that made it is durable. */
export interface OwedReport {
  readonly seq: number;
  readonly lane: Precedence;
  readonly signed: Uint8Array;
}

export interface OutcomesOptions {
  readonly domain: Domain;
  readonly custody: Custody;
  readonly statements: Statements;
  readonly notices: Notices;
  /** Certificates of this domain's own signer. */
  readonly chain: readonly Uint8Array[];
  reportTo(peer: Domain, owed: OwedReport): void;
  /** The message does not wait in its mailbox any more (7, 8): durable when this is called. */
  left(holder: string, id: MessageId): void;
}

/** What a transition in a mailbox needs to know of its message; rows without content have it too. */
export interface Kept {
  readonly holder: string;
  readonly id: MessageId;
  readonly issuer: Address;
  readonly audience: Address;
  readonly digest: Uint8Array;
  readonly lane: Precedence;
  readonly ask: readonly Event[];
  readonly quiet: boolean;
}

type Step = 'consign' | 'handOver' | 'lapse' | 'dispose' | 'finish';

/**
 * The steps of a message inside its mailbox, each one commit with its evidence. The evidence goes to the sender's
 * clients when the sender is ours, and to the sender's domain as a report otherwise.
 */
export class Outcomes {
  readonly #options: OutcomesOptions;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  handOver(message: LiveMessage): Promise<TransitionResult> {
    const kept = keptOf(message);
    return this.#step(
      'handOver',
      kept,
      this.#options.statements.aboutReader(subjectOf(kept), [Event.fetched]),
    );
  }

  lapse(message: LiveMessage, reason: string): Promise<TransitionResult> {
    return this.lapseKept(keptOf(message), reason);
  }

  lapseKept(kept: Kept, reason: string): Promise<TransitionResult> {
    const statement = this.#options.statements.about(subjectOf(kept), [Event.lapsed], { reason });
    return this.#step('lapse', kept, statement);
  }

  /** Not-before has passed (state 2 → 6). */
  consign(kept: Kept): Promise<TransitionResult> {
    return this.#step('consign', kept, this.#options.statements.about(subjectOf(kept), [Event.delivered]));
  }

  /** Held until its lifetime was over (state 2 → T, C.5). */
  expireHeld(kept: Kept): Promise<TransitionResult> {
    const statement = this.#options.statements.about(subjectOf(kept), [Event.expired], { reason: 'expired' });
    return this.#step('finish', kept, statement, { from: [2], outcome: Event.expired });
  }

  dispose(
    kept: Kept,
    event: typeof Event.opened | typeof Event.acknowledged | typeof Event.declined,
    attestation: Attestation,
  ): Promise<TransitionResult> {
    const { statements } = this.#options;
    const statement = statements.aboutReader(subjectOf(kept), [event], { by: kept.audience, attestation });
    return this.#step('dispose', kept, statement, { event });
  }

  async #step(step: Step, kept: Kept, statement: Statement, more: object = {}): Promise<TransitionResult> {
    const { custody, domain, notices, chain } = this.#options;
    const senderDomain = domainOf(kept.issuer);
    const ours = senderDomain === domain;
    const transition = {
      kind: step,
      holder: kept.holder,
      id: kept.id,
      evidence: statement,
      notices: ours ? noticesFor(kept.ask, kept.quiet, statement.events) : [],
      ...(ours ? {} : { report: senderDomain }),
      ...more,
    } as Transition;
    const result = await custody.commit(transition, kept.lane);
    if (result.kind !== 'applied' || result.signed === undefined) return result;
    const { signed } = result;
    if (step === 'handOver' || step === 'lapse') this.#options.left(kept.holder, kept.id);
    if (result.report !== undefined)
      this.#options.reportTo(senderDomain, { seq: result.report, lane: kept.lane, signed });
    if (result.notices !== undefined)
      notices.arrived(kept.issuer, result.notices, { signed, statement, chain, lane: kept.lane });
    return result;
  }
}

function keptOf({ holder, lane, seal }: LiveMessage): Kept {
  const { id, issuer, audience } = seal.claims;
  return { holder, id, issuer, audience, digest: seal.digest, lane, ...wishesOf(seal) };
}

function subjectOf({ id, digest, audience }: Kept): Subject {
  return { id, digest, recipient: audience };
}
