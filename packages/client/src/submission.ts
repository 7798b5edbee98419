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
import type { VerifiedEvidence } from './verified-evidence.ts';

interface SubmissionOptions {
  readonly link: Link;
  readonly account: Address;
  readonly crypto: CryptoProvider;
  readonly verifier: EvidenceVerifier;
  /** Absent: the server makes a domain seal. */
  readonly signer: Signer | undefined;
  /** Unix milliseconds by the server's clock. */
  now(): number;
}

/** What the server answered: custody taken, and its signed word for that. */
export interface Submitted {
  readonly id: MessageId;
  readonly accepted: Result<VerifiedEvidence>;
}

/** Seals and submits. Submitting the same draft with the same id again is safe: it never makes a second message. */
export class Submission {
  readonly #options: SubmissionOptions;
  /** The server has acknowledged a seal with our certificates, so the next ones travel without them. */
  #certificatesKnown = false;

  constructor(options: SubmissionOptions) {
    this.#options = options;
  }

  newId(): MessageId {
    const { crypto, now } = this.#options;
    return newMessageId(now(), crypto.randomBytes(10));
  }

  async submit(draft: Draft, id: MessageId): Promise<Result<Submitted>> {
    const { signer, verifier } = this.#options;
    if (signer === undefined) {
      verifier.expect(id, draft.to);
      return this.#answered(await this.#offer(draft, stockProperties(draft, id)), id);
    }
    const seal = await this.#seal(draft, id, signer);
    verifier.expect(id, draft.to, seal.digest);
    return this.#submitSealed(draft, seal, signer);
  }

  async #submitSealed(draft: Draft, seal: Seal, signer: Signer): Promise<Result<Submitted>> {
    const bare = withChain(seal.bytes, []);
    const complete = withChain(seal.bytes, signer.chain);
    let answer = await this.#offer(draft, sealProperty(this.#certificatesKnown ? bare : complete));
    if (this.#certificatesKnown && refusalOf(answer)?.code === 'certificate-needed')
      answer = await this.#offer(draft, sealProperty(complete));
    if (refusalOf(answer) === undefined) this.#certificatesKnown = true;
    return this.#answered(answer, seal.claims.id);
  }

  #seal(draft: Draft, id: MessageId, signer: Signer): Promise<Seal> {
    const { account, crypto, now } = this.#options;
    const issuedAt = Math.floor(now() / 1000);
    const claims: Claims = {
      issuer: account,
      audience: draft.to,
      issuedAt,
      expires: issuedAt + draft.lifetimeSeconds,
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

  #offer(draft: Draft, userProperties: readonly (readonly [string, string])[]): Promise<Acknowledgement> {
    const publish: Publish = {
      topic: toTopic(draft.to),
      payload: draft.body,
      qos: 1,
      retain: false,
      contentType: draft.contentType,
      messageExpirySeconds: draft.lifetimeSeconds,
      payloadFormat: draft.isText ? 1 : 0,
      userProperties,
    };
    return this.#options.link.publish(publish, { rank: draft.precedence });
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
