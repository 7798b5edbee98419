// SPDX-License-Identifier: Apache-2.0
import { applicationId, type Layout } from '../sqlite/layout.ts';

/**
 * Times are unix seconds, next_at milliseconds. Sets of events are bits, 1 << event. Each index carries only rows that
 * its one reader can be interested in, so that what is over costs nothing but its row; the conditions are repeated word
 * for word in the queries, else SQLite does not use them. Outcome 18 is unconfirmed. Every key of the hot path begins with holder, issuer, mailbox
 * or peer.
 */
const layout1 = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE message (
    seq INTEGER PRIMARY KEY,
    holder TEXT NOT NULL,
    id BLOB NOT NULL,
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    digest BLOB NOT NULL,
    state INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    attempts_max INTEGER,
    quiet INTEGER NOT NULL,
    ask INTEGER NOT NULL,
    outcome INTEGER,
    handover INTEGER,
    said INTEGER NOT NULL,
    serials INTEGER NOT NULL,
    flagged INTEGER NOT NULL,
    seal BLOB,
    body BLOB,
    UNIQUE (holder, id),
    UNIQUE (issuer, id)
  ) STRICT;
  CREATE INDEX message_waiting ON message (holder, lane DESC, seq) WHERE state = 6;
  CREATE INDEX message_due ON message (holder, lane DESC, seq) WHERE state IN (3, 4);
  CREATE INDEX message_expiring ON message (expires) WHERE state IN (2, 3, 6);
  CREATE INDEX message_in_doubt ON message (holder, expires) WHERE state = 4;
  CREATE INDEX message_silent ON message (expires) WHERE state IN (4, 5) AND outcome IS NULL;
  CREATE INDEX message_held ON message (next_at) WHERE state = 2;
  CREATE INDEX message_unconfirmed ON message (holder, lane DESC, seq) WHERE outcome = 18 AND seal IS NOT NULL;

  CREATE TABLE evidence (
    issuer TEXT NOT NULL,
    id BLOB NOT NULL,
    serial INTEGER NOT NULL,
    events INTEGER NOT NULL,
    observed_at INTEGER NOT NULL,
    signed BLOB NOT NULL,
    contradiction INTEGER NOT NULL,
    PRIMARY KEY (issuer, id, serial)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE notice (
    seq INTEGER PRIMARY KEY,
    mailbox TEXT NOT NULL,
    lane INTEGER NOT NULL,
    id BLOB NOT NULL,
    event INTEGER NOT NULL,
    serial INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX notice_owed ON notice (mailbox, lane DESC, seq);

  CREATE TABLE report (
    seq INTEGER PRIMARY KEY,
    peer TEXT NOT NULL,
    lane INTEGER NOT NULL,
    issuer TEXT NOT NULL,
    id BLOB NOT NULL,
    serial INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX report_owed ON report (peer, lane DESC, seq);

  CREATE TABLE submission (
    account TEXT NOT NULL,
    client_id TEXT NOT NULL,
    packet_id INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (account, client_id, packet_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE reserve (
    id INTEGER PRIMARY KEY,
    room BLOB NOT NULL
  ) STRICT;

  INSERT INTO meta (key, value) VALUES ('epoch', 0), ('seq', 1);
`;

/** Room is kept outside the file now; what is over can be found by its age. */
const layout2 = `
  DROP TABLE reserve;
  CREATE INDEX message_over ON message (expires) WHERE state IN (5, 7, 8, 9) AND body IS NULL;
  ALTER TABLE submission ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;
  UPDATE submission SET made_at = coalesce(
    (SELECT observed_at FROM evidence AS e
     WHERE e.issuer = submission.account AND e.id = submission.id ORDER BY serial LIMIT 1),
    0);
  CREATE INDEX submission_made ON submission (made_at);
`;

export const custodyLayout: Layout = {
  name: 'custody store',
  applicationId: applicationId('SPcu'),
  unmarkedUpTo: 1,
  migrations: [layout1, layout2],
  cacheKib: 32 * 1024,
};
