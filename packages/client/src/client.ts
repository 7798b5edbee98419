// SPDX-License-Identifier: Apache-2.0
import { eventWord, parseMailTopic, parseMessageId } from '@sealpost/protocol';
import type { Action, Address, Refusal } from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import type { Link } from '@sealpost/mqtt/link';
import { notTaken, taken } from './acknowledgement.ts';
import type { Act } from './acting.ts';
import { SealpostError, reaching } from './error.ts';
import type { EvidenceFeed } from './evidence-feed.ts';
import type { EvidenceNotice } from './evidence-notice.ts';
import type { EvidenceVerifier } from './evidence-verifier.ts';
import type { Inbox, MessagesOptions, WaitingOptions } from './inbox.ts';
import { answerRoot } from './mailbox-query.ts';
import type { MailboxQuery } from './mailbox-query.ts';
import type { Message } from './message.ts';
import { draftOf } from './outbound.ts';
import type { Outbound } from './outbound.ts';
import { Sent } from './sent.ts';
import type { Submission } from './submission.ts';
import { readTrace } from './trace.ts';
import type { Trace } from './trace.ts';

export interface ClientParts {
  readonly account: Address;
  readonly link: Link;
  readonly act: Act;
  readonly clockOffsetMs: number;
  readonly submission: Submission;
  readonly inbox: Inbox;
  readonly evidence: EvidenceFeed;
  readonly verifier: EvidenceVerifier;
  readonly query: MailboxQuery;
}

/** One account's connection to its domain. Made by `connect`. It does not reconnect: its streams throw instead. */
export class Client {
  readonly account: Address;
  /** What to add to the local clock to get the server's, milliseconds; 0 when the server did not say. */
  readonly clockOffsetMs: number;
  /** Resolves when the connection is over: undefined after `close`, otherwise why. */
  readonly closed: Promise<SealpostError | undefined>;
  readonly #parts: ClientParts;
  #closing = false;

  constructor(parts: ClientParts) {
    this.account = parts.account;
    this.clockOffsetMs = parts.clockOffsetMs;
    this.#parts = parts;
    this.closed = this.#watchLink();
  }

  /**
   * Resolves when the own server has the message on disk and answers for its fate. Rejects with SealpostError when it
   * refuses, or `unreachable` when the connection is lost before its answer: then send again with the same `id`.
   */
  async send(outbound: Outbound): Promise<Sent> {
    const draft = draftOf(outbound);
    if (!draft.ok) throw new SealpostError(draft.refusal);
    const { submission, evidence } = this.#parts;
    const { ask, to } = draft.value;
    const id = draft.value.id ?? submission.newId();
    const asked = ask.map((event) => eventWord(event));
    const sent = new Sent(id, to, asked, () => evidence.unwatch(id));
    if (ask.length > 0) evidence.watch(sent);
    try {
      const submitted = await reaching(submission.submit(draft.value, id));
      if (!submitted.ok) throw new SealpostError(submitted.refusal);
      sent.record({ id, word: 'accepted', text: 'accepted', verified: submitted.value.accepted });
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

  /** All evidence for this account's messages, whichever client sent them. */
  evidence(): AsyncGenerator<EvidenceNotice, void, undefined> {
    return this.#parts.evidence.all();
  }

  /** What the recipient does about a message it has: `acknowledge`, `open`, `decline`. */
  async act(id: string, action: Action): Promise<void> {
    const parsed = parseMessageId(id);
    if (!parsed.ok) throw new SealpostError(parsed.refusal);
    await this.#parts.act(parsed.value, action);
  }

  /** Everything the own domain knows of a message that this account sent. */
  async trace(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<Trace> {
    const parsed = parseMessageId(id);
    if (!parsed.ok) throw new SealpostError(parsed.refusal);
    const { query, verifier } = this.#parts;
    const answer = await reaching(query.ask({ op: 'trace', id: parsed.value }, options.signal));
    const trace = await readTrace(answer, verifier);
    if (!trace.ok) throw new SealpostError(trace.refusal);
    return trace.value;
  }

  /** Ends the streams, then the connection. What was not handed over stays in the mailbox. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#endStreams({ code: 'unreachable', cause: 'the client was closed' });
    // What was taken a moment ago is acknowledged before the connection says goodbye.
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
    this.#parts.link.end();
    await this.closed;
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

  async #watchLink(): Promise<SealpostError | undefined> {
    const { reasonCode, reasonString, error } = await this.#parts.link.closed;
    const cause =
      reasonString ??
      error?.message ??
      (reasonCode === undefined ? undefined : `0x${reasonCode.toString(16)}`);
    const refusal: Refusal = { code: 'unreachable', ...(cause === undefined ? {} : { cause }) };
    this.#endStreams(refusal);
    return this.#closing ? undefined : new SealpostError(refusal);
  }

  #endStreams(refusal: Refusal): void {
    const { inbox, evidence, query } = this.#parts;
    inbox.end(refusal);
    evidence.end(refusal);
    query.end(refusal);
  }
}
