// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement, Qos } from '@sealpost/mqtt';
import { notTaken, taken } from './acknowledgement.ts';
import type { Received } from './message.ts';

/**
 * A server ends the connection of a client that leaves an urgent message unanswered for 5 s, whoever is slow. So every
 * message is answered in this time.
 */
const answerMs = 3_000;

export type ArrivalEnd = 'taken' | 'left' | 'given-back';

/**
 * One PUBLISH from the mailbox until it is answered, exactly once. In time it is taken or left by its reader;
 * otherwise, when it has been shown to the reader it counts as taken, and when it still waits it is given back.
 */
export class Arrival {
  readonly received: Promise<Received>;
  readonly answered: Promise<Acknowledgement>;
  readonly #answer: (answer: Acknowledgement) => void;
  readonly #onEnd: (end: ArrivalEnd) => void;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #end: ArrivalEnd | undefined;
  #isShown = false;

  /** What came with QoS 0 is not answered, so nobody waits for it. */
  constructor(received: Promise<Received>, qos: Qos, onEnd: (end: ArrivalEnd) => void) {
    const answered = Promise.withResolvers<Acknowledgement>();
    this.received = received;
    this.answered = answered.promise;
    this.#answer = answered.resolve;
    this.#onEnd = onEnd;
    if (qos > 0) this.#timer = setTimeout(() => (this.#isShown ? this.take() : this.giveBack()), answerMs);
  }

  /** False when it is too late: it was answered already and is not for the reader any more. */
  show(): boolean {
    this.#isShown = true;
    return this.#end === undefined;
  }

  take(): void {
    this.#finish('taken', taken);
  }

  leave(): void {
    this.#finish('left', notTaken('undecided'));
  }

  drop(): void {
    this.#finish('left', notTaken('expired'));
  }

  giveBack(): void {
    this.#finish('given-back', notTaken('client-too-slow'));
  }

  #finish(end: ArrivalEnd, answer: Acknowledgement): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    clearTimeout(this.#timer);
    this.#answer(answer);
    this.#onEnd(end);
  }
}
