// SPDX-License-Identifier: Apache-2.0
import { accept, eventWord, fromBase64Url, refuse, utf8Text } from '@sealpost/protocol';
import type { Event, EventWord, MessageId, Result } from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { notTaken, property, taken } from './acknowledgement.ts';
import { AsyncQueue } from './async-queue.ts';
import type { Connection } from './connection.ts';
import { refusalIn } from './error.ts';
import type { SealpostError } from './error.ts';
import type { EvidenceNotice } from './evidence-notice.ts';
import type { EvidenceVerifier } from './evidence-verifier.ts';
import { Recent } from './recent.ts';
import type { Sent } from './sent.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { VerifiedEvidence } from './verified-evidence.ts';

const everything = 'mail/evidence/#';
const watchedMax = 10_000;
/** A server grants a session only so many filters; messages above this are heard of through `all`. */
const filtersMax = 200;
const queuedMax = 256;
const rememberedMax = 4_096;

/**
 * Evidence as it arrives on mail/evidence/…, given to the message it is about and to whoever reads all of it.
 * It is acknowledged, and so taken for the whole account, when it was checked and has reached them: `trace` shows all
 * of it again. What the server repeats, because the link was lost before it heard of that, is not shown again.
 */
export class EvidenceFeed {
  readonly #subscriptions: Subscriptions;
  readonly #verifier: EvidenceVerifier;
  readonly #watched = new Map<MessageId, Sent>();
  /** Oldest first. */
  readonly #filters = new Set<MessageId>();
  /** Statements that have reached a reader of all evidence. */
  readonly #shown = new Recent<true>(rememberedMax);
  #reader: AsyncQueue<EvidenceNotice> | undefined;

  constructor(connection: Connection, subscriptions: Subscriptions, verifier: EvidenceVerifier) {
    this.#subscriptions = subscriptions;
    this.#verifier = verifier;
    connection.join({
      over: (error, isOnPurpose) => {
        for (const sent of this.#watched.values()) sent.end(refusalIn(error));
        this.#watched.clear();
        this.#reader?.end(isOnPurpose ? undefined : error);
      },
    });
  }

  /**
   * Call before submitting: the subscription goes out first, so nothing about the message is missed. While all
   * evidence is being read it needs none until that ends; otherwise the oldest of too many is no longer heard of.
   */
  watch(sent: Sent): void {
    if (this.#watched.size >= watchedMax) this.#drop(this.#watched.keys().next().value);
    if (this.#reader === undefined) this.#listen(sent, true);
    this.#watched.set(sent.id, sent);
  }

  unwatch(id: MessageId): void {
    this.#watched.delete(id);
    if (this.#filters.delete(id)) this.#subscriptions.close(filterOf(id));
  }

  /**
   * All evidence for the account, also about messages that other clients sent. One reader at a time. Ends when `signal`
   * fires; throws when the client ends otherwise than by `close`.
   */
  async *all(signal?: AbortSignal): AsyncGenerator<EvidenceNotice, void, undefined> {
    if (this.#reader !== undefined) throw new TypeError('the evidence of this client is being read already');
    const reader = new AsyncQueue<EvidenceNotice>(queuedMax);
    this.#reader = reader;
    const abort = (): void => reader.end();
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    try {
      await this.#subscriptions.open(everything, { qos: 1, refused: (error) => reader.end(error) });
      yield* reader;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#reader = undefined;
      this.#goOn();
      this.#subscriptions.close(everything);
    }
  }

  /** Who waits for evidence of one message does so beyond the stream of all, and misses nothing in between. */
  #goOn(): void {
    const unheard = [...this.#watched.values()].filter(({ id }) => !this.#filters.has(id));
    for (const { id } of unheard.splice(0, Math.max(0, unheard.length - filtersMax))) this.#drop(id);
    for (const sent of unheard) this.#listen(sent, false);
  }

  #listen(sent: Sent, onlyNew: boolean): void {
    if (this.#filters.size >= filtersMax) this.#drop(this.#filters.values().next().value);
    this.#filters.add(sent.id);
    const refused = (error: SealpostError): void => sent.end(refusalIn(error));
    void this.#subscriptions.open(filterOf(sent.id), { qos: 1, onlyNew, refused });
  }

  async onPublish(publish: Publish, id: MessageId, event: Event): Promise<Acknowledgement> {
    const notice = await this.#noticeOf(publish, id, eventWord(event), event);
    this.#watched.get(id)?.record(notice);
    if (this.#reader === undefined) return taken;
    const key = `${id} ${notice.word} ${property(publish.userProperties, 'evidence') ?? ''}`;
    if (this.#shown.has(key)) return taken;
    if (!this.#reader.push(notice)) return notTaken('overloaded');
    this.#shown.set(key, true);
    return taken;
  }

  async #noticeOf(publish: Publish, id: MessageId, word: EventWord, event: Event): Promise<EvidenceNotice> {
    const text = utf8Text(publish.payload) ?? '';
    return { id, word, text, verified: await this.#verify(publish, id, event) };
  }

  async #verify(publish: Publish, id: MessageId, event: Event): Promise<Result<VerifiedEvidence>> {
    // [DELIV-12] The payload is for people and proves nothing.
    const bytes = fromBase64Url(property(publish.userProperties, 'evidence') ?? '');
    if (bytes === undefined || bytes.length === 0) return refuse('evidence-invalid', 'no signed statement');
    const verified = await this.#verifier.verify(bytes, id);
    if (!verified.ok) return verified;
    return verified.value.events.includes(event)
      ? accept(verified.value)
      : refuse('evidence-unexpected', 'the statement is about another event');
  }

  #drop(id: MessageId | undefined): void {
    if (id === undefined) return;
    this.#watched.get(id)?.end({ code: 'overloaded', cause: 'too many messages are followed at once' });
    this.unwatch(id);
  }
}

function filterOf(id: MessageId): string {
  return `mail/evidence/${id}/#`;
}
