// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement, Publish, Qos } from '../packet.ts';
import { ReasonCode } from '../reason-code.ts';
import type { Received } from './received.ts';

export interface IncomingLimits {
  /** Told to the peer as Receive Maximum, and enforced. */
  readonly receiveMaximum: number;
  /** Told to the peer as Topic Alias Maximum, and enforced. */
  readonly topicAliasMaximum: number;
  /** Of messages whose handler has not answered; above it the connection is not read. */
  readonly unansweredBytesMax: number;
  /** A handler that has not answered by then is answered for. */
  readonly undecidedMs: number;
}

export const incomingLimits: IncomingLimits = {
  receiveMaximum: 64,
  topicAliasMaximum: 32,
  unansweredBytesMax: 1024 * 1024,
  undecidedMs: 5_000,
};

/** Unanswered bytes of all connections together. Above the limit, each is read only when it has nothing unanswered. */
export interface Admission {
  unansweredBytes: number;
  readonly unansweredBytesMax: number;
}

export type PublishHandler = (publish: Publish) => Acknowledgement | Promise<Acknowledgement>;

export interface IncomingOptions {
  readonly limits: IncomingLimits;
  readonly handler: PublishHandler;
  readonly admission?: Admission | undefined;
  /** Of the session. */
  readonly received: Received;
  acknowledge(packetId: number, acknowledgement: Acknowledgement, qos: Qos): void;
  /** True: read nothing more; false: go on. */
  hold(held: boolean): void;
  report(error: unknown): void;
}

interface Slot {
  readonly packetId: number;
  readonly qos: Qos;
  readonly bytes: number;
  readonly deadlineMs: number;
  answer: Acknowledgement | undefined;
}

const undecided: Acknowledgement = {
  reasonCode: ReasonCode.quotaExceeded,
  userProperties: [
    ['error', 'undecided'],
    ['retry-after', '5'],
  ],
};
const failed: Acknowledgement = { reasonCode: ReasonCode.unspecifiedError };

/** Handlers run side by side; their answers leave in the order of the PUBLISH packets [MQTT-4.6.0-2], [MQTT-4.6.0-3]. */
export class Incoming {
  readonly #options: IncomingOptions;
  readonly #slots: Slot[] = [];
  #unansweredBytes = 0;
  #held = false;
  #ended = false;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /** QoS 1 and 2, without PUBACK or PUBREC yet. */
  get unanswered(): number {
    return this.#slots.length;
  }

  receive(publish: Publish, packetId: number, bytes: number, nowMs: number): void {
    const { qos } = publish;
    const result =
      qos === 2 ? this.#options.received.take(packetId, () => this.#handle(publish)) : this.#handle(publish);
    if (qos === 0) {
      if (result instanceof Promise) this.#watch(result, bytes);
      return;
    }
    if (!(result instanceof Promise)) {
      if (this.#slots.length === 0) this.#options.acknowledge(packetId, result, qos);
      else this.#slots.push({ packetId, qos, bytes: 0, deadlineMs: Infinity, answer: result });
      return;
    }
    const slot: Slot = {
      packetId,
      qos,
      bytes,
      deadlineMs: nowMs + this.#options.limits.undecidedMs,
      answer: undefined,
    };
    this.#slots.push(slot);
    this.#count(bytes);
    result.then(
      (acknowledgement) => this.#answer(slot, acknowledgement),
      (error: unknown) => {
        this.#options.report(error);
        this.#answer(slot, failed);
      },
    );
  }

  /** Answers for handlers that took too long; their own answer is ignored when it comes. */
  tick(nowMs: number): void {
    const late = this.#slots.filter(({ answer, deadlineMs }) => answer === undefined && deadlineMs <= nowMs);
    for (const slot of late) this.#answer(slot, undecided);
  }

  /** Nothing can be acknowledged any more; handlers that still run finish unheard. */
  end(): void {
    this.#ended = true;
    this.#slots.length = 0;
    if (this.#options.admission !== undefined)
      this.#options.admission.unansweredBytes -= this.#unansweredBytes;
    this.#unansweredBytes = 0;
  }

  #handle(publish: Publish): Acknowledgement | Promise<Acknowledgement> {
    try {
      return this.#options.handler(publish);
    } catch (error) {
      this.#options.report(error);
      return failed;
    }
  }

  #answer(slot: Slot, acknowledgement: Acknowledgement): void {
    if (this.#ended || slot.answer !== undefined) return;
    slot.answer = acknowledgement;
    this.#count(-slot.bytes);
    for (let first = this.#slots[0]; first?.answer !== undefined; first = this.#slots[0]) {
      this.#slots.shift();
      this.#options.acknowledge(first.packetId, first.answer, first.qos);
    }
  }

  #watch(result: Promise<Acknowledgement>, bytes: number): void {
    this.#count(bytes);
    result.then(
      () => this.#count(-bytes),
      (error: unknown) => {
        this.#options.report(error);
        this.#count(-bytes);
      },
    );
  }

  #count(bytes: number): void {
    if (this.#ended) return;
    const { limits, admission } = this.#options;
    this.#unansweredBytes += bytes;
    if (admission !== undefined) admission.unansweredBytes += bytes;
    const bytesMax = this.#held ? limits.unansweredBytesMax / 2 : limits.unansweredBytesMax;
    const crowded = admission !== undefined && admission.unansweredBytes > admission.unansweredBytesMax;
    const hold = this.#unansweredBytes > (crowded ? 0 : bytesMax);
    if (hold === this.#held) return;
    this.#held = hold;
    this.#options.hold(hold);
  }
}
