// SPDX-License-Identifier: Apache-2.0
import {
  accept,
  decodeEvidence,
  domainOf,
  equalBytes,
  eventWord,
  Event,
  refuse,
  verifyEvidence,
  withChain,
} from '@sealpost/protocol';
import type { Address, CryptoProvider, Domain, Evidence, MessageId, Result } from '@sealpost/protocol';
import { parseCertificate } from '@sealpost/identity';
import type { TrustedCertificate, TrustStore } from '@sealpost/identity';
import type { VerifiedEvidence } from './verified-evidence.ts';
import { Recent } from './recent.ts';

const sentMax = 10_000;

interface Sent {
  readonly recipient: Address;
  /** Unknown until the own domain has accepted a message that it sealed itself. */
  digest?: Uint8Array;
}

/**
 * Checks evidence about messages of one account against the pinned anchors and who may state what [EVID-4].
 * It remembers the messages sent through it, so that a true statement about other bytes is refused too.
 */
export class EvidenceVerifier {
  readonly #senderDomain: Domain;
  readonly #trust: TrustStore;
  readonly #crypto: CryptoProvider;
  readonly #sent = new Recent<Sent>(sentMax);

  constructor(account: Address, trust: TrustStore, crypto: CryptoProvider) {
    this.#senderDomain = domainOf(account);
    this.#trust = trust;
    this.#crypto = crypto;
  }

  /** Called before the message leaves, so that no evidence about it can be earlier. */
  expect(id: MessageId, recipient: Address, digest?: Uint8Array): void {
    this.#sent.set(id, digest === undefined ? { recipient } : { recipient, digest });
  }

  async verify(bytes: Uint8Array, expectedId?: string): Promise<Result<VerifiedEvidence>> {
    const decoded = decodeEvidence(bytes, this.#crypto);
    if (!decoded.ok) return decoded;
    const evidence = decoded.value;
    if (expectedId !== undefined && evidence.statement.id !== expectedId)
      return refuse('evidence-unexpected', 'the statement is about another message');
    const own = this.#checkOwn(evidence);
    if (!own.ok) return own;
    const signer = await this.#signer(evidence);
    if (!signer.ok) return signer;
    const checked = await verifyEvidence(
      evidence,
      signer.value.certificate,
      { senderDomain: this.#senderDomain },
      this.#crypto,
    );
    if (!checked.ok) return checked;
    this.#learnDigest(evidence);
    return accept(describe(evidence, signer.value, own.value));
  }

  /** Whether the statement is about the bytes that were sent from here; refused when it is about others. */
  #checkOwn(evidence: Evidence): Result<boolean> {
    const { id, recipient, digest, events } = evidence.statement;
    const sent = this.#sent.get(id);
    if (sent === undefined) return accept(false);
    if (sent.recipient !== recipient)
      return refuse('evidence-unexpected', 'the statement names another recipient');
    if (sent.digest === undefined) return accept(events.includes(Event.accepted));
    if (!equalBytes(sent.digest, digest))
      return refuse('evidence-unexpected', 'the statement is about other bytes');
    return accept(true);
  }

  /** For a seal that the domain made, the domain's own acceptance says which bytes it sealed. */
  #learnDigest({ statement: { id, digest, events } }: Evidence): void {
    const sent = this.#sent.get(id);
    if (sent !== undefined && events.includes(Event.accepted)) sent.digest ??= digest;
  }

  async #signer(evidence: Evidence): Promise<Result<TrustedCertificate>> {
    const known = this.#trust.known(evidence.certificateHash);
    if (known !== undefined) return accept(known);
    const [leaf] = evidence.chain;
    if (leaf === undefined) return refuse('certificate-needed');
    const parsed = parseCertificate(leaf, this.#crypto);
    if (!parsed.ok) return parsed;
    const { domain, hash } = parsed.value;
    if (!equalBytes(hash, evidence.certificateHash))
      return refuse('evidence-invalid', 'the certificate is not the one that the statement names');
    // Only two domains can have a word in this; no other anchor is looked up on a stranger's account.
    if (domain !== this.#senderDomain && domain !== domainOf(evidence.statement.recipient))
      return refuse('evidence-wrong-signer');
    return this.#trust.admit(evidence.chain, domain);
  }
}

function describe(
  evidence: Evidence,
  { certificate, anchorProof, chain }: TrustedCertificate,
  digestChecked: boolean,
): VerifiedEvidence {
  const { id, recipient, events, observedAt, reason, by, lane, digest } = evidence.statement;
  return {
    id,
    recipient,
    events,
    words: events.map((event) => eventWord(event)),
    observedAt,
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
    ...(lane === undefined ? {} : { lane }),
    signer: {
      domain: certificate.domain,
      role: certificate.role,
      ...(certificate.address === undefined ? {} : { address: certificate.address }),
      ...(certificate.kind === undefined ? {} : { kind: certificate.kind }),
      anchorProof,
    },
    digest,
    digestChecked,
    signed: withChain(evidence.bytes, chain),
  };
}
