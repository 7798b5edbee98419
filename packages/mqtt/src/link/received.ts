// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement } from '../packet.ts';
import { failureFrom, ReasonCode } from '../reason-code.ts';
import { PacketIdSet } from './packet-ids.ts';

const success: Acknowledgement = { reasonCode: ReasonCode.success };

/**
 * The identifiers of what came with QoS 2 and is not released: MQTT 5.0 §4.3.3, method "store the identifier, hand the
 * message on once". Part of the session: a connection takes it over from the one before.
 */
export class Received {
  readonly #kept = new PacketIdSet();
  /** Whose handler has not answered; it may have been called on an earlier connection. */
  readonly #pending = new Map<number, Promise<Acknowledgement>>();

  /** Calls `hand` unless the message is a repetition, which gets the answer of the first one [MQTT-4.3.3-10]. */
  take(
    packetId: number,
    hand: () => Acknowledgement | Promise<Acknowledgement>,
  ): Acknowledgement | Promise<Acknowledgement> {
    if (this.#kept.has(packetId)) return success;
    const pending = this.#pending.get(packetId);
    if (pending !== undefined) return pending;
    const answer = hand();
    if (answer instanceof Promise) this.#await(packetId, answer);
    else if (answer.reasonCode < failureFrom) this.#kept.add(packetId);
    return answer;
  }

  /** It was answered for good: what comes under this identifier until its release is a repetition. */
  keep(packetId: number): void {
    this.#pending.delete(packetId);
    this.#kept.add(packetId);
  }

  /** It was refused: what comes next under this identifier is a new message [MQTT-4.3.3-9]. */
  forget(packetId: number): void {
    this.#pending.delete(packetId);
    this.#kept.delete(packetId);
  }

  /** False: nothing is kept under this identifier. */
  release(packetId: number): boolean {
    return this.#kept.delete(packetId); // [MQTT-4.3.3-12]
  }

  #await(packetId: number, answer: Promise<Acknowledgement>): void {
    const settle = (reasonCode: number): void => {
      if (this.#pending.get(packetId) !== answer) return;
      this.#pending.delete(packetId);
      if (reasonCode < failureFrom) this.#kept.add(packetId);
    };
    this.#pending.set(packetId, answer);
    answer.then(
      ({ reasonCode }) => settle(reasonCode),
      () => settle(ReasonCode.unspecifiedError),
    );
  }
}
