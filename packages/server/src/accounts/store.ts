// SPDX-License-Identifier: Apache-2.0
// The accounts of one domain on disk: written by commands, read by the domain that runs, each in a process of its own.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { AccountKind, Address, Domain, Precedence } from '@sealpost/protocol';
import type { Grant } from './account.ts';
import { openDatabase } from '../sqlite/open.ts';
import { accountLayout } from './schema.ts';

export const credentialsMax = 32;
export const grantsMax = 32;
export const labelCharactersMax = 64;

export interface StoredAccount {
  readonly address: Address;
  readonly kind: AccountKind;
  readonly ceiling: Precedence;
  readonly isDisabled: boolean;
  readonly grants: readonly Grant[];
  readonly credentials: readonly StoredCredential[];
  readonly salt: Uint8Array;
  /** Unix seconds, as every time here. */
  readonly createdAt: number;
}

export interface StoredCredential {
  readonly id: string;
  readonly label: string;
  /** A password has a record, a certificate a hash. */
  readonly record?: string;
  readonly certificateHash?: Uint8Array;
  /** Of a certificate. */
  readonly expires?: number;
  readonly createdAt: number;
  readonly lastSignInAt?: number;
  readonly revokedAt?: number;
}

export interface NewAccount {
  readonly address: Address;
  readonly kind: AccountKind;
  readonly ceiling: Precedence;
  readonly grants: readonly Grant[];
  /** Of all its passwords. */
  readonly salt: Uint8Array;
}

export type NewCredential = Pick<StoredCredential, 'label' | 'record' | 'certificateHash' | 'expires'>;

type Row = Record<string, unknown>;

const fileName = 'accounts.sqlite';
const idBytes = 6;

/** Every method is one transaction, durable when it returns. Blocks while another process writes, 5 s at most. */
export class AccountStore {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Made if it is not there. Throws a StoreError where the operator has to put something right. */
  static open(directory: string): AccountStore {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return new AccountStore(openDatabase(join(directory, fileName), accountLayout));
  }

  /** False: there is one with this address already. */
  add({ address, kind, ceiling, grants, salt }: NewAccount, credential?: NewCredential): boolean {
    return this.#write(() => {
      if (this.#exists(address)) return false;
      this.#run(
        'INSERT INTO account (address, kind, ceiling, disabled, salt, created_at, revision) VALUES (?, ?, ?, 0, ?, ?, 0)',
        [address, kind, ceiling, salt, now()],
      );
      this.#setGrants(address, grants);
      if (credential !== undefined) this.#insertCredential(address, credential);
      this.#touch(address);
      return true;
    });
  }

  /** False: there is no such account; as of the other methods that change one. */
  change(address: Address, changes: { ceiling?: Precedence; grants?: readonly Grant[] }): boolean {
    return this.#change(address, () => {
      const { ceiling, grants } = changes;
      if (ceiling !== undefined)
        this.#run('UPDATE account SET ceiling = ? WHERE address = ?', [ceiling, address]);
      if (grants !== undefined) this.#setGrants(address, grants);
    });
  }

  setDisabled(address: Address, isDisabled: boolean): boolean {
    return this.#change(address, () =>
      this.#run('UPDATE account SET disabled = ? WHERE address = ?', [isDisabled ? 1 : 0, address]),
    );
  }

  /** The id that names it from now on. */
  addCredential(address: Address, credential: NewCredential): string | undefined {
    let id: string | undefined;
    this.#change(address, () => (id = this.#insertCredential(address, credential)));
    return id;
  }

  /** False: the account has no such credential. One that was revoked before stays as it was. */
  revoke(address: Address, id: string): boolean {
    return this.#write(() => {
      const found = this.#get('SELECT 1 FROM credential WHERE address = ? AND id = ?', [address, id]);
      if (found === undefined) return false;
      this.#run('UPDATE credential SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?', [now(), id]);
      this.#touch(address);
      return true;
    });
  }

  find(address: Address): StoredAccount | undefined {
    const row = this.#get('SELECT * FROM account WHERE address = ?', [address]);
    return row === undefined ? undefined : this.#accountOf(row);
  }

  list(): StoredAccount[] {
    return this.#all('SELECT * FROM account ORDER BY address').map((row) => this.#accountOf(row));
  }

  /** What was changed after this revision, and the revision that it is now. */
  changedSince(revision: number): { readonly revision: number; readonly accounts: readonly StoredAccount[] } {
    this.#db.exec('BEGIN');
    try {
      const rows = this.#all('SELECT * FROM account WHERE revision > ? ORDER BY revision', [revision]);
      const newest = Number(rows.at(-1)?.['revision'] ?? revision);
      return { revision: newest, accounts: rows.map((row) => this.#accountOf(row)) };
    } finally {
      this.#db.exec('COMMIT');
    }
  }

  /** Another number than before when another process has written. */
  dataVersion(): number {
    return Number(this.#get('PRAGMA data_version')?.['data_version']);
  }

  /** By id, unix seconds. Not worth a revision, nor waiting for the disk: nobody decides by it. */
  noteSignIns(times: ReadonlyMap<string, number>): void {
    this.#db.exec('PRAGMA synchronous = NORMAL');
    try {
      this.#write(() => {
        for (const [id, at] of times)
          this.#run('UPDATE credential SET last_sign_in_at = ? WHERE id = ?', [at, id]);
      });
    } finally {
      this.#db.exec('PRAGMA synchronous = FULL');
    }
  }

  close(): void {
    this.#db.close();
  }

  #change(address: Address, change: () => void): boolean {
    return this.#write(() => {
      if (!this.#exists(address)) return false;
      change();
      this.#touch(address);
      return true;
    });
  }

  #exists(address: Address): boolean {
    return this.#get('SELECT 1 FROM account WHERE address = ?', [address]) !== undefined;
  }

  #touch(address: Address): void {
    this.#run("UPDATE meta SET value = value + 1 WHERE key = 'revision'");
    this.#run(
      "UPDATE account SET revision = (SELECT value FROM meta WHERE key = 'revision') WHERE address = ?",
      [address],
    );
  }

  #setGrants(address: Address, grants: readonly Grant[]): void {
    this.#run('DELETE FROM mailbox_grant WHERE address = ?', [address]);
    grants.forEach(({ upTo, kind, from }, position) =>
      this.#run('INSERT INTO mailbox_grant (address, position, up_to, kind, sender) VALUES (?, ?, ?, ?, ?)', [
        address,
        position,
        upTo,
        kind ?? null,
        from ?? null,
      ]),
    );
  }

  #insertCredential(address: Address, credential: NewCredential): string {
    const { label, record, certificateHash, expires } = credential;
    const id = randomBytes(idBytes).toString('hex');
    this.#run(
      'INSERT INTO credential (id, address, label, record, certificate_hash, expires, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      [id, address, label, record ?? null, certificateHash ?? null, expires ?? null, now()],
    );
    return id;
  }

  #accountOf(row: Row): StoredAccount {
    const address = row['address'] as Address;
    const grants = this.#all('SELECT * FROM mailbox_grant WHERE address = ? ORDER BY position', [address]);
    const credentials = this.#all('SELECT * FROM credential WHERE address = ? ORDER BY created_at, id', [
      address,
    ]);
    return {
      address,
      kind: row['kind'] as AccountKind,
      ceiling: row['ceiling'] as Precedence,
      isDisabled: row['disabled'] === 1,
      grants: grants.map(grantOf),
      credentials: credentials.map(credentialOf),
      salt: row['salt'] as Uint8Array,
      createdAt: row['created_at'] as number,
    };
  }

  #write<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk has already rolled it back in some cases.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #run(sql: string, values: readonly SQLInputValue[] = []): void {
    this.#db.prepare(sql).run(...values);
  }

  #get(sql: string, values: readonly SQLInputValue[] = []): Row | undefined {
    return this.#db.prepare(sql).get(...values);
  }

  #all(sql: string, values: readonly SQLInputValue[] = []): Row[] {
    return this.#db.prepare(sql).all(...values);
  }
}

function grantOf(row: Row): Grant {
  return {
    upTo: row['up_to'] as Precedence,
    ...(row['kind'] === null ? {} : { kind: row['kind'] as AccountKind }),
    ...(row['sender'] === null ? {} : { from: row['sender'] as Address | Domain }),
  };
}

function credentialOf(row: Row): StoredCredential {
  return {
    id: row['id'] as string,
    label: row['label'] as string,
    ...(row['record'] === null ? {} : { record: row['record'] as string }),
    ...(row['certificate_hash'] === null
      ? {}
      : { certificateHash: new Uint8Array(row['certificate_hash'] as Uint8Array) }),
    ...(row['expires'] === null ? {} : { expires: row['expires'] as number }),
    createdAt: row['created_at'] as number,
    ...(row['last_sign_in_at'] === null ? {} : { lastSignInAt: row['last_sign_in_at'] as number }),
    ...(row['revoked_at'] === null ? {} : { revokedAt: row['revoked_at'] as number }),
  };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
