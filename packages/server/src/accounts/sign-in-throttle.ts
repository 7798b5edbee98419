// SPDX-License-Identifier: Apache-2.0
import type { DomainLimits } from '../limits/domain-limits.ts';
import { networkOf } from '../limits/network.ts';
import { Rates } from '../limits/rates.ts';
import type { Clock } from '../schedule/clock.ts';

type Limits = Pick<DomainLimits, 'failedSignInsOfAddress' | 'failedSignInsOfAccount'>;

/** Longer than any address; what is longer still is nobody's. */
const usernameLengthMax = 320;

/** Where a sign-in comes from: what it is for does not matter here, whether such an account exists or not. */
export interface Origin {
  /** `address:port`. */
  readonly remote: string;
  readonly loopback: boolean;
}

/** An attempt that counts as failed until it has succeeded, so that many at the same time are no way around it. */
export interface Attempt {
  succeeded(): void;
}

/**
 * How often passwords may be guessed: from one network, and from one network for one account. Nobody can lock out an
 * account's owner from elsewhere, and the answer is the same whether the account exists or not. All programs on this
 * machine have one address; they are told apart by their accounts alone.
 */
export class SignInThrottle {
  readonly #clock: Clock;
  readonly #ofAddress: Rates;
  readonly #ofAccount: Rates;

  constructor({ failedSignInsOfAddress, failedSignInsOfAccount }: Limits, clock: Clock) {
    this.#clock = clock;
    this.#ofAddress = new Rates(failedSignInsOfAddress);
    this.#ofAccount = new Rates(failedSignInsOfAccount);
  }

  /** The attempt, or the seconds after which another may be made. */
  begin({ remote, loopback }: Origin, username: string): Attempt | number {
    const nowMs = this.#clock.now();
    const network = networkOf(remote.slice(0, Math.max(0, remote.lastIndexOf(':'))));
    const account = `${network} ${username.slice(0, usernameLengthMax)}`;
    const waitMs = Math.max(
      loopback ? 0 : this.#ofAddress.waitMs(network, nowMs),
      this.#ofAccount.waitMs(account, nowMs),
    );
    if (waitMs > 0) return waitMs / 1000;
    if (!loopback) this.#ofAddress.take(network, nowMs);
    this.#ofAccount.take(account, nowMs);
    return {
      succeeded: () => {
        if (!loopback) this.#ofAddress.giveBack(network);
        this.#ofAccount.giveBack(account);
      },
    };
  }
}
