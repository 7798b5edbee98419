// SPDX-License-Identifier: Apache-2.0
import { isLoopbackAddress } from '@sealpost/mqtt/node';
import { addressKey } from './address.ts';
import { Bucket } from './bucket.ts';
import type { DomainLimits } from './limits.ts';
import { Table } from './table.ts';

interface Clock {
  now(): number;
}

interface Count {
  connections: number;
  /** How to end those that have not signed in, the oldest first. */
  readonly handshakes: Set<() => void>;
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

/** Those from this machine share a count that nothing limits: no address is called that. */
const loopback = 'loopback';

/**
 * Who may connect, before a byte is read: so many open connections an address, so many that have not signed in, and
 * so many new ones a second. Refused means closed unheard: an answer would cost more than the attempt did.
 *
 * When all places for those that have not signed in are taken, the address that holds most of them gives one back, its
 * oldest. A few addresses that only open connections then keep nobody else out: whoever means it needs its place for a
 * moment only.
 */
export class ConnectionGate {
  readonly #limits: GateLimits;
  readonly #clock: Clock;
  readonly #buckets: Table<Bucket>;
  /** Only of addresses with open connections. */
  readonly #counts = new Map<string, Count>();
  /** Of these, those with connections that have not signed in. */
  readonly #pending = new Set<Count>();
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

  /** `end` closes the connection; it is called at most once, and not any more once it has signed in. */
  enter(address: string, end: () => void): Entered | undefined {
    const isExempt = this.#limits.isLoopbackExempt && isLoopbackAddress(address);
    const key = isExempt ? loopback : addressKey(address);
    const count = this.#counts.get(key) ?? { connections: 0, handshakes: new Set() };
    if (!isExempt && !this.#mayEnter(key, count)) return undefined;
    if (this.#handshakes >= this.#limits.handshakesMax && !this.#makeRoom(count)) return undefined;
    this.#counts.set(key, count);
    return this.#open(key, count, end);
  }

  #mayEnter(key: string, { connections, handshakes }: Count): boolean {
    const { connectionsPerAddressMax, handshakesPerAddressMax } = this.#limits;
    if (connections >= connectionsPerAddressMax || handshakes.size >= handshakesPerAddressMax) return false;
    return this.#buckets.of(key).take(this.#clock.now());
  }

  /** For somebody who holds fewer than another one. */
  #makeRoom({ handshakes }: Count): boolean {
    let most = handshakes;
    for (const count of this.#pending) if (count.handshakes.size > most.size) most = count.handshakes;
    const [oldest] = most;
    if (most === handshakes || oldest === undefined) return false;
    oldest();
    return true;
  }

  #open(key: string, count: Count, end: () => void): Entered {
    let isOpen = true;
    const established = (): void => {
      if (!count.handshakes.delete(giveWay)) return;
      this.#handshakes -= 1;
      if (count.handshakes.size === 0) this.#pending.delete(count);
    };
    const giveWay = (): void => {
      established();
      end();
    };
    const closed = (): void => {
      if (!isOpen) return;
      isOpen = false;
      established();
      count.connections -= 1;
      if (count.connections === 0) this.#counts.delete(key);
    };
    count.connections += 1;
    count.handshakes.add(giveWay);
    this.#handshakes += 1;
    this.#pending.add(count);
    return { established, closed };
  }
}
