// SPDX-License-Identifier: Apache-2.0
import { eventWord, parseMailTopic, parseMessageId } from '@sealpost/protocol';
import type { Action, Address } from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { notTaken, taken } from './acknowledgement.ts';
import type { Act } from './acting.ts';
import type { ClientState } from './client-state.ts';
import type { Connection } from './connection.ts';
import { SealpostError } from './error.ts';
import type { EvidenceFeed } from './evidence-feed.ts';
import type { EvidenceNotice } from './evidence-notice.ts';
import type { EvidenceVerifier } from './evidence-verifier.ts';
import type { Inbox, MessagesOptions, WaitingOptions } from './inbox.ts';
import { answerRoot } from './mailbox-query.ts';
import type { MailboxQuery } from './mailbox-query.ts';
import type { Message } from './message.ts';
import { draftOf } from './outbound.ts';
import type { Outbound } from './outbound.ts';
import type { SendQueue } from './send-queue.ts';
import { Sent } from './sent.ts';
import type { ServerClock } from './server-clock.ts';
import type { Submission } from './submission.ts';
import { readTrace } from './trace.ts';
import type { Trace } from './trace.ts';

export interface ClientParts {
  readonly account: Address;
  readonly connection: Connection;
  readonly act: Act;
  readonly serverClock: ServerClock;
  readonly submission: Submission;
  readonly queue: SendQueue;
  readonly inbox: Inbox;
  readonly evidence: EvidenceFeed;
  readonly verifier: EvidenceVerifier;
  readonly query: MailboxQuery;
}

/** With `signal` an operation can be given up; what it rejects with then is `undecided`. */
export interface Cancellable {
  readonly signal?: AbortSignal;
}

/**
 * One account's connection to its domain. Made by `connect`. When the connection is lost it is made again; what was
 * begun goes on, and no message or evidence is shown twice or left out.
 */
export class Client {
  readonly account: Address;
  /** Resolves when the client is over for good: undefined after `close`, otherwise why. */
  readonly closed: Promise<SealpostError | undefined>;
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    this.account = parts.account;
    this.closed = parts.connection.closed;
    this.#parts = parts;
  }

  get state(): ClientState {
    return this.#parts.connection.line.state;
  }

  /** The present state, then each next one; a reader that is slow is told the latest. Ends after `closed`. */
  states({ signal }: Cancellable = {}): AsyncGenerator<ClientState, void, undefined> {
    return this.#parts.connection.line.states(signal);
  }

  /** What to add to the local clock to get the server's, milliseconds; 0 when the server did not say. */
  get clockOffsetMs(): number {
    return this.#parts.serverClock.offsetMs;
  }

  /** Messages that `send` still has to bring to the server. */
  get unsent(): number {
    return this.#parts.queue.length;
  }

  /**
   * Resolves when the own server has the message on disk and answers for its fate. Without a connection, or while the
   * server wants to be asked again later, it waits, for the lifetime of the message at most; it is sealed once, so that
   * however often it is offered it is one message. Rejects with SealpostError when the server refuses it for good,
   * `expired`, `overloaded` when too much waits already, `undecided` when `signal` fires; `isInDoubt` says whether the
   * server may have it all the same.
   */
  async send(outbound: Outbound, { signal }: Cancellable = {}): Promise<Sent> {
    const draft = draftOf(outbound);
    if (!draft.ok) throw new SealpostError(draft.refusal);
    const { submission, queue, evidence } = this.#parts;
    const { ask, to } = draft.value;
    const id = draft.value.id ?? submission.newId();
    const asked = ask.map((event) => eventWord(event));
    const sent = new Sent(id, to, asked, () => evidence.unwatch(id));
    if (ask.length > 0) evidence.watch(sent);
    try {
      const { accepted } = await queue.submit(draft.value, id, signal);
      sent.record({ id, word: 'accepted', text: 'accepted', verified: accepted });
      return sent;
    } catch (error) {
      evidence.unwatch(id);
      throw error;
    }
  }

  /** The own mailbox, live: first what waits, most urgent first, then what comes. See `Inbox.messages`. */
  messages(options: MessagesOptions = {}): AsyncGenerator<Message, void, undefined> {
    return this.#parts.inbox.messages(options);
  }

  /** What waits in the own mailbox, shown without taking it. See `Inbox.waiting`. */
  waiting(options: WaitingOptions = {}): Promise<Message[]> {
    return this.#parts.inbox.waiting(options);
  }

  /** All evidence for this account's messages, whichever client sent them. Ends when `signal` fires. */
  evidence({ signal }: Cancellable = {}): AsyncGenerator<EvidenceNotice, void, undefined> {
    return this.#parts.evidence.all(signal);
  }

  /** What the recipient does about a message it has: `acknowledge`, `open`, `decline`. */
  async act(id: string, action: Action, { signal }: Cancellable = {}): Promise<void> {
    const parsed = parseMessageId(id);
    if (!parsed.ok) throw new SealpostError(parsed.refusal);
    await this.#parts.act(parsed.value, action, signal);
  }

  /** Everything the own domain knows of a message that this account sent. */
  async trace(id: string, { signal }: Cancellable = {}): Promise<Trace> {
    const parsed = parseMessageId(id);
    if (!parsed.ok) throw new SealpostError(parsed.refusal);
    const { query, verifier } = this.#parts;
    const answer = await query.ask({ op: 'trace', id: parsed.value }, signal);
    const trace = await readTrace(answer, verifier);
    if (!trace.ok) throw new SealpostError(trace.refusal);
    return trace.value;
  }

  /**
   * Ends the connection, then the streams. What was not handed over stays in the mailbox; what was not sent is
   * rejected as `unreachable`.
   */
  async close(): Promise<void> {
    this.#parts.inbox.stop();
    // What was taken a moment ago is acknowledged before the connection says goodbye.
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
    await this.#parts.connection.close();
  }

  /** `await using client = await connect(…)` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For the link: one PUBLISH from the server. */
  receive(publish: Publish): Acknowledgement | Promise<Acknowledgement> {
    if (publish.topic.startsWith(answerRoot)) {
      this.#parts.query.onPublish(publish);
      return taken;
    }
    const topic = parseMailTopic(publish.topic);
    if (!topic.ok) return notTaken(topic.refusal.code);
    const { inbox, evidence } = this.#parts;
    switch (topic.value.kind) {
      case 'inbox':
        return inbox.onPublish(publish, topic.value.from, topic.value.lane);
      case 'evidence':
        return evidence.onPublish(publish, topic.value.id, topic.value.event);
      default:
        return notTaken('topic-invalid');
    }
  }
}
