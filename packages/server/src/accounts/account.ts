// SPDX-License-Identifier: Apache-2.0
import type { AccountKind, Address, Domain, Precedence } from '@sealpost/protocol';
import { Precedence as Level, domainOf } from '@sealpost/protocol';

/** What the owner of a mailbox lets others claim beyond the default ceiling (design: precedence grants). */
export interface Grant {
  readonly upTo: Precedence;
  /** Only senders of this kind. */
  readonly kind?: AccountKind;
  /** Only this address, or any address of this domain. */
  readonly from?: Address | Domain;
}

/** An address that can authenticate. */
export interface Account {
  readonly address: Address;
  readonly kind: AccountKind;
  /** The highest lane its own submissions may take. */
  readonly ceiling: Precedence;
  readonly grants: readonly Grant[];
  /** PHC-style Argon2id record; absent when the account signs in by certificate only. */
  readonly passwordRecord?: string;
}

/** Port: the accounts of one domain. Reads are synchronous; an implementation keeps them in memory. */
export interface Accounts {
  find(address: string): Account | undefined;
}

/** The lane of a sender nobody granted more to: `priority`, the ceiling for anyone proved but unknown. */
export const defaultCeiling: Precedence = Level.priority;

export function accountsOf(accounts: Iterable<Account>): Accounts {
  const byAddress = new Map<string, Account>();
  for (const account of accounts) byAddress.set(account.address, account);
  return { find: (address) => byAddress.get(address) };
}

/**
 * The highest lane a sender may take in this mailbox. An explicit grant also lifts the default ceiling; it never
 * lowers it [DELIV-4].
 */
export function grantedCeiling(mailbox: Account, sender: Address, kind: AccountKind): Precedence {
  let ceiling = defaultCeiling;
  for (const grant of mailbox.grants) {
    if (grant.kind !== undefined && grant.kind !== kind) continue;
    if (grant.from !== undefined && grant.from !== sender && grant.from !== domainOf(sender)) continue;
    if (grant.upTo > ceiling) ceiling = grant.upTo;
  }
  return ceiling;
}
