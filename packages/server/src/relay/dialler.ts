// SPDX-License-Identifier: Apache-2.0
import type { TrustStore } from '@sealpost/identity';
import { failureFrom } from '@sealpost/mqtt';
import { connectLink, type CloseInfo, type Link } from '@sealpost/mqtt/link';
import { connectTls, type ConnectedTransport } from '@sealpost/mqtt/node';
import { CertificateRole, Precedence, refuse, type Domain, type Signer } from '@sealpost/protocol';
import { acknowledgeRefusal } from '../front/acknowledge.ts';
import { retryDelayMs } from '../schedule/backoff.ts';
import type { Clock } from '../schedule/clock.ts';
import type { Inbound } from './inbound.ts';
import { relayFilter, type PeerAddress, type Sink } from './link.ts';
import { introduction, linkChain, readIntroduction } from './relay-front.ts';

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
  /** `reason` is for people. */
  linkDown(peer: Domain, sink: Sink, reason: string): void;
  report(error: unknown): void;
}

/** What a peer may have unanswered toward us (design: Receive Maximum 256 toward peers). */
export const peerReceiveMaximum = 256;
const keepAliveSeconds = 30;
/** From the TLS handshake to the SUBACK. */
const introductionMs = 10_000;

/** Keeps one link to one peer: dials, proves both sides, subscribes, and dials again when the link is lost. */
export class Dialler {
  readonly #peer: PeerAddress;
  readonly #options: DiallerOptions;
  #link: Link | undefined;
  /** What is dialled with, and not a link yet. */
  #transport: ConnectedTransport | undefined;
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
    this.#transport?.destroy();
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
    const { tls } = this.#options;
    const { host, port } = this.#peer;
    // Who answers is proved below, by our own chain check: TLS knows nothing of a domain's authority.
    const transport = await connectTls({
      host,
      port,
      tls: { cert: tls.certificate, key: tls.key, rejectUnauthorized: false },
    });
    this.#transport = transport;
    // Whatever of the introduction the peer leaves unanswered.
    const cancel = this.#options.clock.after(introductionMs, () => transport.destroy());
    try {
      if (this.#stopped) throw new Error('stopped');
      this.#up(await this.#introduce(transport));
    } catch (error) {
      transport.destroy();
      if (!this.#stopped) throw error;
    } finally {
      cancel();
      this.#transport = undefined;
    }
  }

  async #introduce(transport: ConnectedTransport): Promise<Link> {
    const { domain, trust, signer, clock, inbound, report } = this.#options;
    const { domain: peer, host, port } = this.#peer;
    const { peerCertificate, peerIssuer } = transport.info;
    const admitted =
      peerCertificate === undefined
        ? undefined
        : await trust.admit(linkChain(peerCertificate, peerIssuer), peer);
    const certificate = admitted?.ok === true ? admitted.value.certificate : undefined;
    if (certificate?.role !== CertificateRole.domainLink || certificate.domain !== peer)
      throw new Error(`whoever listens at ${host}:${port} did not prove to be ${peer}`);
    // Nobody was there to hear that the transport was closed meanwhile.
    if (this.#stopped) throw new Error('stopped');
    let isIntroduced = false;
    const link = await connectLink(transport, {
      clientId: domain,
      cleanStart: true,
      sessionExpirySeconds: 0,
      keepAliveSeconds,
      receiveMaximum: peerReceiveMaximum,
      userProperties: introduction(signer, clock),
      urgentRank: Precedence.immediate,
      clock,
      // Nothing is relayed before both sides are introduced [RELAY-5].
      onPublish: (publish) =>
        isIntroduced ? inbound.handle(peer, publish) : acknowledgeRefusal(refuse('overloaded').refusal),
      report,
    });
    const introduced = await readIntroduction(link.connack.userProperties, peer, this.#options);
    if (!introduced.ok) throw new Error(`introduction of ${peer}: ${introduced.refusal.code}`);
    isIntroduced = true;
    const [granted = failureFrom] = await link.subscribe([{ filter: relayFilter, qos: 1 }]);
    if (granted >= failureFrom) throw new Error(`${peer} does not let us subscribe: reason code ${granted}`);
    return link;
  }

  #up(link: Link): void {
    const peer = this.#peer.domain;
    this.#link = link;
    this.#failures = 0;
    this.#options.linkUp(peer, link);
    link.closed
      .then((info) => {
        this.#link = undefined;
        this.#options.linkDown(peer, link, reasonOf(info));
        if (!this.#stopped) this.#retry();
      })
      .catch(this.#options.report);
  }
}

function reasonOf({ byPeer, error, reasonString }: CloseInfo): string {
  return reasonString ?? error?.message ?? (byPeer ? 'the peer ended it' : 'it was ended here');
}
