// SPDX-License-Identifier: Apache-2.0
import type { Address, Lane, MessageId, Refusal } from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { notTaken, taken } from './acknowledgement.ts';
import type { Act } from './acting.ts';
import { AsyncQueue } from './async-queue.ts';
import { SealpostError } from './error.ts';
import { Message } from './message.ts';
import type { MessagePort, Received } from './message.ts';
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

interface Arrival {
  readonly received: Promise<Received>;
  settle(answer: Acknowledgement): void;
}

/** The own mailbox, live. */
export class Inbox {
  readonly #subscriptions: Subscriptions;
  readonly #check: MessageCheck;
  readonly #act: Act;
  /** Messages whose hand-over this client has acknowledged: a repeat is answered alike and not shown again. */
  readonly #taken = new Recent<true>(rememberedMax);
  #reader: AsyncQueue<Arrival> | undefined;

  constructor(subscriptions: Subscriptions, check: MessageCheck, act: Act) {
    this.#subscriptions = subscriptions;
    this.#check = check;
    this.#act = act;
  }

  /**
   * A message is handed over when the loop body that reads it has finished and the next one is asked for, or earlier
   * by `message.taken()`. Leaving the loop hands over nothing more: that message and the queued ones stay with the
   * mailbox. What is not handed over fills the server's window, so a slow loop slows the server, never this memory.
   */
  async *messages({ handOver = true }: MessagesOptions = {}): AsyncGenerator<Message, void, undefined> {
    const reader = this.#startReading();
    let current: Arrival | undefined;
    try {
      await this.#subscriptions.open(filter, { qos: handOver ? 1 : 0 });
      for await (const arrival of reader) {
        current = arrival;
        const message = await this.#messageOf(arrival);
        if (message === undefined) continue;
        yield message;
        message.taken();
      }
    } finally {
      current?.settle(notTaken('undecided'));
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
        const arrival = await within(idleMs, reader.next());
        if (arrival === undefined || arrival.done === true) break;
        const message = await this.#messageOf(arrival.value);
        if (message !== undefined) messages.push(message);
      }
      return messages;
    } finally {
      this.#stopReading(reader);
    }
  }

  onPublish(publish: Publish, from: Address, lane: Lane): Promise<Acknowledgement> {
    const id = messageIdOf(publish);
    if (!id.ok) return Promise.resolve(notTaken(id.refusal.code));
    if (this.#taken.has(id.value)) return Promise.resolve(taken);
    const reader = this.#reader;
    if (reader === undefined) return Promise.resolve(notTaken('undecided'));
    const answered = Promise.withResolvers<Acknowledgement>();
    const received = this.#check.read(publish, id.value, from, lane);
    const isQueued = reader.push({ received, settle: answered.resolve });
    return isQueued ? answered.promise : Promise.resolve(notTaken('overloaded'));
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
    this.#subscriptions.close(filter);
    for (const arrival of reader.drain()) arrival.settle(notTaken('undecided'));
  }

  /** Undefined for what must not be shown: a message whose lifetime ended on the way, or one taken meanwhile. */
  async #messageOf({ received, settle }: Arrival): Promise<Message | undefined> {
    const read = await received;
    if (this.#taken.has(read.id)) settle(taken);
    else if (!read.verified.ok && read.verified.refusal.code === 'expired') settle(notTaken('expired'));
    else return new Message(read, this.#portOf(read.id, settle));
    return undefined;
  }

  #portOf(id: MessageId, settle: (answer: Acknowledgement) => void): MessagePort {
    let isLeft = false;
    return {
      act: this.#act,
      taken: () => {
        if (!isLeft) this.#take(id, settle);
      },
      leave: () => {
        isLeft = true;
        settle(notTaken('undecided'));
      },
    };
  }

  #take(id: MessageId, settle: (answer: Acknowledgement) => void): void {
    this.#taken.set(id, true);
    settle(taken);
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
