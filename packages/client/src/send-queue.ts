// SPDX-License-Identifier: Apache-2.0
import { Precedence } from '@sealpost/protocol';
import type { MessageId, Refusal, Result } from '@sealpost/protocol';
import type { Clock } from '@sealpost/mqtt';
import { NotAcknowledged } from '@sealpost/mqtt/link';
import type { Link, Outcome } from '@sealpost/mqtt/link';
import { SealpostError, refusalIn } from './error.ts';
import type { Draft } from './outbound.ts';
import { retryDelayMs } from './retry-delay.ts';
import type { Prepared, Submission, Submitted } from './submission.ts';

export interface SendQueueOptions {
  readonly submission: Pick<Submission, 'prepare' | 'offer'>;
  readonly clock: Clock;
  /** Whether a message can be sealed now: before the first CONNACK the server's time is not known. */
  canSeal(): boolean;
  /** 0 up to 1. */
  random(): number;
  /** True: nothing waits for a connection or is offered again; whatever goes wrong is told at once. */
  readonly failsFast: boolean;
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** Offered and not answered; urgent ones need no slot. The link orders them once more, behind its window of bytes. */
const inFlightMax = 32;
const answerMs = 1_000;
/** Longer timers overflow in some engines. */
const timerMaxMs = 86_400_000;

class Entry {
  readonly draft: Draft;
  readonly id: MessageId;
  /** Unix milliseconds by the local clock. */
  readonly deadlineMs: number;
  readonly answered = Promise.withResolvers<Submitted>();
  /** Made once: whatever is offered is the same message. */
  prepared: Promise<Result<Prepared>> | undefined;
  inFlight = false;
  /** It has left once and no answer came. */
  isInDoubt = false;
  failures = 0;
  notBeforeMs = 0;
  lastRefusal: Refusal | undefined;

  constructor(draft: Draft, id: MessageId, nowMs: number) {
    this.draft = draft;
    this.id = id;
    this.deadlineMs = nowMs + draft.lifetimeSeconds * 1000;
  }
}

/** What has left is given a moment more, for an answer, or the link's word that it never went out. */
function endsAtMs({ deadlineMs, inFlight }: Entry): number {
  return deadlineMs + (inFlight ? answerMs : 0);
}

/**
 * Messages that the server has not taken yet. They wait for a connection, for a slot, or until the server wants to be
 * asked again; most urgent first, then oldest first, each for its own lifetime at most.
 */
export class SendQueue {
  readonly #options: SendQueueOptions;
  /** In the order of arrival. */
  readonly #entries = new Map<MessageId, Entry>();
  #bytes = 0;
  #inFlight = 0;
  #link: Link | undefined;
  #cancelTimer: (() => void) | undefined;
  #over: SealpostError | undefined;

  constructor(options: SendQueueOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#entries.size;
  }

  /**
   * Resolves when the server has taken custody. Rejects with SealpostError: what the server refused for good,
   * `overloaded` when there is no room here, `expired` when the lifetime is over, `undecided` when `signal` fires,
   * `unreachable` when the client is closed.
   */
  submit(draft: Draft, id: MessageId, signal?: AbortSignal): Promise<Submitted> {
    const refusal = this.#refusalOf(draft, id);
    if (refusal !== undefined) return Promise.reject(refusal);
    const entry = new Entry(draft, id, this.#options.clock.now());
    this.#entries.set(id, entry);
    this.#bytes += draft.body.length;
    // Sealed at once where it can be: its times are those of the call.
    if (this.#options.canSeal()) void this.#prepare(entry).catch(() => undefined);
    const abort = (): void =>
      this.#fail(entry, { code: 'undecided', cause: 'cancelled' }, entry.isInDoubt || entry.inFlight);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    this.#pump();
    return entry.answered.promise.finally(() => signal?.removeEventListener('abort', abort));
  }

  up(link: Link): void {
    this.#link = link;
    this.#pump();
  }

  down(): void {
    this.#link = undefined;
  }

  over(error: SealpostError): void {
    this.#over = error;
    this.#link = undefined;
    this.#cancelTimer?.();
    for (const entry of this.#entries.values())
      this.#fail(entry, refusalIn(error), entry.isInDoubt || entry.inFlight);
  }

  #refusalOf({ body }: Draft, id: MessageId): SealpostError | undefined {
    const { messagesMax, bytesMax, failsFast } = this.#options;
    if (this.#over !== undefined) return this.#over;
    if (failsFast && this.#link === undefined) return new SealpostError({ code: 'unreachable' });
    if (this.#entries.has(id)) return new SealpostError({ code: 'id-conflict', cause: 'it waits already' });
    if (this.#entries.size >= messagesMax || this.#bytes + body.length > bytesMax)
      return new SealpostError({ code: 'overloaded', cause: 'the send queue is full' });
    return undefined;
  }

  #pump(): void {
    const nowMs = this.#options.clock.now();
    for (const entry of this.#entries.values()) if (endsAtMs(entry) <= nowMs) this.#expire(entry);
    if (this.#link !== undefined)
      for (let next = this.#next(nowMs); next !== undefined; next = this.#next(nowMs))
        void this.#offer(next, this.#link);
    this.#setTimer(nowMs);
  }

  /** The most urgent one that may go now, of these the oldest. */
  #next(nowMs: number): Entry | undefined {
    let best: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.inFlight || entry.notBeforeMs > nowMs) continue;
      if (best === undefined || entry.draft.precedence > best.draft.precedence) best = entry;
    }
    const hasSlot = this.#inFlight < inFlightMax || (best?.draft.precedence ?? 0) >= Precedence.immediate;
    return hasSlot ? best : undefined;
  }

  async #offer(entry: Entry, link: Link): Promise<void> {
    entry.inFlight = true;
    this.#inFlight += 1;
    try {
      const prepared = await this.#prepare(entry);
      const result = prepared.ok ? await this.#options.submission.offer(link, prepared.value) : prepared;
      if (result.ok) this.#finish(entry, () => entry.answered.resolve(result.value));
      else this.#refused(entry, result.refusal);
    } catch (error) {
      if (error instanceof NotAcknowledged) this.#unanswered(entry, error.outcome, link);
      // A key that cannot sign, and bugs.
      else this.#finish(entry, () => entry.answered.reject(error));
    } finally {
      entry.inFlight = false;
      this.#inFlight -= 1;
      this.#pump();
    }
  }

  #prepare(entry: Entry): Promise<Result<Prepared>> {
    const leftMs = entry.deadlineMs - this.#options.clock.now();
    return (entry.prepared ??= this.#options.submission.prepare(
      entry.draft,
      entry.id,
      Math.max(1, Math.ceil(leftMs / 1000)),
    ));
  }

  #refused(entry: Entry, refusal: Refusal): void {
    const { clock, random, failsFast } = this.#options;
    const { permanent } = new SealpostError(refusal);
    // This offer was refused, and says nothing of one before it whose answer was lost: a server refuses for want of room,
    // or because a peer is gone, before it looks whether it has the message already.
    if (refusal.code === 'undecided') entry.isInDoubt = true;
    if (permanent || failsFast || refusal.code === 'clock') {
      this.#fail(entry, refusal, entry.isInDoubt);
      return;
    }
    entry.failures += 1;
    entry.lastRefusal = refusal;
    entry.notBeforeMs = clock.now() + retryDelayMs(entry.failures, random(), refusal.retryAfterSeconds);
  }

  #unanswered(entry: Entry, outcome: Outcome, link: Link): void {
    // `down` will say so in a moment.
    if (outcome.kind === 'lost' && this.#link === link) this.#link = undefined;
    if (outcome.kind === 'lost' && outcome.written) entry.isInDoubt = true;
    if (outcome.kind === 'too-large')
      this.#fail(entry, { code: 'rejected', cause: 'larger than the server takes' }, false);
    else if (outcome.kind === 'expired') this.#expire(entry);
    else if (this.#options.failsFast)
      this.#fail(entry, { code: 'unreachable', cause: 'the connection was lost' }, entry.isInDoubt);
  }

  /** What may have reached the server is not called expired on a guess. */
  #expire(entry: Entry): void {
    const { lastRefusal, isInDoubt, inFlight } = entry;
    if (isInDoubt || inFlight)
      this.#fail(entry, { code: 'undecided', cause: 'no answer came in its lifetime' }, true);
    else this.#fail(entry, { code: 'expired', cause: lastRefusal?.code ?? 'it has not left' }, false);
  }

  #fail(entry: Entry, refusal: Refusal, isInDoubt: boolean): void {
    this.#finish(entry, () => entry.answered.reject(new SealpostError(refusal, isInDoubt)));
  }

  #finish(entry: Entry, settle: () => void): void {
    if (this.#entries.get(entry.id) === entry) {
      this.#entries.delete(entry.id);
      this.#bytes -= entry.draft.body.length;
    }
    settle();
  }

  #setTimer(nowMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    let dueMs = Infinity;
    for (const entry of this.#entries.values()) {
      dueMs = Math.min(dueMs, endsAtMs(entry));
      const isPutOff = !entry.inFlight && this.#link !== undefined && entry.notBeforeMs > nowMs;
      if (isPutOff) dueMs = Math.min(dueMs, entry.notBeforeMs);
    }
    if (dueMs === Infinity) return;
    const delayMs = Math.min(timerMaxMs, Math.max(0, dueMs - nowMs));
    this.#cancelTimer = this.#options.clock.after(delayMs, () => this.#pump());
  }
}
