// SPDX-License-Identifier: Apache-2.0
import type { TrustStore } from '@sealpost/identity';
import { connectLink, type Link } from '@sealpost/mqtt/link';
import { connectTls } from '@sealpost/mqtt/node';
import { CertificateRole, Precedence, type Domain, type Signer } from '@sealpost/protocol';
import { retryDelayMs } from '../schedule/backoff.ts';
import type { Clock } from '../schedule/clock.ts';
import type { Inbound } from './inbound.ts';
import { relayFilter, type PeerAddress, type Sink } from './link.ts';
import { introduction, readIntroduction } from './relay-front.ts';

export interface DiallerOptions {
  readonly domain: Domain;
  readonly trust: TrustStore;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly inbound: Inbound;
  /** Link certificate and key of this domain, PEM. */
  readonly tls: { readonly certificate: string; readonly key: string };
  random(): number;
  linkUp(peer: Domain, sink: Sink): void;
  linkDown(peer: Domain, sink: Sink): void;
  report(error: unknown): void;
}

/** What a peer may have unanswered toward us (design: Receive Maximum 256 toward peers). */
export const peerReceiveMaximum = 256;
const keepAliveSeconds = 30;

/** Keeps one link to one peer: dials, proves both sides, subscribes, and dials again when the link is lost. */
export class Dialler {
  readonly #peer: PeerAddress;
  readonly #options: DiallerOptions;
  #link: Link | undefined;
  #failures = 0;
  #stopped = false;
  #cancelRetry: (() => void) | undefined;
  #dialling: Promise<void> | undefined;

  constructor(peer: PeerAddress, options: DiallerOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  start(): void {
    if (this.#stopped || this.#dialling !== undefined) return;
    this.#dialling = this.#dial()
      .catch(this.#options.report)
      .then(() => {
        this.#dialling = undefined;
        if (!this.#stopped && this.#link === undefined) this.#retry();
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry?.();
    await this.#dialling;
    this.#link?.end();
    await this.#link?.closed;
  }

  #retry(): void {
    this.#failures += 1;
    // A link serves every lane, so it is dialled as eagerly as a flash message would need it.
    const delay = retryDelayMs(this.#failures, Precedence.flash, this.#options.random());
    this.#cancelRetry = this.#options.clock.after(delay, () => this.start());
  }

  async #dial(): Promise<void> {
    const { domain, trust, signer, clock, inbound, tls } = this.#options;
    const peer = this.#peer.domain;
    const { host, port } = this.#peer;
    // Who answers is proved below, by our own chain check: TLS knows nothing of a domain's authority.
    const transport = await connectTls({
      host,
      port,
      tls: { cert: tls.certificate, key: tls.key, rejectUnauthorized: false },
    });
    const { peerCertificate } = transport.info;
    const admitted = peerCertificate === undefined ? undefined : await trust.admit([peerCertificate], peer);
    const certificate = admitted?.ok === true ? admitted.value.certificate : undefined;
    if (certificate?.role !== CertificateRole.domainLink || certificate.domain !== peer) {
      transport.destroy();
      throw new Error(`whoever listens at ${host}:${port} did not prove to be ${peer}`);
    }
    const link = await connectLink(transport, {
      clientId: domain,
      cleanStart: true,
      sessionExpirySeconds: 0,
      keepAliveSeconds,
      receiveMaximum: peerReceiveMaximum,
      userProperties: introduction(signer, clock),
      urgentRank: Precedence.immediate,
      onPublish: (publish) => inbound.handle(peer, publish),
    });
    const introduced = await readIntroduction(link.connack.userProperties, peer, this.#options);
    if (!introduced.ok) {
      link.end();
      throw new Error(`introduction of ${peer}: ${introduced.refusal.code}`);
    }
    await link.subscribe([{ filter: relayFilter, qos: 1 }]);
    this.#up(link);
  }

  #up(link: Link): void {
    const peer = this.#peer.domain;
    this.#link = link;
    this.#failures = 0;
    this.#options.linkUp(peer, link);
    void link.closed.then(() => {
      this.#link = undefined;
      this.#options.linkDown(peer, link);
      if (!this.#stopped) this.#retry();
    });
  }
}
