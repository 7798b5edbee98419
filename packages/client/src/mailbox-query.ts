// SPDX-License-Identifier: Apache-2.0
import { refuse, toHex, utf8, utf8Text } from '@sealpost/protocol';
import type { CryptoProvider, Result } from '@sealpost/protocol';
import type { Publish } from '@sealpost/mqtt';
import { NotAcknowledged } from '@sealpost/mqtt/link';
import type { Link } from '@sealpost/mqtt/link';
import { refusalOf } from './acknowledgement.ts';
import type { Connection } from './connection.ts';
import { SealpostError } from './error.ts';
import type { Subscriptions } from './subscriptions.ts';

export const answerRoot = 'mail/mailbox/answer/';
const pendingMax = 64;

type Answer = Result<Readonly<Record<string, unknown>>>;

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Questions to the store over MQTT 5 request and response: each answer comes to the asker alone [DELIV-14]. */
export class MailboxQuery {
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #crypto: CryptoProvider;
  readonly #pending = new Map<string, Pending>();
  #subscribed: Promise<void> | undefined;

  constructor(connection: Connection, subscriptions: Subscriptions, crypto: CryptoProvider) {
    this.#connection = connection;
    this.#subscriptions = subscriptions;
    this.#crypto = crypto;
    // Asked on a link that is lost: the answer cannot come, and the question is asked again on the next.
    const lost = (): void => this.#fail(new NotAcknowledged({ kind: 'lost', written: true }));
    connection.join({ down: lost });
  }

  /**
   * Throws SealpostError when the question is refused or not answered before `signal` fires. While there is no
   * connection it waits for the next.
   */
  async ask(question: object, signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    if (this.#pending.size >= pendingMax) throw new SealpostError({ code: 'overloaded' });
    // Subscribed before asking, or the answer could be missed.
    this.#subscribed ??= this.#subscriptions.open(`${answerRoot}#`, { qos: 0 });
    try {
      await this.#subscribed;
    } catch (error) {
      this.#subscribed = undefined;
      throw error;
    }
    const answer = await this.#connection.perform((link) => this.#askOver(link, question, signal), signal);
    if (!answer.ok) throw new SealpostError(answer.refusal);
    return answer.value;
  }

  onPublish(publish: Publish): void {
    const text = publish.correlationData === undefined ? undefined : utf8Text(publish.correlationData);
    const answer = text === undefined ? undefined : this.#pending.get(text);
    answer?.resolve(parseAnswer(publish.payload));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
  }

  async #askOver(link: Link, question: object, signal?: AbortSignal): Promise<Answer> {
    const key = toHex(this.#crypto.randomBytes(16));
    const answered = Promise.withResolvers<Answer>();
    const abort = (): void => answered.resolve(refuse('undecided', 'cancelled'));
    this.#pending.set(key, answered);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      this.#publish(link, question, key).catch((error: unknown) => answered.reject(error));
      return await answered.promise;
    } finally {
      this.#pending.delete(key);
      signal?.removeEventListener('abort', abort);
    }
  }

  async #publish(link: Link, question: object, key: string): Promise<void> {
    const answer = await link.publish({
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
    if (refusal !== undefined) this.#pending.get(key)?.resolve({ ok: false, refusal });
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
