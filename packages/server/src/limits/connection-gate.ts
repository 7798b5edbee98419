// SPDX-License-Identifier: Apache-2.0
import { addressKey, isLoopbackAddress } from './address.ts';
import { Bucket } from './bucket.ts';
import type { DomainLimits } from './limits.ts';
import { Table } from './table.ts';

interface Clock {
  now(): number;
}

interface Count {
  connections: number;
  handshakes: number;
}

type GateLimits = Pick<
  DomainLimits,
  | 'connectionsPerAddressMax'
  | 'handshakesPerAddressMax'
  | 'handshakesMax'
  | 'connectionRate'
  | 'trackedMax'
  | 'isLoopbackExempt'
>;

/** A connection that was let in. Both may be called more than once. */
export interface Entered {
  /** It has signed in. */
  established(): void;
  closed(): void;
}

/**
 * Who may connect, before a byte is read: so many open connections an address, so many that have not signed in, and
 * so many new ones a second. Refused means closed unheard: an answer would cost more than the attempt did.
 */
export class ConnectionGate {
  readonly #limits: GateLimits;
  readonly #clock: Clock;
  readonly #buckets: Table<Bucket>;
  /** Only of addresses with open connections. */
  readonly #counts = new Map<string, Count>();
  #handshakes = 0;

  constructor(limits: GateLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#buckets = new Table(limits.trackedMax, () => new Bucket(limits.connectionRate, clock.now()));
  }

  get trackedAddresses(): number {
    return Math.max(this.#buckets.size, this.#counts.size);
  }

  get handshakes(): number {
    return this.#handshakes;
  }

  enter(address: string): Entered | undefined {
    const { handshakesMax, isLoopbackExempt } = this.#limits;
    if (this.#handshakes >= handshakesMax) return undefined;
    if (isLoopbackExempt && isLoopbackAddress(address)) return this.#open(undefined);
    const key = addressKey(address);
    const count = this.#counts.get(key) ?? { connections: 0, handshakes: 0 };
    if (!this.#mayEnter(key, count)) return undefined;
    this.#counts.set(key, count);
    return this.#open({ key, count });
  }

  #mayEnter(key: string, { connections, handshakes }: Count): boolean {
    const { connectionsPerAddressMax, handshakesPerAddressMax } = this.#limits;
    if (connections >= connectionsPerAddressMax || handshakes >= handshakesPerAddressMax) return false;
    return this.#buckets.of(key).take(this.#clock.now());
  }

  #open(of: { readonly key: string; readonly count: Count } | undefined): Entered {
    let isPending = true;
    let isOpen = true;
    this.#handshakes += 1;
    if (of !== undefined) {
      of.count.connections += 1;
      of.count.handshakes += 1;
    }
    const established = (): void => {
      if (!isPending) return;
      isPending = false;
      this.#handshakes -= 1;
      if (of !== undefined) of.count.handshakes -= 1;
    };
    const closed = (): void => {
      if (!isOpen) return;
      isOpen = false;
      established();
      if (of === undefined) return;
      of.count.connections -= 1;
      if (of.count.connections === 0) this.#counts.delete(of.key);
    };
    return { established, closed };
  }
}
