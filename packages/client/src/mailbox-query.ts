// SPDX-License-Identifier: Apache-2.0
import { refuse, toHex, utf8, utf8Text } from '@sealpost/protocol';
import type { CryptoProvider, Refusal, Result } from '@sealpost/protocol';
import type { Publish } from '@sealpost/mqtt';
import type { Link } from '@sealpost/mqtt/link';
import { refusalOf } from './acknowledgement.ts';
import { SealpostError } from './error.ts';
import type { Subscriptions } from './subscriptions.ts';

export const answerRoot = 'mail/mailbox/answer/';
const pendingMax = 64;

type Answer = Result<Readonly<Record<string, unknown>>>;

/** Questions to the store over MQTT 5 request and response: each answer comes to the asker alone [DELIV-14]. */
export class MailboxQuery {
  readonly #link: Link;
  readonly #subscriptions: Subscriptions;
  readonly #crypto: CryptoProvider;
  readonly #pending = new Map<string, (answer: Answer) => void>();
  #subscribed: Promise<void> | undefined;

  constructor(link: Link, subscriptions: Subscriptions, crypto: CryptoProvider) {
    this.#link = link;
    this.#subscriptions = subscriptions;
    this.#crypto = crypto;
  }

  /** Throws SealpostError when the question is refused, not answered before `signal` fires, or the link is lost. */
  async ask(question: object, signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    if (this.#pending.size >= pendingMax) throw new SealpostError({ code: 'overloaded' });
    // Subscribed before asking, or the answer could be missed.
    await (this.#subscribed ??= this.#subscriptions.open(`${answerRoot}#`, { qos: 0 }));
    const key = toHex(this.#crypto.randomBytes(16));
    const answered = Promise.withResolvers<Answer>();
    const abort = (): void => answered.resolve(refuse('undecided'));
    this.#pending.set(key, answered.resolve);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    try {
      this.#publish(question, key).catch((error: unknown) => answered.reject(error));
      const answer = await answered.promise;
      if (!answer.ok) throw new SealpostError(answer.refusal);
      return answer.value;
    } finally {
      this.#pending.delete(key);
      signal?.removeEventListener('abort', abort);
    }
  }

  onPublish(publish: Publish): void {
    const text = publish.correlationData === undefined ? undefined : utf8Text(publish.correlationData);
    const answer = text === undefined ? undefined : this.#pending.get(text);
    answer?.(parseAnswer(publish.payload));
  }

  end(refusal: Refusal): void {
    for (const answer of this.#pending.values()) answer({ ok: false, refusal });
  }

  async #publish(question: object, key: string): Promise<void> {
    const answer = await this.#link.publish({
      topic: 'mail/mailbox/query',
      payload: utf8(JSON.stringify(question)),
      qos: 1,
      retain: false,
      payloadFormat: 1,
      contentType: 'application/json',
      responseTopic: answerRoot + key,
      correlationData: utf8(key),
      userProperties: [],
    });
    const refusal = refusalOf(answer);
    if (refusal !== undefined) this.#pending.get(key)?.({ ok: false, refusal });
  }
}

function parseAnswer(payload: Uint8Array): Answer {
  const value = parseJson(utf8Text(payload) ?? '');
  if (typeof value !== 'object' || value === null) return refuse('packet-invalid', 'the answer is not JSON');
  const answer = value as Readonly<Record<string, unknown>>;
  if (answer['ok'] === true) return { ok: true, value: answer };
  return { ok: false, refusal: refusalOf(asAcknowledgement(answer['error'])) ?? { code: 'rejected' } };
}

function asAcknowledgement(error: unknown): { reasonCode: number; userProperties: [string, string][] } {
  return { reasonCode: 0x83, userProperties: typeof error === 'string' ? [['error', error]] : [] };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
