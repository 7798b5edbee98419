// SPDX-License-Identifier: Apache-2.0
// Runs inside the worker: one batch, one transaction.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Event } from '@sealpost/protocol';
import type { PruneStep } from './custody.ts';
import { isMistake, isStorageFull } from '../sqlite/result-codes.ts';
import type { Room } from '../sqlite/room.ts';
import { StoreError } from '../sqlite/store-error.ts';
import { eventSet, eventsOf, type EventSet } from './event-set.ts';
import { Pruner } from './pruner.ts';
import { Sequence } from './sequence.ts';
import { admit, contentKept, decide, eventOf, type Standing, type State, type Step } from './states.ts';
import { prepareStatements, type Statements } from './sqlite-statements.ts';
import type {
  AcceptCommand,
  AdmitCommand,
  Command,
  CommandResult,
  SignedStatement,
  StepCommand,
  TakenCommand,
} from './command.ts';

/** Contradictions of one message that are kept; more add nothing, and a peer could go on for ever. */
const flaggedMax = 8;

interface Row {
  readonly seq: number;
  readonly issuer: string;
  readonly audience: string;
  readonly digest: Uint8Array;
  readonly state: State;
  readonly lane: number;
  readonly attempts: number;
  readonly attempts_max: number | null;
  readonly outcome: Event | null;
  readonly handover: Event | null;
  readonly said: EventSet;
  readonly serials: number;
  readonly flagged: number;
}

const applied: CommandResult = { kind: 'applied', notices: 0, firstNotice: 0, report: undefined };
const storageFull: CommandResult = { kind: 'storage-full' };
const postponed: CommandResult = { kind: 'postponed' };
const never = (): boolean => false;

export class SqliteStore {
  readonly #db: DatabaseSync;
  readonly #room: Room;
  readonly #epoch: number;
  readonly #sequence: Sequence;
  readonly #pruner: Pruner;
  readonly #statements: Statements;

  /** Takes the directory over from whoever had it open. */
  constructor(db: DatabaseSync, room: Room) {
    this.#db = db;
    this.#room = room;
    db.prepare("UPDATE meta SET value = value + 1 WHERE key = 'epoch'").run();
    this.#statements = prepareStatements(db);
    this.#epoch = this.#readEpoch();
    this.#sequence = new Sequence(db);
    this.#pruner = new Pruner(db);
  }

  /**
   * One result per command, durable. A command that SQLite itself rejects is left out and the rest is tried again.
   * `isHurried` is asked after each command: if so, what has been done is committed and the rest is postponed.
   * Without room nothing is accepted; what else the batch holds is tried until every way to make room has been used.
   * Throws when nothing can be written any more (fenced, damaged, I/O): after a failed fsync nobody can know what is on
   * the disk, and asking again gets an answer that means nothing. Whoever opens the store next begins by bringing the
   * log into the file anew.
   */
  commit(commands: readonly Command[], isHurried: () => boolean = never): CommandResult[] {
    const results = new Map<Command, CommandResult>();
    const remaining = (): Command[] => commands.filter((command) => !results.has(command));
    const refuse = (refused: readonly Command[]): void => {
      for (const command of refused) results.set(command, storageFull);
    };
    if (commands.some(isAcceptance) && !this.#room.mayBegin()) refuse(commands.filter(isAcceptance));
    let hasEmptiedLog = false;
    for (let left = remaining(); left.length > 0; left = remaining()) {
      let failing: Command | undefined;
      try {
        const made: CommandResult[] = [];
        this.#begin();
        for (failing of left) {
          if (made.length > 0 && isHurried()) break;
          made.push(this.#apply(failing));
        }
        failing = undefined;
        this.#end();
        left.forEach((command, index) => results.set(command, made[index] ?? postponed));
      } catch (error) {
        this.#rollBack();
        if (this.#room.isFull(error)) {
          const mayEmptyLog = !hasEmptiedLog && isStorageFull(error);
          hasEmptiedLog = true;
          if (mayEmptyLog && this.#emptyLog()) continue;
          if (left.some(isAcceptance)) refuse(left.filter(isAcceptance));
          else if (this.#room.giveUp()) hasEmptiedLog = false;
          else refuse(left);
        } else if (failing !== undefined && isMistake(error)) {
          results.set(failing, { kind: 'failed', message: String(error) });
        } else {
          throw error;
        }
      }
    }
    return commands.map((command) => results.get(command) ?? storageFull);
  }

  /** One small commit; nothing is deleted while the disk takes no writes. */
  prune(nowSeconds: number): PruneStep {
    try {
      this.#begin();
      const step = this.#pruner.step(nowSeconds);
      this.#end();
      return step;
    } catch (error) {
      this.#rollBack();
      if (this.#room.isFull(error)) return { deleted: 0, isLast: true };
      throw error;
    }
  }

  /** One small commit of nothing new: whether something new would be taken now. */
  probe(): boolean {
    if (!this.#room.mayBegin()) return false;
    try {
      this.#begin();
      this.#statements.touch.run();
      this.#end();
      return true;
    } catch (error) {
      this.#rollBack();
      if (this.#room.isFull(error)) return false;
      throw error;
    }
  }

  #begin(): void {
    this.#statements.begin.run();
    // Nothing may be written here any more.
    if (this.#readEpoch() !== this.#epoch)
      throw new StoreError(
        'store-taken',
        'Another process has opened this store since, and only the last one may write to it.',
      );
    this.#sequence.reserve();
  }

  #end(): void {
    this.#statements.commit.run();
    this.#sequence.committed();
  }

  #rollBack(): void {
    this.#sequence.rolledBack();
    // A full disk has already rolled it back in some cases.
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }

  /** Whether the log went into the file as a whole, and so begins again where its file has room already. */
  #emptyLog(): boolean {
    try {
      // Passive: waits for no reader.
      const { log, checkpointed } = this.#statements.checkpoint.get() ?? {};
      return log === checkpointed && log !== 0;
    } catch (error) {
      if (this.#room.isFull(error)) return false;
      throw error;
    }
  }

  #readEpoch(): number {
    return Number(this.#statements.epoch.get()?.['value']);
  }

  #apply(command: Command): CommandResult {
    switch (command.kind) {
      case 'accept':
        return this.#accept(command);
      case 'admit':
        return this.#admit(command);
      case 'reported':
        return this.#take(this.#statements.deleteReport, command);
      case 'noticed':
        return this.#take(this.#statements.deleteNotice, command);
      default:
        return this.#step(command);
    }
  }

  /** 1 → 2, 3, 4 or 6. */
  #accept(command: AcceptCommand): CommandResult {
    const { insertMessage, putSubmission } = this.#statements;
    const { holder, id, issuer, state, submission } = command;
    const isConsigned = state === 6;
    const { changes } = insertMessage.run(
      this.#sequence.peek(),
      holder,
      id,
      issuer,
      command.audience,
      command.digest,
      state,
      command.lane,
      command.expires,
      command.nextAt,
      command.attemptsMax ?? null,
      command.quiet ? 1 : 0,
      command.ask,
      isConsigned ? Event.delivered : null,
      isConsigned ? command.events | eventSet([Event.delivered]) : command.events,
      command.seal,
      command.body,
    );
    if (changes === 0) return this.#repeatedAccept(command);
    this.#sequence.take();
    this.#keepEvidence(command, 1, command, 0);
    if (submission !== undefined)
      putSubmission.run(
        issuer,
        submission.clientId,
        submission.packetId,
        submission.contentHash,
        id,
        command.observedAt,
      );
    return this.#owe(command, 1, command.lane, command.notices & command.events, undefined);
  }

  #repeatedAccept({ issuer, id, digest }: AcceptCommand): CommandResult {
    const first = this.#statements.findIssued.get(issuer, id);
    if (first === undefined || !isSame(first['digest'] as Uint8Array, digest)) return { kind: 'conflict' };
    const signed = this.#statements.firstEvidence.get(issuer, id)?.['signed'] as Uint8Array | undefined;
    return { kind: 'duplicate', state: first['state'] as State, signed };
  }

  #step(command: StepCommand): CommandResult {
    const { holder, id, evidence, notices } = command;
    const row = this.#find(holder, id);
    if (row === undefined) return { kind: 'wrong-state', state: undefined };
    const step = stepOf(command);
    const verdict = decide(standingOf(row), step);
    switch (verdict.kind) {
      case 'move':
        break;
      case 'duplicate': {
        const event = eventOf(step);
        const events = event === undefined ? 0 : eventSet([event]);
        return { kind: 'duplicate', state: row.state, signed: this.#evidenceOf(row.issuer, id, events) };
      }
      default:
        return { kind: 'wrong-state', state: row.state };
    }
    this.#move(row, verdict.to, evidence === undefined ? 0 : 1, 0);
    if (evidence === undefined) return applied;
    const serial = row.serials + 1;
    const message = { issuer: row.issuer, id };
    this.#keepEvidence(message, serial, evidence, 0);
    return this.#owe(message, serial, row.lane, notices & evidence.events, command.report);
  }

  /** A peer's word: 3, 4, 5 and 9. */
  #admit(command: AdmitCommand): CommandResult {
    const { holder, id, issuer, audience, digest, events, signed } = command;
    const row = this.#find(holder, id);
    if (
      row === undefined ||
      row.issuer !== issuer ||
      row.audience !== audience ||
      !isSame(row.digest, digest)
    )
      return { kind: 'wrong-state', state: undefined };
    const verdict = admit(standingOf(row), eventsOf(events));
    switch (verdict.kind) {
      case 'move': {
        const serial = row.serials + 1;
        this.#move(row, verdict.to, 1, 0);
        this.#keepEvidence(command, serial, command, 0);
        return this.#owe(command, serial, row.lane, command.notices & events & ~row.said, undefined);
      }
      case 'duplicate':
        return { kind: 'duplicate', state: row.state, signed: this.#evidenceOf(issuer, id, events) };
      case 'contradiction':
        if (this.#statements.findFlagged.get(issuer, id, signed) !== undefined)
          return { kind: 'duplicate', state: row.state, signed };
        if (row.flagged < flaggedMax) {
          this.#move(row, standingOf(row), 1, 1);
          this.#keepEvidence(command, row.serials + 1, command, 1);
        }
        return { kind: 'contradiction' };
      default:
        return { kind: 'wrong-state', state: row.state };
    }
  }

  #take(deletion: StatementSync, { queue, seqs }: TakenCommand): CommandResult {
    for (const seq of seqs) deletion.run(seq, queue);
    return applied;
  }

  #find(holder: string, id: Uint8Array): Row | undefined {
    return this.#statements.find.get(holder, id) as unknown as Row | undefined;
  }

  #move(row: Row, to: Standing, serials: number, flagged: number): void {
    const { update, updateWithoutBody, updateWithoutContent } = this.#statements;
    const kept = contentKept(to);
    const statement = kept === 'all' ? update : kept === 'seal' ? updateWithoutBody : updateWithoutContent;
    const { changes } = statement.run(
      to.state,
      to.attempts,
      to.outcome ?? null,
      to.handover ?? null,
      to.said,
      row.serials + serials,
      row.flagged + flagged,
      row.seq,
      row.state,
    );
    if (changes !== 1) throw new Error('a row changed inside its own transaction');
  }

  #keepEvidence(
    { issuer, id }: { readonly issuer: string; readonly id: Uint8Array },
    serial: number,
    { events, observedAt, signed }: SignedStatement,
    contradiction: 0 | 1,
  ): void {
    this.#statements.insertEvidence.run(issuer, id, serial, events, observedAt, signed, contradiction);
  }

  /** What has to be told, to the sender's clients and to its domain. */
  #owe(
    { issuer, id }: { readonly issuer: string; readonly id: Uint8Array },
    serial: number,
    lane: number,
    notices: EventSet,
    peer: string | undefined,
  ): CommandResult {
    if (notices === 0 && peer === undefined) return applied;
    const { insertNotice, insertReport } = this.#statements;
    const firstNotice = this.#sequence.peek();
    for (const event of eventsOf(notices))
      insertNotice.run(this.#sequence.take(), issuer, lane, id, event, serial);
    if (peer === undefined) return { kind: 'applied', notices, firstNotice, report: undefined };
    const report = this.#sequence.take();
    insertReport.run(report, peer, lane, issuer, id, serial);
    return { kind: 'applied', notices, firstNotice, report };
  }

  #evidenceOf(issuer: string, id: Uint8Array, events: EventSet): Uint8Array | undefined {
    return this.#statements.evidenceOf.get(issuer, id, events)?.['signed'] as Uint8Array | undefined;
  }
}

function isAcceptance({ kind }: Command): boolean {
  return kind === 'accept';
}

function standingOf(row: Row): Standing {
  return {
    state: row.state,
    outcome: row.outcome ?? undefined,
    handover: row.handover ?? undefined,
    said: row.said,
    attempts: row.attempts,
    attemptsMax: row.attempts_max ?? undefined,
  };
}

function stepOf({ kind, event, from }: StepCommand): Step {
  if (kind !== 'dispose' && kind !== 'finish') return { kind };
  if (event === undefined) throw new TypeError(`${kind} without an event`);
  return kind === 'dispose' ? { kind, event } : { kind, from, outcome: event };
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
