// SPDX-License-Identifier: Apache-2.0
import {
  accept,
  formatAsk,
  formatAttempts,
  fromBase64Url,
  makeSeal,
  newMessageId,
  parseMessageId,
  precedenceName,
  refuse,
  toBase64Url,
  toTopic,
  withChain,
} from '@sealpost/protocol';
import type { Address, Claims, CryptoProvider, MessageId, Result, Seal, Signer } from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import type { Link } from '@sealpost/mqtt/link';
import { property, refusalOf } from './acknowledgement.ts';
import type { EvidenceVerifier } from './evidence-verifier.ts';
import type { Draft } from './outbound.ts';
import type { ServerClock } from './server-clock.ts';
import type { VerifiedEvidence } from './verified-evidence.ts';

interface SubmissionOptions {
  readonly account: Address;
  readonly crypto: CryptoProvider;
  readonly verifier: EvidenceVerifier;
  /** Absent: the server makes a domain seal. */
  readonly signer: Signer | undefined;
  readonly serverClock: ServerClock;
}

/** A message that is what it will be, however often it has to be offered: same id, same claims, same seal. */
export interface Prepared {
  readonly draft: Draft;
  readonly id: MessageId;
  /** Unix milliseconds by the server's clock. */
  readonly expiresAtMs: number;
  readonly seal: Seal | undefined;
}

/** What the server answered: custody taken, and its signed word for that. */
export interface Submitted {
  readonly id: MessageId;
  readonly accepted: Result<VerifiedEvidence>;
}

/** Seals and submits. Offering the same message again is safe: it never makes a second one [DELIV-3]. */
export class Submission {
  readonly #options: SubmissionOptions;
  /** The server has acknowledged a seal with our certificates, so the next ones travel without them. */
  #certificatesKnown = false;

  constructor(options: SubmissionOptions) {
    this.#options = options;
  }

  newId(): MessageId {
    const { crypto, serverClock } = this.#options;
    return newMessageId(serverClock.now(), crypto.randomBytes(10));
  }

  /**
   * Seals by the server's clock. A lifetime that is shorter than what this clock may be wrong by is refused with
   * `clock`: the message could be over before it begins, and silence would hide it.
   */
  async prepare(draft: Draft, id: MessageId, lifetimeSeconds: number): Promise<Result<Prepared>> {
    const { signer, verifier, serverClock } = this.#options;
    const { errorMs } = serverClock;
    if (errorMs !== undefined && lifetimeSeconds * 1000 <= errorMs)
      return refuse('clock', `the server's time is known to ${errorMs} ms only`);
    const issuedAt = Math.floor(serverClock.now() / 1000);
    const expires = issuedAt + lifetimeSeconds;
    const seal =
      signer === undefined ? undefined : await this.#seal(draft, id, { issuedAt, expires }, signer);
    verifier.expect(id, draft.to, seal?.digest);
    return accept({ draft, id, expiresAtMs: expires * 1000, seal });
  }

  /** Rejects with NotAcknowledged when the answer did not come. */
  async offer(link: Link, prepared: Prepared): Promise<Result<Submitted>> {
    const { draft, id, seal } = prepared;
    const { signer } = this.#options;
    if (seal === undefined || signer === undefined)
      return this.#answered(await this.#publish(link, prepared, stockProperties(draft, id)), id);
    const bare = sealProperty(withChain(seal.bytes, []));
    const complete = sealProperty(withChain(seal.bytes, signer.chain));
    let answer = await this.#publish(link, prepared, this.#certificatesKnown ? bare : complete);
    if (this.#certificatesKnown && refusalOf(answer)?.code === 'certificate-needed')
      answer = await this.#publish(link, prepared, complete);
    if (refusalOf(answer) === undefined) this.#certificatesKnown = true;
    return this.#answered(answer, id);
  }

  #seal(
    draft: Draft,
    id: MessageId,
    times: Pick<Claims, 'issuedAt' | 'expires'>,
    signer: Signer,
  ): Promise<Seal> {
    const { account, crypto } = this.#options;
    const claims: Claims = {
      issuer: account,
      audience: draft.to,
      ...times,
      id,
      precedence: draft.precedence,
      class: 'ordinary',
      ask: draft.ask,
      ...(draft.attempts === undefined ? {} : { attempts: draft.attempts }),
      ...(draft.subject === undefined ? {} : { subject: draft.subject }),
      ...(draft.inReplyTo === undefined ? {} : { inReplyTo: draft.inReplyTo }),
      ...(draft.thread === undefined ? {} : { thread: draft.thread }),
    };
    return makeSeal({ claims, contentType: draft.contentType, body: draft.body, signer, crypto });
  }

  #publish(
    link: Link,
    { draft, expiresAtMs }: Prepared,
    userProperties: readonly (readonly [string, string])[],
  ): Promise<Acknowledgement> {
    const publish: Publish = {
      topic: toTopic(draft.to),
      payload: draft.body,
      qos: 1,
      retain: false,
      contentType: draft.contentType,
      payloadFormat: draft.isText ? 1 : 0,
      userProperties,
    };
    const expiresAt = this.#options.serverClock.toLocal(expiresAtMs);
    return link.publish(publish, { rank: draft.precedence, expiresAt });
  }

  async #answered(answer: Acknowledgement, id: MessageId): Promise<Result<Submitted>> {
    const refusal = refusalOf(answer);
    if (refusal !== undefined) return { ok: false, refusal };
    const given = parseMessageId(property(answer.userProperties, 'id') ?? id);
    if (!given.ok || given.value !== id) return refuse('id-invalid', 'the server answered with another id');
    const evidence = fromBase64Url(property(answer.userProperties, 'evidence') ?? '');
    const accepted =
      evidence === undefined || evidence.length === 0
        ? refuse('evidence-invalid', 'the server answered without evidence')
        : await this.#options.verifier.verify(evidence, id);
    return accept({ id, accepted });
  }
}

function sealProperty(seal: Uint8Array): [string, string][] {
  return [['seal', toBase64Url(seal)]];
}

/** The claims as user properties, for a server that composes and seals them [TOPIC-6]. */
function stockProperties(draft: Draft, id: MessageId): [string, string][] {
  const properties: [string, string][] = [
    ['id', id],
    ['precedence', precedenceName(draft.precedence)],
  ];
  if (draft.ask.length > 0) properties.push(['ask', formatAsk(draft.ask)]);
  if (draft.attempts !== undefined) properties.push(['attempts', formatAttempts(draft.attempts)]);
  if (draft.subject !== undefined) properties.push(['subject', draft.subject]);
  if (draft.inReplyTo !== undefined) properties.push(['in-reply-to', draft.inReplyTo]);
  if (draft.thread !== undefined) properties.push(['thread', draft.thread]);
  return properties;
}
