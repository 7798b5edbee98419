// SPDX-License-Identifier: Apache-2.0
import type { Session } from '@sealpost/mqtt/server';
import { describeError, type Domain } from '@sealpost/protocol';
import type { Dialler } from './dialler.ts';
import type { PeerAddress } from './link.ts';

export interface PeerLinksOptions {
  /** Not started. */
  dialler(peer: PeerAddress): Dialler;
  /** Of the relay listener: links that the peer has dialled. */
  sessions(): Iterable<Session<Domain>>;
  report(error: unknown): void;
}

interface Dialled {
  readonly address: PeerAddress;
  readonly dialler: Dialler;
}

type Peer = { readonly domain: Domain; readonly dial?: Omit<PeerAddress, 'domain'> };

/** Who is dialled, and where; follows the list of peers while the domain runs. */
export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #dialled = new Map<Domain, Dialled>();
  readonly #stopping = new Set<Promise<void>>();
  #known: ReadonlySet<Domain> = new Set();

  constructor(options: PeerLinksOptions) {
    this.#options = options;
  }

  /** The whole list. A link to a peer whose address has not changed stays up. */
  set(peers: readonly Peer[]): void {
    const known = new Set(peers.map(({ domain }) => domain));
    for (const domain of this.#known) if (!known.has(domain)) this.#end(domain);
    this.#known = known;
    for (const { domain, dial } of peers) {
      const present = this.#dialled.get(domain)?.address;
      if (present?.host === dial?.host && present?.port === dial?.port) continue;
      this.#hangUp(domain);
      if (dial !== undefined) this.dial({ domain, ...dial });
    }
  }

  dial(peer: PeerAddress): void {
    this.#hangUp(peer.domain);
    const dialler = this.#options.dialler(peer);
    this.#dialled.set(peer.domain, { address: peer, dialler });
    dialler.start();
  }

  /** Ends every link to this peer; who was dialled is dialled again. */
  drop(domain: Domain): void {
    const dialled = this.#dialled.get(domain);
    this.#end(domain);
    if (dialled !== undefined) this.dial(dialled.address);
  }

  async stop(): Promise<void> {
    for (const domain of this.#dialled.keys()) this.#hangUp(domain);
    await Promise.all(this.#stopping);
  }

  #end(domain: Domain): void {
    this.#hangUp(domain);
    const { mqtt, sentence } = describeError('link-untrusted');
    for (const session of this.#options.sessions())
      if (session.principal === domain) session.disconnect(mqtt, sentence);
  }

  #hangUp(domain: Domain): void {
    const dialled = this.#dialled.get(domain);
    if (dialled === undefined) return;
    this.#dialled.delete(domain);
    const stopping = dialled.dialler.stop().catch(this.#options.report);
    this.#stopping.add(stopping);
    void stopping.finally(() => this.#stopping.delete(stopping));
  }
}
