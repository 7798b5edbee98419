// SPDX-License-Identifier: Apache-2.0
import type { Address, Lane } from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { notTaken, taken } from './acknowledgement.ts';
import type { Act } from './acting.ts';
import { Arrival } from './arrival.ts';
import { AsyncQueue } from './async-queue.ts';
import { orAborted } from './cancellation.ts';
import type { Connection } from './connection.ts';
import { lostLink } from './error.ts';
import { Message } from './message.ts';
import { messageIdOf } from './message-check.ts';
import type { MessageCheck } from './message-check.ts';
import { Recent } from './recent.ts';
import type { Subscriptions } from './subscriptions.ts';

const filter = 'mail/inbox/#';
const rememberedMax = 4_096;
/** More than the server may have in flight, so that a full queue means a server that ignores Receive Maximum. */
const queuedMax = 256;

export interface MessagesOptions {
  /**
   * True unless given: reading a message takes it from the mailbox's queue. False shows what waits and what comes,
   * and leaves it there for a client that takes it.
   */
  readonly handOver?: boolean;
  /** Ends the iteration, as leaving the loop does. */
  readonly signal?: AbortSignal;
}

export interface WaitingOptions {
  readonly idleMs?: number;
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** The own mailbox, live, over as many links as it takes. */
export class Inbox {
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #check: MessageCheck;
  readonly #act: Act;
  /**
   * Messages whose hand-over this client has acknowledged. A repeat is answered alike and not shown again: the server
   * repeats what it did not hear of before the link was lost or before it fell over.
   */
  readonly #taken = new Recent<true>(rememberedMax);
  #reader: AsyncQueue<Arrival> | undefined;
  /** A list of what waits is being made, which has to come over one link. */
  #isListing = false;
  /** Something was given back because the reader was slow: the mailbox has to be asked again. */
  #isBehind = false;

  constructor(connection: Connection, subscriptions: Subscriptions, check: MessageCheck, act: Act) {
    this.#connection = connection;
    this.#subscriptions = subscriptions;
    this.#check = check;
    this.#act = act;
    connection.join({
      down: () => this.#lost(),
      over: (error, isOnPurpose) => this.#reader?.end(isOnPurpose ? undefined : error),
    });
  }

  /**
   * A message is handed over when the loop body that reads it has finished and the next one is asked for; earlier by
   * `message.taken()`; and without either once the body has had it for 3 s, because the server waits for an answer.
   * Leaving the loop hands over nothing more: the message in hand, unless taken, and the queued ones stay with the
   * mailbox. Queued messages that the loop does not reach in time are given back, and asked for again when it is idle:
   * so a slow loop slows the server, and fills no memory here.
   *
   * The iteration goes on when the connection is lost and comes back: what waits is offered again, and what was shown
   * is not shown again. It throws when the client ends otherwise than by `close`.
   */
  async *messages({ handOver = true, signal }: MessagesOptions = {}): AsyncGenerator<
    Message,
    void,
    undefined
  > {
    const qos = handOver ? 1 : 0;
    // Shown and left in the mailbox, which will offer it again.
    const shown = new Recent<true>(rememberedMax);
    const reader = this.#startReading();
    const abort = (): void => reader.end();
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    let current: Arrival | undefined;
    try {
      await this.#subscriptions.open(filter, { qos, refused: (error) => reader.end(error) });
      for (;;) {
        if (this.#isBehind && reader.length === 0) await this.#catchUp(qos);
        const next = await reader.next();
        if (next.done === true) return;
        current = next.value;
        const message = await this.#messageOf(current);
        if (signal?.aborted === true) return;
        if (message === undefined || shown.has(message.id)) continue;
        if (!handOver) shown.set(message.id, true);
        yield message;
        message.taken();
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      current?.leave();
      this.#stopReading(reader);
    }
  }

  /**
   * What waits in the mailbox, most urgent first; nothing is handed over. The server does not say when it has shown
   * everything, so this ends after `idleMs` without another message, or at `limit`.
   */
  async waiting({ idleMs = 300, limit = queuedMax, signal }: WaitingOptions = {}): Promise<Message[]> {
    const messages: Message[] = [];
    const reader = this.#startReading();
    this.#isListing = true;
    try {
      await this.#connection.linked(signal);
      await this.#subscriptions.open(filter, { qos: 0 });
      while (messages.length < limit) {
        const next = await orAborted(within(idleMs, reader.next()), signal);
        if (next === undefined || next.done === true) break;
        const message = await this.#messageOf(next.value);
        if (message !== undefined) messages.push(message);
      }
      return messages;
    } finally {
      this.#stopReading(reader);
    }
  }

  onPublish(publish: Publish, from: Address, lane: Lane): Acknowledgement | Promise<Acknowledgement> {
    const id = messageIdOf(publish);
    if (!id.ok) return notTaken(id.refusal.code);
    if (this.#taken.has(id.value)) return taken;
    const reader = this.#reader;
    if (reader === undefined) return notTaken('undecided');
    const { qos } = publish;
    const arrival = new Arrival(this.#check.read(publish, id.value, from, lane), qos, (end) => {
      if (end === 'taken' && qos > 0) this.#taken.set(id.value, true);
      if (end === 'given-back') this.#isBehind = true;
    });
    if (!reader.push(arrival)) arrival.giveBack();
    return qos > 0 ? arrival.answered : taken;
  }

  /** Before the link says goodbye: the loop that reads ends, and what it did not reach stays in the mailbox. */
  stop(): void {
    for (const arrival of this.#reader?.drain() ?? []) arrival.leave();
    this.#reader?.end();
  }

  /** What nobody has seen yet comes again on the next link; it cannot be answered on this one any more. */
  #lost(): void {
    for (const arrival of this.#reader?.drain() ?? []) arrival.leave();
    this.#isBehind = false;
    if (this.#isListing) this.#reader?.end(lostLink('the connection was lost while it was read'));
  }

  #startReading(): AsyncQueue<Arrival> {
    if (this.#reader !== undefined) throw new TypeError('the mailbox of this client is being read already');
    this.#reader = new AsyncQueue<Arrival>(queuedMax);
    return this.#reader;
  }

  #stopReading(reader: AsyncQueue<Arrival>): void {
    this.#reader = undefined;
    this.#isListing = false;
    this.#isBehind = false;
    this.#subscriptions.close(filter);
    for (const arrival of reader.drain()) arrival.leave();
  }

  /** A repeated SUBSCRIBE is offered what waits, but nothing that is on its way already. */
  async #catchUp(qos: 0 | 1): Promise<void> {
    this.#isBehind = false;
    await this.#subscriptions.open(filter, { qos, refused: (error) => this.#reader?.end(error) });
  }

  /** Undefined for what must not be shown: lifetime ended on the way, given back, or shown before. */
  async #messageOf(arrival: Arrival): Promise<Message | undefined> {
    const received = await arrival.received;
    if (this.#taken.has(received.id)) arrival.take();
    else if (!received.verified.ok && received.verified.refusal.code === 'expired') arrival.drop();
    if (!arrival.show()) return undefined;
    return new Message(received, {
      act: this.#act,
      taken: () => arrival.take(),
      leave: () => arrival.leave(),
    });
  }
}

/** Undefined when the time passes first. */
async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
