// SPDX-License-Identifier: Apache-2.0
import { accept, precedenceNames, Precedence, refuse, type Result } from '@sealpost/protocol';
import { Bucket } from './bucket.ts';
import type { MessageRates } from './limits.ts';
import { Table } from './table.ts';

interface Clock {
  now(): number;
}

/** Most urgent first. */
const lanesDownward: readonly Precedence[] = precedenceNames
  .map((name) => Precedence[name])
  .toSorted((left, right) => right - left);

class Allowance {
  readonly total: Bucket;
  readonly #lanes: ReadonlyMap<Precedence, Bucket>;

  constructor({ total, lanes }: MessageRates, nowMs: number) {
    this.total = new Bucket(total, nowMs);
    this.#lanes = new Map([...lanes].map(([lane, rate]) => [lane, new Bucket(rate, nowMs)]));
  }

  /** The highest lane, up to the wanted one, that has a token left; below the limited ones there always is. */
  lane(wanted: Precedence, nowMs: number): Precedence {
    for (const lane of lanesDownward)
      if (lane <= wanted && this.#lanes.get(lane)?.take(nowMs) !== false) return lane;
    return Math.min(wanted, Precedence.routine) as Precedence;
  }

  giveBack(lane: Precedence): void {
    this.#lanes.get(lane)?.giveBack();
  }
}

/** How often somebody may send, or be written to: by account, by peer, by mailbox. */
export class MessageRateLimit {
  readonly #clock: Clock;
  readonly #allowances: Table<Allowance>;

  constructor(rates: MessageRates, trackedMax: number, clock: Clock) {
    this.#clock = clock;
    this.#allowances = new Table(trackedMax, () => new Allowance(rates, clock.now()));
  }

  get tracked(): number {
    return this.#allowances.size;
  }

  /** Takes one of the messages that are allowed in all. */
  take(key: string): Result<void> {
    const nowMs = this.#clock.now();
    const { total } = this.#allowances.of(key);
    if (total.take(nowMs)) return accept();
    return refuse('rate-limited', key, Math.max(1, total.waitSeconds(nowMs)));
  }

  /** The lane this message may take: the wanted one, or a lower one if too many wanted that [DELIV-4]. */
  lane(key: string, wanted: Precedence): Precedence {
    return this.#allowances.of(key).lane(wanted, this.#clock.now());
  }

  /** The message did not travel in it after all. */
  giveBack(key: string, lane: Precedence): void {
    this.#allowances.of(key).giveBack(lane);
  }
}
