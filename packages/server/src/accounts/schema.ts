// SPDX-License-Identifier: Apache-2.0
import { applicationId, type Layout } from '../sqlite/layout.ts';

/**
 * Times are unix seconds; ceilings and grants are the numbers of precedences. Every change to an account, its grants or
 * its credentials takes the next revision, so that a running domain reads only what has changed. Accounts and
 * credentials are never deleted: what was said about them stays readable.
 */
const layout1 = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE account (
    address TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    ceiling INTEGER NOT NULL,
    disabled INTEGER NOT NULL,
    salt BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX account_changed ON account (revision);

  CREATE TABLE mailbox_grant (
    address TEXT NOT NULL REFERENCES account (address),
    position INTEGER NOT NULL,
    up_to INTEGER NOT NULL,
    kind TEXT,
    sender TEXT,
    PRIMARY KEY (address, position)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE credential (
    id TEXT PRIMARY KEY,
    address TEXT NOT NULL REFERENCES account (address),
    label TEXT NOT NULL,
    record TEXT,
    certificate_hash BLOB,
    expires INTEGER,
    created_at INTEGER NOT NULL,
    last_sign_in_at INTEGER,
    revoked_at INTEGER,
    CHECK ((record IS NULL) <> (certificate_hash IS NULL))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX credential_of_account ON credential (address);

  INSERT INTO meta (key, value) VALUES ('revision', 0);
`;

export const accountLayout: Layout = {
  name: 'account store',
  applicationId: applicationId('SPac'),
  migrations: [layout1],
  cacheKib: 4096,
};
