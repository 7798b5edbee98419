// SPDX-License-Identifier: Apache-2.0
import { toHex, type Address } from '@sealpost/protocol';
import type { Account, Accounts, Revocations } from './account.ts';
import type { Principal } from './sign-in.ts';
import type { AccountStore, StoredAccount } from './store.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Sign-ins that have not been written yet. */
const pendingMax = 10_000;

/**
 * The accounts of the store, in memory. `refresh` follows what commands have written meanwhile; an account that was
 * changed stays the same object.
 */
export class LiveAccounts implements Accounts, Revocations {
  readonly #store: AccountStore;
  readonly #byAddress = new Map<string, Mutable<Account>>();
  readonly #revoked = new Set<string>();
  /** Ids of certificate credentials, by the hash in hex that a sign-in knows them by. */
  readonly #certificateIds = new Map<string, string>();
  readonly #signIns = new Map<string, number>();
  #revision = 0;
  #dataVersion: number;

  constructor(store: AccountStore) {
    this.#store = store;
    this.#dataVersion = store.dataVersion();
    this.#read();
  }

  get size(): number {
    return this.#byAddress.size;
  }

  find(address: string): Account | undefined {
    return this.#byAddress.get(address);
  }

  isRevoked(certificateHash: Uint8Array): boolean {
    // Most domains have revoked nothing, and this is asked for every message.
    return this.#revoked.size > 0 && this.#revoked.has(toHex(certificateHash));
  }

  /** Whether anything has changed. */
  refresh(): boolean {
    const version = this.#store.dataVersion();
    if (version === this.#dataVersion) return false;
    const hasChanged = this.#read();
    // Only now: what could not be read is looked for again.
    this.#dataVersion = version;
    return hasChanged;
  }

  /** Written with the next `saveSignIns`. */
  noteSignIn({ credentialId }: Principal): void {
    const id = this.#certificateIds.get(credentialId) ?? credentialId;
    if (this.#signIns.size < pendingMax) this.#signIns.set(id, Math.floor(Date.now() / 1000));
  }

  close(): void {
    this.#store.close();
  }

  /** Throws when they cannot be written, as on a full disk; they are kept for the next time. */
  saveSignIns(): void {
    if (this.#signIns.size === 0) return;
    this.#store.noteSignIns(this.#signIns);
    this.#signIns.clear();
  }

  #read(): boolean {
    const { revision, accounts } = this.#store.changedSince(this.#revision);
    this.#revision = revision;
    for (const stored of accounts) this.#put(stored);
    return accounts.length > 0;
  }

  #put({ address, kind, ceiling, isDisabled, grants, credentials }: StoredAccount): void {
    const good = credentials.filter(({ revokedAt }) => revokedAt === undefined);
    const passwords = good.flatMap(({ id, record }) => (record === undefined ? [] : [{ id, record }]));
    const account: Account = { address, kind, ceiling, isDisabled, grants, passwords };
    const present = this.#byAddress.get(address);
    if (present === undefined) this.#byAddress.set(address satisfies Address, account);
    else Object.assign(present, account);
    for (const { id, certificateHash, revokedAt } of credentials) {
      if (certificateHash === undefined) continue;
      this.#certificateIds.set(toHex(certificateHash), id);
      if (revokedAt !== undefined) this.#revoked.add(toHex(certificateHash));
    }
  }
}
