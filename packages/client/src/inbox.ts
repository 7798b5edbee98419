// SPDX-License-Identifier: Apache-2.0
import type { Address, Lane, Refusal } from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { notTaken, taken } from './acknowledgement.ts';
import type { Act } from './acting.ts';
import { Arrival } from './arrival.ts';
import { AsyncQueue } from './async-queue.ts';
import { SealpostError } from './error.ts';
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
}

export interface WaitingOptions {
  readonly idleMs?: number;
  readonly limit?: number;
}

/** The own mailbox, live. */
export class Inbox {
  readonly #subscriptions: Subscriptions;
  readonly #check: MessageCheck;
  readonly #act: Act;
  /** Messages whose hand-over this client has acknowledged: a repeat is answered alike and not shown again. */
  readonly #taken = new Recent<true>(rememberedMax);
  #reader: AsyncQueue<Arrival> | undefined;
  /** Something was given back because the reader was slow: the mailbox has to be asked again. */
  #isBehind = false;

  constructor(subscriptions: Subscriptions, check: MessageCheck, act: Act) {
    this.#subscriptions = subscriptions;
    this.#check = check;
    this.#act = act;
  }

  /**
   * A message is handed over when the loop body that reads it has finished and the next one is asked for; earlier by
   * `message.taken()`; and without either once the body has had it for 3 s, because the server waits for an answer.
   * Leaving the loop hands over nothing more: the message in hand, unless taken, and the queued ones stay with the
   * mailbox. Queued messages that the loop does not reach in time are given back, and asked for again when it is idle:
   * so a slow loop slows the server, and fills no memory here.
   */
  async *messages({ handOver = true }: MessagesOptions = {}): AsyncGenerator<Message, void, undefined> {
    const qos = handOver ? 1 : 0;
    const reader = this.#startReading();
    let current: Arrival | undefined;
    try {
      await this.#subscriptions.open(filter, { qos });
      for (;;) {
        if (this.#isBehind && reader.length === 0) await this.#catchUp(qos);
        const next = await reader.next();
        if (next.done === true) return;
        current = next.value;
        const message = await this.#messageOf(current);
        if (message === undefined) continue;
        yield message;
        message.taken();
      }
    } finally {
      current?.leave();
      this.#stopReading(reader);
    }
  }

  /**
   * What waits in the mailbox, most urgent first; nothing is handed over. The server does not say when it has shown
   * everything, so this ends after `idleMs` without another message, or at `limit`.
   */
  async waiting({ idleMs = 300, limit = queuedMax }: WaitingOptions = {}): Promise<Message[]> {
    const messages: Message[] = [];
    const reader = this.#startReading();
    try {
      await this.#subscriptions.open(filter, { qos: 0 });
      while (messages.length < limit) {
        const next = await within(idleMs, reader.next());
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

  end(refusal: Refusal): void {
    this.#reader?.end(new SealpostError(refusal));
  }

  #startReading(): AsyncQueue<Arrival> {
    if (this.#reader !== undefined) throw new TypeError('the mailbox of this client is being read already');
    this.#reader = new AsyncQueue<Arrival>(queuedMax);
    return this.#reader;
  }

  #stopReading(reader: AsyncQueue<Arrival>): void {
    this.#reader = undefined;
    this.#isBehind = false;
    this.#subscriptions.close(filter);
    for (const arrival of reader.drain()) arrival.leave();
  }

  /** A repeated SUBSCRIBE is offered what waits, but nothing that is on its way already. */
  async #catchUp(qos: 0 | 1): Promise<void> {
    this.#isBehind = false;
    await this.#subscriptions.open(filter, { qos });
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
