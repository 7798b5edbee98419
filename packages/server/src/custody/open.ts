// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { messageIdBytes, messageIdFromBytes } from '@sealpost/protocol';
import type { Event, Haste, MessageId, Precedence, Statement } from '@sealpost/protocol';
import type { Observer } from '../observe/observer.ts';
import type { RoomLimits } from '../sqlite/room.ts';
import type {
  Custody,
  CustodyReader,
  EvidenceRow,
  Inspecting,
  Notice,
  OutcomeCount,
  PruneStep,
  Pruning,
  QueueLane,
  QueuePosition,
  Report,
  State,
  Stored,
  Submitted,
  Transition,
  TransitionResult,
} from './custody.ts';
import { eventsOf } from './event-set.ts';
import { GroupCommit } from './group-commit.ts';
import { StoreThread } from './store-thread.ts';
import { storedOf, type MessageRow } from './stored-row.ts';
import { tellOf } from './tell.ts';
import { packBatch, unpackResults } from './wire.ts';

export interface CustodyOptions {
  /** Made if it is not there. Whoever opens it last has it; everything an earlier opener commits then rejects. */
  readonly directory: string;
  /** Signs evidence, several at a time. */
  sign(statement: Statement, haste: Haste): Promise<Uint8Array>;
  /** Called once, if custody fails as a whole. */
  report(error: Error): void;
  /** Told of every batch, once it is answered. */
  readonly observer?: Observer;
  /** What is to be left of the disk; for tests on small ones. */
  readonly room?: RoomLimits;
}

/** The log's pages between two checkpoints (16 MiB) must fit into what is kept; nothing is accepted with less than four times that. */
export const roomDefault: RoomLimits = { keptBytes: 16 * 1024 * 1024, spareBytes: 64 * 1024 * 1024 };
const closed = 'custody is closed';

/** Custody in one SQLite file, written by a thread of its own. */
export async function openCustody(
  options: CustodyOptions,
): Promise<Custody & CustodyReader & Pruning & Inspecting> {
  const { directory, observer, room = roomDefault, sign, report } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let failed: (error: Error) => void = report;
  const thread = await StoreThread.open({ directory, room }, (error) => failed(error));
  const commits = new GroupCommit({
    // Async, so that whatever it throws is a rejection.
    sign: async (statement, haste) => sign(statement, haste),
    hurry: () => thread.hurry(),
    write: async (batch) => {
      const began = performance.now();
      const results = unpackResults(await thread.write(packBatch(batch)), batch);
      if (observer !== undefined) tellOf(batch, results, performance.now() - began, observer);
      return results;
    },
  });
  failed = (error) => {
    commits.fail(error);
    report(error);
  };
  return new SqliteCustody(thread, commits);
}

type Rows = Promise<readonly Record<string, unknown>[]>;

class SqliteCustody implements Custody, CustodyReader, Pruning, Inspecting {
  readonly #thread: StoreThread;
  readonly #commits: GroupCommit;
  #closed: Promise<void> | undefined;

  constructor(thread: StoreThread, commits: GroupCommit) {
    this.#thread = thread;
    this.#commits = commits;
  }

  get pendingBytes(): number {
    return this.#commits.pendingBytes;
  }

  commit(transition: Transition, rank?: number): Promise<TransitionResult> {
    if (this.#closed !== undefined) return Promise.reject(new Error(closed));
    return this.#commits.commit(transition, rank ?? (transition.kind === 'accept' ? transition.lane : 0));
  }

  prune(nowSeconds: number): Promise<PruneStep> {
    return this.#thread.prune(nowSeconds);
  }

  async queued(limit: number): Promise<QueueLane[]> {
    return (await this.#thread.askFirst('queued', limit)).map((row) => ({
      queue: row['queue'] as QueueLane['queue'],
      lane: row['lane'] as Precedence,
      count: row['count'] as number,
      ...(typeof row['since'] === 'number' ? { since: row['since'] } : {}),
    }));
  }

  async owed(limit: number): Promise<{ notices: number; reports: number }> {
    const [row] = await this.#thread.askFirst('owed', limit);
    return { notices: Number(row?.['notices']), reports: Number(row?.['reports']) };
  }

  probe(): Promise<boolean> {
    return this.#thread.probe();
  }

  close(): Promise<void> {
    this.#closed ??= this.#commits.settled().then(() => this.#thread.close());
    return this.#closed;
  }

  waiting(holder: string, limit: number, after?: QueuePosition): Promise<Stored[]> {
    return messages(this.#thread.ask('waiting', holder, limit, position(after)));
  }

  due(peer: string, limit: number, after?: QueuePosition): Promise<Stored[]> {
    return messages(this.#thread.ask('due', peer, limit, position(after)));
  }

  unconfirmed(peer: string, limit: number, after?: QueuePosition): Promise<Stored[]> {
    return messages(this.#thread.ask('unconfirmed', peer, limit, position(after)));
  }

  async stored(holder: string, id: MessageId): Promise<Stored | undefined> {
    return (await messages(this.#thread.ask('stored', holder, messageIdBytes(id))))[0];
  }

  async sent(issuer: string, id: MessageId): Promise<Stored | undefined> {
    return (await messages(this.#thread.ask('sent', issuer, messageIdBytes(id))))[0];
  }

  expiring(nowSeconds: number, limit: number): Promise<Stored[]> {
    return messages(this.#thread.ask('expiring', nowSeconds, limit));
  }

  silent(beforeSeconds: number, limit: number): Promise<Stored[]> {
    return messages(this.#thread.ask('silent', beforeSeconds, limit));
  }

  held(nowMs: number, limit: number): Promise<Stored[]> {
    return messages(this.#thread.ask('held', nowMs, limit));
  }

  async timeline(issuer: string, id: MessageId): Promise<EvidenceRow[]> {
    const rows = await this.#thread.ask('timeline', issuer, messageIdBytes(id));
    return rows.map((row) => ({
      serial: row['serial'] as number,
      events: eventsOf(row['events'] as number),
      observedAt: row['observed_at'] as number,
      signed: row['signed'] as Uint8Array,
      contradiction: row['contradiction'] === 1,
    }));
  }

  async notices(mailbox: string, limit: number, after?: QueuePosition): Promise<Notice[]> {
    const rows = await this.#thread.ask('notices', mailbox, limit, position(after));
    return rows.map((row) => ({
      seq: row['seq'] as number,
      id: messageIdFromBytes(row['id'] as Uint8Array),
      event: row['event'] as Event,
      lane: row['lane'] as Precedence,
      signed: row['signed'] as Uint8Array,
    }));
  }

  async reports(peer: string, limit: number, after?: QueuePosition): Promise<Report[]> {
    const rows = await this.#thread.ask('reports', peer, limit, position(after));
    return rows.map((row) => ({
      seq: row['seq'] as number,
      lane: row['lane'] as Precedence,
      signed: row['signed'] as Uint8Array,
    }));
  }

  async submission(account: string, clientId: string, packetId: number): Promise<Submitted | undefined> {
    const [row] = await this.#thread.ask('submission', account, clientId, packetId);
    if (row === undefined) return undefined;
    return {
      contentHash: row['content_hash'] as Uint8Array,
      id: messageIdFromBytes(row['id'] as Uint8Array),
      state: row['state'] as State,
      ...(row['signed'] instanceof Uint8Array ? { signed: row['signed'] } : {}),
    };
  }

  async nextDeadline(): Promise<{ expires?: number; heldAt?: number }> {
    const [row] = await this.#thread.ask('nextDeadline');
    return {
      ...(typeof row?.['expires'] === 'number' ? { expires: row['expires'] } : {}),
      ...(typeof row?.['held_at'] === 'number' ? { heldAt: row['held_at'] } : {}),
    };
  }

  async peers(): Promise<string[]> {
    return (await this.#thread.ask('peers')).map((row) => row['peer'] as string);
  }

  async outcomes(): Promise<OutcomeCount[]> {
    const rows = await this.#thread.ask('outcomes');
    return rows.map((row) => ({
      state: row['state'] as State,
      ...(row['outcome'] === null ? {} : { outcome: row['outcome'] as Event }),
      ...(row['handover'] === null ? {} : { handover: row['handover'] as Event }),
      count: row['count'] as number,
    }));
  }
}

/** Only what the store needs: the caller's object may carry much more, and would be copied to the other thread. */
function position(after: QueuePosition | undefined): QueuePosition | undefined {
  return after === undefined ? undefined : { lane: after.lane, seq: after.seq };
}

async function messages(rows: Rows): Promise<Stored[]> {
  return (await rows).map((row) => storedOf(row as unknown as MessageRow));
}
