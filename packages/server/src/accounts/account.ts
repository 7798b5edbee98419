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

/** One password of an account; all of an account's share their salt, so that one derivation decides about all. */
export interface PasswordCredential {
  /** Random; in a domain seal its hash stands for the credential. */
  readonly id: string;
  /** PHC-style Argon2id record. */
  readonly record: string;
}

/**
 * An address that can authenticate: one object as long as the process runs, so that what is changed in it holds for
 * every session of it at once.
 */
export interface Account {
  readonly address: Address;
  readonly kind: AccountKind;
  /** The highest lane its own submissions may take. */
  readonly ceiling: Precedence;
  readonly grants: readonly Grant[];
  /** None when the account signs in by certificate only. */
  readonly passwords: readonly PasswordCredential[];
  /** May not sign in; its mailbox takes mail all the same, so that nothing is lost. */
  readonly isDisabled?: boolean;
}

/** Port: the accounts of one domain. Reads are synchronous; an implementation keeps them in memory. */
export interface Accounts {
  find(address: string): Account | undefined;
}

/** Port: certificates of this domain that were taken back, by the SHA-256 of their DER. In memory, as above. */
export interface Revocations {
  isRevoked(certificateHash: Uint8Array): boolean;
}

export const noRevocations: Revocations = { isRevoked: () => false };

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
  return ceilingOf(mailbox, sender, kind);
}

/** As long as it is not proved of which kind the sender is: the highest that could come of it. */
export function possibleCeiling(mailbox: Account, sender: Address): Precedence {
  return ceilingOf(mailbox, sender, undefined);
}

function ceilingOf(mailbox: Account, sender: Address, kind: AccountKind | undefined): Precedence {
  let ceiling = defaultCeiling;
  for (const grant of mailbox.grants) {
    if (grant.kind !== undefined && kind !== undefined && grant.kind !== kind) continue;
    if (grant.from !== undefined && grant.from !== sender && grant.from !== domainOf(sender)) continue;
    if (grant.upTo > ceiling) ceiling = grant.upTo;
  }
  return ceiling;
}
