// SPDX-License-Identifier: Apache-2.0
import type { TrustStore } from '@sealpost/identity';
import {
  accept,
  decodeEvidence,
  domainOf,
  equalBytes,
  refuse,
  verifyEvidence,
  type Address,
  type CryptoProvider,
  type Domain,
  type Event,
  type Evidence,
  type MessageId,
  type Precedence,
  type Result,
  type Statement,
} from '@sealpost/protocol';
import type { Custody, CustodyReader } from '../custody/custody.ts';
import { holderOfPeer } from '../message.ts';
import { noticesFor, type Notices } from './notices.ts';

/** What our outbox knows of a message that a peer speaks about. */
export interface Sent {
  readonly id: MessageId;
  readonly issuer: Address;
  readonly audience: Address;
  readonly digest: Uint8Array;
  readonly lane: Precedence;
  readonly ask: readonly Event[];
  readonly quiet: boolean;
}

interface AdmissionOptions {
  readonly domain: Domain;
  readonly crypto: CryptoProvider;
  readonly trust: TrustStore;
  readonly custody: Custody & CustodyReader;
  readonly notices: Notices;
}

/** Messages whose evidence is expected soon; a read of the store answers for the rest. */
const rememberedMax = 8_192;

/**
 * Admits what a peer says about our messages: only about what we sent to it, only from who may say it, and only what
 * the message's state allows [RELAY-14]. The first terminal word wins.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  /** By peer and id: two accounts may have chosen one id for messages to different peers. */
  readonly #sent = new Map<string, Sent>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  remember(sent: Sent): void {
    this.#sent.set(nameOf(domainOf(sent.audience), sent.id), sent);
    if (this.#sent.size <= rememberedMax) return;
    const oldest = this.#sent.keys().next();
    if (oldest.done !== true) this.#sent.delete(oldest.value);
  }

  /** Resolves after the commit; what was admitted, none of it new if this was a repeat. */
  async admit(peer: Domain, signed: Uint8Array): Promise<Result<Statement>> {
    const { crypto, domain, trust } = this.#options;
    const decoded = decodeEvidence(signed, crypto);
    if (!decoded.ok) return decoded;
    const evidence = decoded.value;
    const { statement } = evidence;
    const sent = this.#sent.get(nameOf(peer, statement.id)) ?? (await this.#lookUp(peer, statement.id));
    if (sent === undefined) return refuse('evidence-unexpected', 'not sent from here to this peer');
    if (sent.audience !== statement.recipient || !equalBytes(sent.digest, statement.digest))
      return refuse('evidence-unexpected', 'another recipient or digest');
    const known = trust.known(evidence.certificateHash);
    const signer = known === undefined ? await this.#signerOf(evidence, peer) : accept(known);
    if (!signer.ok) return signer;
    if (signer.value.certificate.domain !== peer) return refuse('evidence-wrong-signer');
    const verified = await verifyEvidence(
      evidence,
      signer.value.certificate,
      { senderDomain: domain },
      crypto,
    );
    if (!verified.ok) return verified;
    return this.#commit(evidence, sent, signer.value.chain);
  }

  #signerOf(evidence: Evidence, peer: Domain): ReturnType<TrustStore['admit']> {
    if (evidence.chain.length === 0) return Promise.resolve(refuse('certificate-needed'));
    return this.#options.trust.admit(evidence.chain, peer);
  }

  async #commit(
    { bytes, statement }: Evidence,
    sent: Sent,
    chain: readonly Uint8Array[],
  ): Promise<Result<Statement>> {
    const { custody, notices } = this.#options;
    const { events, id, recipient, digest, observedAt } = statement;
    const result = await custody.commit(
      {
        kind: 'admit',
        issuer: sent.issuer,
        id,
        recipient,
        digest,
        events,
        signed: bytes,
        observedAt,
        notices: noticesFor(sent.ask, sent.quiet, events),
      },
      sent.lane,
    );
    switch (result.kind) {
      case 'applied':
        if (result.notices !== undefined)
          notices.arrived(sent.issuer, result.notices, { signed: bytes, statement, chain, lane: sent.lane });
        return accept(statement);
      case 'duplicate':
      case 'contradiction':
        return accept(statement);
      case 'refused':
        return refuse(result.code);
      default:
        return refuse('evidence-unexpected', `state does not allow it: ${result.kind}`);
    }
  }

  async #lookUp(peer: Domain, id: MessageId): Promise<Sent | undefined> {
    const row = await this.#options.custody.stored(holderOfPeer(peer), id);
    return row;
  }
}

function nameOf(peer: Domain, id: MessageId): string {
  return `${peer} ${id}`;
}
