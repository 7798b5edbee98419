// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@sealpost/mqtt';

/**
 * The server's clock, as far as one CONNACK tells it: the server read it between our CONNECT and the arrival of its
 * answer, so the middle of that time is wrong by half of it at most.
 */
export class ServerClock {
  readonly #clock: Clock;
  #offsetMs = 0;
  #errorMs: number | undefined;
  #isKnown = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True once a server has answered, even one that did not say its time: ours has to do then. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** What to add to the local clock. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** How far `offsetMs` may be off; undefined when no server said its time. */
  get errorMs(): number | undefined {
    return this.#errorMs;
  }

  /** Unix milliseconds. */
  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  toLocal(serverMs: number): number {
    return serverMs - this.#offsetMs;
  }

  /** `time`: property of the CONNACK that came now, for the CONNECT that left at `sentAtMs` by the local clock. */
  learn(time: string | undefined, sentAtMs: number): void {
    this.#isKnown = true;
    if (time === undefined || !/^[0-9]{1,16}$/.test(time)) return;
    const halfMs = Math.max(0, this.#clock.now() - sentAtMs) / 2;
    this.#offsetMs = Math.round(Number(time) - sentAtMs - halfMs);
    this.#errorMs = Math.ceil(halfMs);
  }
}
