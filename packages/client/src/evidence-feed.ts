// SPDX-License-Identifier: Apache-2.0
import { accept, eventWord, fromBase64Url, refuse, utf8Text } from '@sealpost/protocol';
import type { Event, EventWord, MessageId, Refusal, Result } from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { notTaken, property, taken } from './acknowledgement.ts';
import { AsyncQueue } from './async-queue.ts';
import { SealpostError } from './error.ts';
import type { EvidenceNotice } from './evidence-notice.ts';
import type { EvidenceVerifier } from './evidence-verifier.ts';
import type { Sent } from './sent.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { VerifiedEvidence } from './verified-evidence.ts';

const everything = 'mail/evidence/#';
const watchedMax = 1_000;
const queuedMax = 256;

/**
 * Evidence as it arrives on mail/evidence/…, given to the message it is about and to whoever reads all of it.
 * It is acknowledged, and so taken for the whole account, when it was checked and has reached them: `trace` shows all
 * of it again.
 */
export class EvidenceFeed {
  readonly #subscriptions: Subscriptions;
  readonly #verifier: EvidenceVerifier;
  readonly #watched = new Map<MessageId, Sent>();
  #reader: AsyncQueue<EvidenceNotice> | undefined;

  constructor(subscriptions: Subscriptions, verifier: EvidenceVerifier) {
    this.#subscriptions = subscriptions;
    this.#verifier = verifier;
  }

  /** Call before submitting: the subscription goes out first, so nothing about the message is missed. */
  watch(sent: Sent): void {
    if (this.#watched.size >= watchedMax) this.#dropOldest();
    this.#watched.set(sent.id, sent);
    void this.#subscriptions.open(filterOf(sent.id), { qos: 1, onlyNew: true });
  }

  unwatch(id: MessageId): void {
    if (!this.#watched.delete(id)) return;
    this.#subscriptions.close(filterOf(id));
  }

  /** All evidence for the account, also about messages that other clients sent. One reader at a time. */
  async *all(): AsyncGenerator<EvidenceNotice, void, undefined> {
    if (this.#reader !== undefined) throw new TypeError('the evidence of this client is being read already');
    const reader = new AsyncQueue<EvidenceNotice>(queuedMax);
    this.#reader = reader;
    try {
      await this.#subscriptions.open(everything, { qos: 1 });
      yield* reader;
    } finally {
      this.#reader = undefined;
      this.#subscriptions.close(everything);
    }
  }

  async onPublish(publish: Publish, id: MessageId, event: Event): Promise<Acknowledgement> {
    const notice = await this.#noticeOf(publish, id, eventWord(event), event);
    this.#watched.get(id)?.record(notice);
    return this.#reader?.push(notice) === false ? notTaken('overloaded') : taken;
  }

  end(refusal: Refusal): void {
    for (const sent of this.#watched.values()) sent.end(refusal);
    this.#watched.clear();
    this.#reader?.end(new SealpostError(refusal));
  }

  async #noticeOf(publish: Publish, id: MessageId, word: EventWord, event: Event): Promise<EvidenceNotice> {
    const text = utf8Text(publish.payload) ?? '';
    return { id, word, text, verified: await this.#verify(publish, id, event) };
  }

  async #verify(publish: Publish, id: MessageId, event: Event): Promise<Result<VerifiedEvidence>> {
    const bytes = fromBase64Url(property(publish.userProperties, 'evidence') ?? '');
    if (bytes === undefined || bytes.length === 0) return refuse('evidence-invalid', 'no signed statement');
    const verified = await this.#verifier.verify(bytes, id);
    if (!verified.ok) return verified;
    return verified.value.events.includes(event)
      ? accept(verified.value)
      : refuse('evidence-unexpected', 'the statement is about another event');
  }

  #dropOldest(): void {
    const [oldest] = this.#watched.values();
    if (oldest === undefined) return;
    this.unwatch(oldest.id);
    oldest.end({ code: 'overloaded', cause: 'too many messages are watched at once' });
  }
}

function filterOf(id: MessageId): string {
  return `mail/evidence/${id}/#`;
}
