// SPDX-License-Identifier: Apache-2.0
import { Event, type Domain, type MessageId, type Result } from '@sealpost/protocol';
import type { Custody, CustodyReader, Stored, TransitionResult } from '../custody/custody.ts';
import type { Outcomes } from '../delivery/outcomes.ts';
import { noticesFor, type Notices } from '../evidence/notices.ts';
import type { Statements } from '../evidence/statement.ts';

export interface ExpiryOptions {
  readonly custody: Custody & CustodyReader;
  readonly outcomes: Outcomes;
  readonly statements: Statements;
  readonly notices: Notices;
  /** Certificates of this domain's own signer. */
  readonly chain: readonly Uint8Array[];
  /** Asks the peer what became of a message in doubt; undefined while it cannot be asked. */
  askStatus(peer: Domain, row: Stored): Promise<Uint8Array | undefined>;
  admit(peer: Domain, signed: Uint8Array): Promise<Result<unknown>>;
  /** A held message was consigned: its content is in the store. */
  consigned(holder: string): void;
  report(error: unknown): void;
}

const batchRows = 256;
/** How long after its lifetime a message may stay without its peer's word before it is unconfirmed [RELAY-13]. */
export const silenceSeconds = 72 * 3600;
const askAgainMs = 5_000;
/** What is over and could not be ended is looked at again after this long. */
const lookAgainMs = 1_000;
const lookForSilenceMs = 3_600_000;

/** Ends what is over: nothing is delivered after its lifetime, and nothing ends without an outcome. */
export class Expiry {
  readonly #options: ExpiryOptions;
  /** Messages in doubt whose peer was asked, and when it may be asked again (unix milliseconds). */
  readonly #asked = new Map<MessageId, number>();

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** One sweep; resolves to the time of the next one, unix milliseconds. */
  async sweep(nowMs: number): Promise<number> {
    const { custody } = this.#options;
    const nowSeconds = Math.floor(nowMs / 1000);
    for (const [id, againMs] of this.#asked) if (againMs <= nowMs) this.#asked.delete(id);
    const held = await custody.held(nowMs, batchRows);
    const released = await Promise.all(held.map((row) => this.#release(row)));
    const over = await custody.expiring(nowSeconds, batchRows);
    const ended = await Promise.all(over.map((row) => this.#end(row, nowMs)));
    const silent = await custody.silent(nowSeconds - silenceSeconds, batchRows);
    const given = await Promise.all(silent.map((row) => this.#giveUp(row)));
    const { expires, heldAt } = await custody.nextDeadline();
    const next = Math.min(expires === undefined ? Infinity : expires * 1000, heldAt ?? Infinity);
    // What is over and could not be ended waits for its peer, or for room on the disk.
    const isStuck = released.includes(false) || ended.includes(false);
    const soonest = isStuck ? Math.max(next, nowMs + lookAgainMs) : next;
    // Silence has no deadline of its own: it is looked for now and then, and soon where there is more of it.
    const hasMore = silent.length === batchRows || given.includes(false);
    return Math.min(soonest, nowMs + (hasMore ? lookAgainMs : lookForSilenceMs));
  }

  /** A peer is back: asks about the messages that it left unconfirmed, so that its word replaces that outcome. */
  async askUnconfirmed(peer: Domain): Promise<void> {
    const { custody, askStatus, admit } = this.#options;
    let rows: readonly Stored[] = [];
    do {
      rows = await custody.unconfirmed(peer, batchRows, rows.at(-1));
      for (const row of rows) {
        const signed = await askStatus(peer, row);
        if (signed !== undefined) await admit(peer, signed);
      }
    } while (rows.length === batchRows);
  }

  async #release(row: Stored): Promise<boolean> {
    const result = await this.#options.outcomes.consign(row);
    if (result.kind === 'applied') this.#options.consigned(row.holder);
    return result.kind !== 'refused';
  }

  /** Whether the row left its state; a message in doubt stays until its peer has spoken. */
  async #end(row: Stored, nowMs: number): Promise<boolean> {
    const { outcomes } = this.#options;
    switch (row.state) {
      case 6:
        return (await outcomes.lapseKept(row, 'expired')).kind !== 'refused';
      case 4:
        this.#askSoon(row, nowMs);
        return false;
      case 2:
        return (await outcomes.expireHeld(row)).kind !== 'refused';
      case 3:
        return (await this.#finish(row, Event.relayFailed, 'expired')).kind !== 'refused';
      default:
        return true;
    }
  }

  async #giveUp(row: Stored): Promise<boolean> {
    return (await this.#finish(row, Event.unconfirmed, 'silence')).kind !== 'refused';
  }

  /** A peer may take its time to answer; nothing else waits for it. */
  #askSoon(row: Stored, nowMs: number): void {
    if (this.#asked.has(row.id)) return;
    this.#asked.set(row.id, nowMs + askAgainMs);
    this.#ask(row).catch(this.#options.report);
  }

  async #ask(row: Stored): Promise<void> {
    const { custody, askStatus, admit } = this.#options;
    const peer = row.holder.slice(1) as Domain;
    const whole = await custody.stored(row.holder, row.id);
    const signed = whole === undefined ? undefined : await askStatus(peer, whole);
    if (signed !== undefined) await admit(peer, signed);
  }

  async #finish(row: Stored, outcome: Event, reason: string): Promise<TransitionResult> {
    const { custody, statements, notices, chain } = this.#options;
    const subject = { id: row.id, digest: row.digest, recipient: row.audience };
    const statement = statements.about(subject, [outcome], { reason });
    const result = await custody.commit(
      {
        kind: 'finish',
        holder: row.holder,
        id: row.id,
        from: [row.state],
        outcome,
        evidence: statement,
        notices: noticesFor(row.ask, row.quiet, statement.events),
      },
      row.lane,
    );
    if (result.kind === 'applied' && result.signed !== undefined && result.notices !== undefined)
      notices.arrived(row.issuer, result.notices, {
        signed: result.signed,
        statement,
        chain,
        lane: row.lane,
      });
    return result;
  }
}
