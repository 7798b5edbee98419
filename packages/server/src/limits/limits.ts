// SPDX-License-Identifier: Apache-2.0
// Every limit of one domain that an operator may want to move, with its default; docs/limits.md says what each answers.
import { Precedence } from '@sealpost/protocol';

/** A token bucket: so many a second in the long run, and so many at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Of messages of one account, or from one peer, or to one mailbox. */
export interface MessageRates {
  /** Of all lanes together; what is above it is refused. */
  readonly total: Rate;
  /** Stricter upward; what is above the rate of its lane travels in a lower one. Absent: not limited by itself. */
  readonly lanes: ReadonlyMap<Precedence, Rate>;
}

export interface DomainLimits {
  /** Messages that were received and are not yet stored or refused, in bytes and in number. */
  readonly roomBytesMax: number;
  readonly roomMessagesMax: number;
  /** Seals that are checked or made at the same time; the others wait, the most urgent first, but no longer than this. */
  readonly sealsMax: number;
  readonly sealWaitMsMax: number;
  readonly accountRates: MessageRates;
  readonly peerRates: MessageRates;
  readonly mailboxRates: MessageRates;
  /** Open connections of one address; IPv6 addresses count by /64. */
  readonly connectionsPerAddressMax: number;
  /** Connections that have not signed in yet, of one address and of all. */
  readonly handshakesPerAddressMax: number;
  readonly handshakesMax: number;
  readonly connectionRate: Rate;
  /** Failed sign-ins. Above the first two no password is looked at; above the third they are slowed down. */
  readonly failuresPerAddress: Rate;
  readonly failuresPerAccountAndAddress: Rate;
  readonly failuresPerAccount: Rate;
  readonly signInDelayMsMax: number;
  /** Accounts, peers, mailboxes or addresses that one table of buckets remembers: what was used longest ago goes. */
  readonly trackedMax: number;
  /** Connections from this machine are not limited by address: a proxy in front would make everybody one. */
  readonly isLoopbackExempt: boolean;
}

const { priority, immediate, flash, override } = Precedence;

function rates(total: Rate, lanes: Iterable<readonly [Precedence, Rate]>): MessageRates {
  return { total, lanes: new Map(lanes) };
}

const unlimited: Rate = { perSecond: Infinity, burst: Infinity };

/** For domains that only their developer can reach: as much as the machine can do. */
export const unlimitedRates: Pick<DomainLimits, 'accountRates' | 'peerRates' | 'mailboxRates'> = {
  accountRates: rates(unlimited, []),
  peerRates: rates(unlimited, []),
  mailboxRates: rates(unlimited, []),
};

export const domainLimits: DomainLimits = {
  roomBytesMax: 64 * 1024 * 1024,
  roomMessagesMax: 8_192,
  sealsMax: 16,
  sealWaitMsMax: 3_000,
  accountRates: rates({ perSecond: 1_000, burst: 20_000 }, [
    [priority, { perSecond: 500, burst: 10_000 }],
    [immediate, { perSecond: 20, burst: 500 }],
    [flash, { perSecond: 10, burst: 200 }],
    [override, { perSecond: 5, burst: 100 }],
  ]),
  peerRates: rates({ perSecond: 5_000, burst: 50_000 }, [
    [priority, { perSecond: 2_500, burst: 25_000 }],
    [immediate, { perSecond: 200, burst: 5_000 }],
    [flash, { perSecond: 100, burst: 2_000 }],
    [override, { perSecond: 10, burst: 200 }],
  ]),
  // For each domain that writes to it: one that floods must not use up what the others need. It never refuses: then
  // anybody could close a mailbox.
  mailboxRates: rates(unlimited, [
    [immediate, { perSecond: 100, burst: 1_000 }],
    [flash, { perSecond: 50, burst: 500 }],
    [override, { perSecond: 10, burst: 100 }],
  ]),
  connectionsPerAddressMax: 2_000,
  handshakesPerAddressMax: 200,
  handshakesMax: 1_000,
  connectionRate: { perSecond: 100, burst: 1_000 },
  failuresPerAddress: { perSecond: 0.2, burst: 50 },
  failuresPerAccountAndAddress: { perSecond: 1 / 30, burst: 10 },
  failuresPerAccount: { perSecond: 0.2, burst: 100 },
  signInDelayMsMax: 4_000,
  trackedMax: 20_000,
  isLoopbackExempt: true,
};
