// SPDX-License-Identifier: Apache-2.0
import { unlimited, type Rate } from './rates.ts';

/** Stricter upward: what exceeds the rate of its lane is lowered by a step; what exceeds the last one is refused. */
export interface SendingLimits {
  /** Flash and override. */
  readonly flash: Rate;
  readonly immediate: Rate;
  /** All messages that are not urgent. */
  readonly messages: Rate;
}

/** What one domain takes on, from whom. docs/limits.md says what happens beyond. */
export interface DomainLimits {
  /** Bytes of messages that are being checked and stored, each counted with `messageOverheadBytes`. */
  readonly unstoredBytesMax: number;
  /** Messages that are checked and stored side by side; the others wait by precedence. */
  readonly messagesUnderwayMax: number;
  /** Of one account of this domain. */
  readonly account: SendingLimits;
  /** Of one other domain. */
  readonly peer: SendingLimits;
  /** Into one mailbox, from all of one domain. */
  readonly mailbox: Pick<SendingLimits, 'flash' | 'immediate'>;
  /** From one network address, whatever the account. Not for this machine itself. */
  readonly failedSignInsOfAddress: Rate;
  /** For one account from one network address. */
  readonly failedSignInsOfAccount: Rate;
}

export const domainLimits: DomainLimits = {
  unstoredBytesMax: 64 * 1024 * 1024,
  messagesUnderwayMax: 256,
  account: {
    flash: { perSecond: 1, burst: 20 },
    immediate: { perSecond: 5, burst: 50 },
    messages: { perSecond: 200, burst: 5_000 },
  },
  peer: {
    flash: { perSecond: 20, burst: 200 },
    immediate: { perSecond: 100, burst: 1_000 },
    messages: { perSecond: 2_000, burst: 20_000 },
  },
  mailbox: {
    flash: { perSecond: 10, burst: 100 },
    immediate: { perSecond: 50, burst: 500 },
  },
  failedSignInsOfAddress: { perSecond: 0.5, burst: 100 },
  failedSignInsOfAccount: { perSecond: 1 / 60, burst: 20 },
};

const unlimitedSending: SendingLimits = { flash: unlimited, immediate: unlimited, messages: unlimited };

/** For domains that nobody else can reach: development, tests and measurements. */
export const unlimitedRates: Pick<DomainLimits, 'account' | 'peer' | 'mailbox'> = {
  account: unlimitedSending,
  peer: unlimitedSending,
  mailbox: unlimitedSending,
};
