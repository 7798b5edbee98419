// SPDX-License-Identifier: Apache-2.0
import type { TrustStore } from '@sealpost/identity';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import type {
  Application,
  Authenticated,
  ConnectRequest,
  Denied,
  Session,
  SubscribeAnswer,
  SubscribeOptions,
} from '@sealpost/mqtt/server';
import {
  CertificateRole,
  accept,
  describeError,
  fromBase64Url,
  parseDomain,
  refuse,
  toBase64Url,
  type Domain,
  type Refusal,
  type Result,
  type Signer,
} from '@sealpost/protocol';
import type { Clock } from '../schedule/clock.ts';
import type { Inbound } from './inbound.ts';
import { clockDifferenceMaxMs, property, relayFilter, type Sink } from './link.ts';

interface RelayFrontOptions {
  readonly domain: Domain;
  readonly trust: TrustStore;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly inbound: Inbound;
  /** Still one of those that may link: the list may have changed while it proved itself. */
  isPeer(domain: Domain): boolean;
  linkUp(peer: Domain, sink: Sink): void;
  /** `reason` is for people. */
  linkDown(peer: Domain, sink: Sink, reason: string): void;
}

/** What a domain says of itself in CONNECT and CONNACK [RELAY-4] [RELAY-5]. */
export function introduction(signer: Signer, clock: Clock): (readonly [string, string])[] {
  return [
    ['time', String(clock.now())],
    ['domain-seal', signer.chain.map(toBase64Url).join('.')],
  ];
}

/** Checks the other side's introduction: clocks close enough, and a seal certificate of the domain it proved to be. */
export async function readIntroduction(
  properties: readonly (readonly [string, string])[],
  peer: Domain,
  { trust, clock }: { readonly trust: TrustStore; readonly clock: Clock },
): Promise<Result<void>> {
  const time = Number(property(properties, 'time') ?? NaN);
  if (!(Math.abs(time - clock.now()) <= clockDifferenceMaxMs))
    return refuse('clock', `time of ${peer}: ${time}`);
  const chain = (property(properties, 'domain-seal') ?? '').split('.').map(fromBase64Url);
  if (!chain.every((der) => der !== undefined)) return refuse('certificate-invalid', 'domain-seal');
  const admitted = await trust.admit(chain, peer);
  if (!admitted.ok) return admitted;
  const { role, domain } = admitted.value.certificate;
  return role === CertificateRole.domainSeal && domain === peer ? accept() : refuse('certificate-wrong-role');
}

/** A peer whose anchor is known by its hash alone proves itself with the authority's certificate that it sends along. */
export function linkChain(certificate: Uint8Array, issuer: Uint8Array | undefined): readonly Uint8Array[] {
  return issuer === undefined ? [certificate] : [certificate, issuer];
}

/**
 * The relay listener: only domains that proved themselves by a link certificate, only `mail/relay/…` [RELAY-2].
 * A peer that subscribes to it can be relayed to over the same link.
 */
export class RelayFront implements Application<Domain> {
  readonly #options: RelayFrontOptions;

  constructor(options: RelayFrontOptions) {
    this.#options = options;
  }

  reserves(): boolean {
    return true;
  }

  async authenticate(request: ConnectRequest): Promise<Authenticated<Domain> | Denied> {
    const peer = await this.#prove(request);
    if (!peer.ok) return denied(peer.refusal);
    const introduced = await readIntroduction(request.userProperties, peer.value, this.#options);
    if (!introduced.ok) return denied(introduced.refusal);
    const { clock, signer } = this.#options;
    return { principal: peer.value, account: peer.value, userProperties: introduction(signer, clock) };
  }

  async #prove({ clientId, transport }: ConnectRequest): Promise<Result<Domain>> {
    const { domain, trust } = this.#options;
    // The client id only names the domain to look up; the certificate proves it.
    const named = parseDomain(clientId);
    if (
      !named.ok ||
      named.value !== clientId ||
      named.value === domain ||
      transport.peerCertificate === undefined
    )
      return refuse('link-untrusted', 'no other domain, or no certificate');
    const peer = named.value;
    const admitted = await trust.admit(linkChain(transport.peerCertificate, transport.peerIssuer), peer);
    // An anchor that cannot be proved now is no verdict on the peer.
    if (!admitted.ok)
      return describeError(admitted.refusal.code).permanent
        ? refuse('link-untrusted', admitted.refusal.code)
        : admitted;
    const { certificate } = admitted.value;
    const proved = certificate.role === CertificateRole.domainLink && certificate.domain === peer;
    return proved ? accept(peer) : refuse('link-untrusted', 'not a link certificate of this domain');
  }

  authorize(): boolean {
    return false;
  }

  publish(session: Session<Domain>, publish: Publish): Promise<Acknowledgement> {
    return this.#options.inbound.handle(session.principal, publish);
  }

  subscribe(_session: Session<Domain>, filter: string): SubscribeAnswer {
    if (filter === relayFilter) return { reasonCode: 1 };
    const { mqtt, sentence } = describeError('filter-invalid');
    return { reasonCode: mqtt, reasonString: sentence };
  }

  subscribed(session: Session<Domain>, _filter: string, _options: SubscribeOptions): void {
    this.#options.linkUp(session.principal, session);
  }

  unsubscribed(session: Session<Domain>): void {
    this.#options.linkDown(session.principal, session, 'the peer has unsubscribed');
  }

  /** A link counts once the peer has subscribed. */
  opened(session: Session<Domain>): void {
    if (this.#options.isPeer(session.principal)) return;
    const { mqtt, sentence } = describeError('link-untrusted');
    session.disconnect(mqtt, sentence);
  }

  closed(session: Session<Domain>): void {
    this.#options.linkDown(session.principal, session, 'its connection has ended');
  }

  ended(): void {
    // Nothing outlives the connection: Clean Start and Session Expiry 0.
  }
}

function denied({ code }: Refusal): Denied {
  const { mqtt, sentence } = describeError(code);
  return { reasonCode: mqtt, reasonString: sentence, userProperties: [['error', code]] };
}
