// SPDX-License-Identifier: Apache-2.0
import { Precedence, accept, refuse, type Precedence as Lane, type Result } from '@sealpost/protocol';
import type { DomainLimits, SendingLimits } from './domain-limits.ts';
import { Rates } from './rates.ts';

/** What is urgent: too much of it goes a step lower, never further than it must [DELIV-4]. */
class UrgentRates {
  readonly #flash: Rates;
  readonly #immediate: Rates;

  constructor({ flash, immediate }: Pick<SendingLimits, 'flash' | 'immediate'>) {
    this.#flash = new Rates(flash);
    this.#immediate = new Rates(immediate);
  }

  lower(key: string, lane: Lane, nowMs: number): Lane {
    if (lane < Precedence.immediate) return lane;
    if (lane >= Precedence.flash && this.#flash.take(key, nowMs) === 0) return lane;
    return this.#immediate.take(key, nowMs) === 0 ? Precedence.immediate : Precedence.priority;
  }
}

/** Rates of those who send: the accounts of this domain, or its peers, each by its own name. */
export class SendingRates {
  readonly #urgent: UrgentRates;
  readonly #messages: Rates;

  constructor(limits: SendingLimits) {
    this.#urgent = new UrgentRates(limits);
    this.#messages = new Rates(limits.messages);
  }

  /**
   * The lane in which the message may go on: its own, or a lower one where too much of it was urgent. Refused, for
   * now, when there is too much of any kind.
   */
  admit(sender: string, wanted: Lane, nowMs: number): Result<Lane> {
    const lane = this.#urgent.lower(sender, wanted, nowMs);
    if (lane >= Precedence.immediate) return accept(lane);
    const waitMs = this.#messages.take(sender, nowMs);
    return waitMs === 0 ? accept(lane) : refuse('rate-limited', 'messages of one sender', waitMs / 1000);
  }
}

/**
 * How often a mailbox is called urgently, by each domain that writes to it: a bucket that all domains shared could be
 * emptied by one, and then the others' alarms would come late.
 */
export class MailboxRates {
  readonly #urgent: UrgentRates;

  constructor(limits: DomainLimits['mailbox']) {
    this.#urgent = new UrgentRates(limits);
  }

  lower(mailbox: string, senderDomain: string, lane: Lane, nowMs: number): Lane {
    return this.#urgent.lower(`${mailbox} ${senderDomain}`, lane, nowMs);
  }
}
