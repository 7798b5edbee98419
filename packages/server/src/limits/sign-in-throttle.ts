// SPDX-License-Identifier: Apache-2.0
import { accept, refuse, type Result } from '@sealpost/protocol';
import { isLoopbackAddress } from '@sealpost/mqtt/node';
import { addressKey } from './address.ts';
import { Bucket } from './bucket.ts';
import type { DomainLimits } from './limits.ts';
import { Table } from './table.ts';

interface Clock {
  now(): number;
  after(delayMs: number, run: () => void): () => void;
}

type ThrottleLimits = Pick<
  DomainLimits,
  | 'failuresPerAddress'
  | 'failuresPerAccountAndAddress'
  | 'failuresPerAccount'
  | 'signInDelayMsMax'
  | 'trackedMax'
  | 'isLoopbackExempt'
>;

/** A sign-in that may be tried. It is a failure until it is said to have succeeded. */
export interface Attempt {
  /** This account has signed in from here before. */
  readonly isKnown: boolean;
  succeeded(): void;
  /** The password was not looked at. */
  notTried(): void;
}

/** Longer names are no addresses; they share one entry, so that a name of any length costs the same memory. */
const nameCharactersMax = 320;

/**
 * Slows down who guesses passwords. Nothing here knows whether an account exists: the name is what the client wrote,
 * so the answer, and the work that is spent on it, are the same for every name.
 *
 * Above some failures of one address, and of one account from one address, no password is looked at. Failures of one
 * account from everywhere only delay. An account that has signed in from an address is, there, held to its own failures
 * alone: neither who guesses elsewhere nor who fails behind the same router can lock its owner out. Who is connected
 * stays connected.
 */
export class SignInThrottle {
  readonly #limits: ThrottleLimits;
  readonly #clock: Clock;
  readonly #addresses: Table<Bucket>;
  readonly #pairs: Table<Bucket>;
  readonly #accounts: Table<Bucket>;
  readonly #known: Table<true>;

  constructor(limits: ThrottleLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    const table = (rate: DomainLimits['failuresPerAddress']): Table<Bucket> =>
      new Table(limits.trackedMax, () => new Bucket(rate, clock.now()));
    this.#addresses = table(limits.failuresPerAddress);
    this.#pairs = table(limits.failuresPerAccountAndAddress);
    this.#accounts = table(limits.failuresPerAccount);
    this.#known = new Table<true>(limits.trackedMax, () => true);
  }

  /** Entries of the largest table. */
  get tracked(): number {
    return Math.max(...[this.#addresses, this.#pairs, this.#accounts, this.#known].map(({ size }) => size));
  }

  /** Taken at the beginning, not at the failure: guesses made at the same time are counted as well. */
  async begin(name: string, address: string): Promise<Result<Attempt>> {
    const nowMs = this.#clock.now();
    const account = name.length > nameCharactersMax ? '' : name;
    const from = addressKey(address);
    const pair = `${from} ${account}`;
    const isKnown = this.#known.has(pair);
    const own = this.#isExempt(address) ? [] : [this.#pairs.of(pair)];
    // Others behind the same router do not keep out who is known to be there.
    if (own.length > 0 && !isKnown) own.unshift(this.#addresses.of(from));
    const empty = own.find((bucket) => bucket.isEmpty(nowMs));
    if (empty !== undefined)
      return refuse('rate-limited', 'failed sign-ins', Math.max(1, empty.waitSeconds(nowMs)));
    const everywhere = this.#accounts.of(account);
    const isCrowded = !everywhere.take(nowMs);
    for (const bucket of own) bucket.take(nowMs);
    if (isCrowded && !isKnown) await this.#delay(everywhere.waitSeconds(nowMs) * 1000);
    const notTried = (): void => {
      for (const bucket of own) bucket.giveBack();
      if (!isCrowded) everywhere.giveBack();
    };
    const succeeded = (): void => {
      notTried();
      this.#known.of(pair);
    };
    return accept({ isKnown, succeeded, notTried });
  }

  #isExempt(address: string): boolean {
    return this.#limits.isLoopbackExempt && isLoopbackAddress(address);
  }

  #delay(wantedMs: number): Promise<void> {
    const ms = Math.min(this.#limits.signInDelayMsMax, wantedMs);
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}
