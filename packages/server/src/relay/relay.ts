// SPDX-License-Identifier: Apache-2.0
import {
  decodeSeal,
  fromBase64Url,
  relayTopic,
  toBase64Url,
  type CryptoProvider,
  type Domain,
  type Precedence,
} from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import type { Outcome, Outgoing } from '@sealpost/mqtt/link';
import type { Stored } from '../custody/custody.ts';
import type { OwedReport } from '../delivery/outcomes.ts';
import type { LiveMessage } from '../message.ts';
import { wishesOf } from '../message.ts';
import { property, type Sink } from './link.ts';
import { PeerQueue, type Due, type OutboundOptions } from './outbound.ts';
import { Reports } from './reports.ts';

export interface RelayOptions extends OutboundOptions {
  readonly crypto: CryptoProvider;
}

interface Peer {
  readonly queue: PeerQueue;
  readonly reports: Reports;
  /** Links that are up; the newest carries what we send. */
  readonly sinks: Sink[];
}

/** Relay: everything that goes to other domains, one queue and one list of owed evidence per peer. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #peers = new Map<Domain, Peer>();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Whether a message accepted now would leave at once. */
  isReady(peer: Domain, lane: Precedence): boolean {
    return this.#peers.get(peer)?.queue.isReady(lane) === true;
  }

  isLinked(peer: Domain): boolean {
    return (this.#peers.get(peer)?.sinks.length ?? 0) > 0;
  }

  accepted(peer: Domain, message: LiveMessage, state: 3 | 4): void {
    const { seal, body, lane, seq } = message;
    const { id, issuer, audience, expires } = seal.claims;
    const wishes = wishesOf(seal);
    this.#options.admission.remember({ id, issuer, audience, digest: seal.digest, lane, ...wishes });
    this.#peer(peer).queue.arrived({
      id,
      lane,
      seq,
      state,
      inDoubt: false,
      issuer,
      audience,
      digest: seal.digest,
      ...wishes,
      expires,
      seal: seal.bytes,
      certificateHash: seal.certificateHash,
      contentType: seal.contentType,
      body,
    });
  }

  reportTo(peer: Domain, owed: OwedReport): void {
    this.#peer(peer).reports.arrived(owed);
  }

  linkUp(domain: Domain, sink: Sink): void {
    const peer = this.#peer(domain);
    if (peer.sinks.includes(sink)) return;
    peer.sinks.push(sink);
    this.#use(peer);
  }

  linkDown(domain: Domain, sink: Sink): void {
    const peer = this.#peer(domain);
    const index = peer.sinks.indexOf(sink);
    if (index === -1) return;
    const wasUsed = index === peer.sinks.length - 1;
    peer.sinks.splice(index, 1);
    if (wasUsed) this.#use(peer);
  }

  /**
   * Asks the peer what became of a message that was offered and never answered, now that its lifetime is over.
   * Resolves to the signed answer, or undefined while there is none.
   */
  async askStatus(domain: Domain, row: Stored): Promise<Uint8Array | undefined> {
    const sink = this.#peers.get(domain)?.sinks.at(-1);
    if (sink === undefined || row.seal === undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<Acknowledgement | undefined>();
    sink.send(new StatusOffer(row.seal, row.lane, resolve));
    const answer = await promise;
    const signed = fromBase64Url(property(answer?.userProperties ?? [], 'evidence') ?? '');
    return signed !== undefined && signed.length > 0 ? signed : undefined;
  }

  #peer(domain: Domain): Peer {
    let peer = this.#peers.get(domain);
    if (peer === undefined) {
      peer = {
        queue: new PeerQueue(domain, this.#options),
        reports: new Reports(domain, this.#options),
        sinks: [],
      };
      this.#peers.set(domain, peer);
    }
    return peer;
  }

  #use(peer: Peer): void {
    const sink = peer.sinks.at(-1);
    if (sink === undefined) {
      peer.queue.linkDown();
      peer.reports.linkDown();
      return;
    }
    peer.queue.linkUp(sink, (row) => this.#read(row));
    peer.reports.linkUp(sink);
  }

  #read(row: Stored): Due {
    const decoded = decodeSeal(row.seal ?? new Uint8Array(0), this.#options.crypto);
    if (!decoded.ok) throw new Error(`stored seal of ${row.id} does not decode: ${decoded.refusal.code}`);
    const { certificateHash, contentType, bytes } = decoded.value;
    const body = row.body ?? new Uint8Array(0);
    const { id, lane, seq, state, issuer, audience, digest, ask, quiet, expires } = row;
    return {
      id,
      lane,
      seq,
      state,
      inDoubt: state === 4,
      issuer,
      audience,
      digest,
      ask,
      quiet,
      expires,
      seal: bytes,
      certificateHash,
      contentType,
      body,
    };
  }
}

class StatusOffer implements Outgoing {
  readonly publish: Publish;
  readonly rank: number;
  readonly #answer: (acknowledgement: Acknowledgement | undefined) => void;

  constructor(
    seal: Uint8Array,
    lane: Precedence,
    answer: (acknowledgement: Acknowledgement | undefined) => void,
  ) {
    this.rank = lane;
    this.#answer = answer;
    this.publish = {
      topic: relayTopic('status'),
      payload: new Uint8Array(0),
      qos: 1,
      retain: false,
      userProperties: [['seal', toBase64Url(seal)]],
    };
  }

  settled(outcome: Outcome): void {
    this.#answer(outcome.kind === 'acknowledged' ? outcome.acknowledgement : undefined);
  }
}
