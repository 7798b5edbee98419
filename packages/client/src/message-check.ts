// SPDX-License-Identifier: Apache-2.0
import {
  accept,
  checkCopies,
  checkSeal,
  decodeSeal,
  domainOf,
  fromBase64Url,
  parseMessageId,
  refuse,
  senderKind,
  utf8Text,
  verifySeal,
} from '@sealpost/protocol';
import type { Address, Claims, CryptoProvider, Lane, MessageId, Result, Seal } from '@sealpost/protocol';
import type { TrustedCertificate, TrustStore } from '@sealpost/identity';
import type { Publish, UserProperties } from '@sealpost/mqtt';
import { property } from './acknowledgement.ts';
import type { Received, VerifiedSeal } from './message.ts';

interface MessageCheckOptions {
  readonly account: Address;
  readonly trust: TrustStore;
  readonly crypto: CryptoProvider;
  /** Unix milliseconds by the server's clock. */
  now(): number;
}

interface Opened {
  readonly claims: Claims;
  readonly seal: VerifiedSeal;
}

/** The server's word for which message this is: property `id`, and the same text as Correlation Data. */
export function messageIdOf(publish: Publish): Result<MessageId> {
  const text =
    property(publish.userProperties, 'id') ??
    (publish.correlationData === undefined ? undefined : utf8Text(publish.correlationData));
  return text === undefined ? refuse('id-invalid') : parseMessageId(text);
}

/** Checks a delivered message end to end: the server that delivered it is not trusted for what the seal says. */
export class MessageCheck {
  readonly #options: MessageCheckOptions;

  constructor(options: MessageCheckOptions) {
    this.#options = options;
  }

  async read(publish: Publish, id: MessageId, from: Address, lane: Lane): Promise<Received> {
    // The payload is a view on the connection's buffer; the message outlives that.
    const body = publish.payload.slice();
    const opened = await this.#open(publish, body, id, from);
    return {
      id,
      from,
      lane,
      body,
      text: isText(publish) ? utf8Text(body) : undefined,
      contentType: publish.contentType,
      claims: opened.ok ? opened.value.claims : undefined,
      verified: opened.ok ? accept(opened.value.seal) : opened,
    };
  }

  async #open(publish: Publish, body: Uint8Array, id: MessageId, from: Address): Promise<Result<Opened>> {
    const { account, crypto, now } = this.#options;
    const bytes = fromBase64Url(property(publish.userProperties, 'seal') ?? '');
    if (bytes === undefined || bytes.length === 0) return refuse('seal-missing');
    const decoded = decodeSeal(bytes, crypto);
    if (!decoded.ok) return decoded;
    const seal = decoded.value;
    const checked = checkSeal({ seal, body, crypto, now: Math.floor(now() / 1000) });
    if (!checked.ok) return checked;
    const { claims } = seal;
    if (claims.audience !== account) return refuse('audience-mismatch');
    if (claims.issuer !== from) return refuse('issuer-mismatch');
    if (claims.id !== id) return refuse('copy-disagrees', 'id');
    const copies = checkCopies(sendersWords(publish.userProperties), claims);
    return copies.ok ? this.#verify(seal) : copies;
  }

  async #verify(seal: Seal): Promise<Result<Opened>> {
    const signer = await this.#signer(seal);
    if (!signer.ok) return signer;
    const { certificate, anchorProof } = signer.value;
    const sealClass = await verifySeal(seal, certificate, this.#options.crypto);
    if (!sealClass.ok) return sealClass;
    return accept({
      claims: seal.claims,
      seal: { sealClass: sealClass.value, senderKind: senderKind(seal, certificate), anchorProof },
    });
  }

  async #signer(seal: Seal): Promise<Result<TrustedCertificate>> {
    const { trust } = this.#options;
    const known = trust.known(seal.certificateHash);
    if (known !== undefined) return accept(known);
    if (seal.chain.length === 0) return refuse('certificate-needed');
    return trust.admit(seal.chain, domainOf(seal.claims.issuer));
  }
}

const serversWords: readonly string[] = ['from', 'trust', 'lane', 'evidence', 'error', 'retry-after'];

/** What is said in the sender's name, and so has to agree with the seal [TOPIC-7]. */
function sendersWords(properties: UserProperties): UserProperties {
  return properties.filter(([name]) => !serversWords.includes(name));
}

function isText({ contentType, payloadFormat }: Publish): boolean {
  return payloadFormat === 1 || contentType === undefined || contentType.startsWith('text/');
}
