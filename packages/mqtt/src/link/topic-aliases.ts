// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../codec.ts';
import type { PublishPacket } from '../packet.ts';
import { ReasonCode } from '../reason-code.ts';

/** The names that the peer gave to topics, for as long as the connection lasts [MQTT-3.3.2-7]. */
export class ReceivedAliases {
  readonly #aliasMax: number;
  #topics: Map<number, string> | undefined;

  /** What was told as Topic Alias Maximum; 0: none are taken. */
  constructor(aliasMax: number) {
    this.#aliasMax = aliasMax;
  }

  /** Puts the topic in its place, or takes note of it. */
  resolve(packet: PublishPacket, alias: number): void {
    // [MQTT-3.3.2-8], [MQTT-3.3.2-9], [MQTT-3.2.2-17]
    if (alias === 0 || alias > this.#aliasMax)
      throw new ProtocolError(ReasonCode.topicAliasInvalid, `topic alias ${alias} of ${this.#aliasMax}`);
    if (packet.topic.length > 0) {
      (this.#topics ??= new Map()).set(alias, packet.topic);
      return;
    }
    const topic = this.#topics?.get(alias);
    // §3.3.4: without a mapping, an empty topic is a protocol error.
    if (topic === undefined)
      throw new ProtocolError(ReasonCode.protocolError, `topic alias ${alias} is not set`);
    packet.topic = topic;
  }
}

interface Named {
  readonly topic: string;
  readonly alias: number;
  isUsed: boolean;
}

/** A topic that is shorter costs as much as its alias. */
const topicLengthMin = 4;
/** What a peer would let us use beyond is not worth its memory here. */
const ownAliasMax = 64;

/**
 * The names that we give to topics. While there are free ones, each topic gets one; after that, the topic that comes
 * next in turn and was not used since its last turn loses its name to the new one.
 */
export class SentAliases {
  readonly #aliasMax: number;
  readonly #byTopic = new Map<string, Named>();
  /** By alias, less one. */
  readonly #named: Named[] = [];
  #turn = 0;

  /** What the peer said as Topic Alias Maximum. */
  constructor(aliasMax: number) {
    this.#aliasMax = Math.min(aliasMax, ownAliasMax); // [MQTT-3.1.2-26], [MQTT-3.1.2-27]
  }

  /** The alias that the peer knows for this topic; 0: none. */
  known(topic: string): number {
    const named = this.#byTopic.get(topic);
    if (named === undefined) return 0;
    named.isUsed = true;
    return named.alias;
  }

  /** The alias to give to a topic that has none; 0: it is not worth one. Nothing changes until `gave`. */
  next(topic: string): number {
    if (topic.length < topicLengthMin || this.#aliasMax === 0) return 0;
    if (this.#named.length < this.#aliasMax) return this.#named.length + 1;
    let named = this.#named[this.#turn];
    while (named?.isUsed === true) {
      named.isUsed = false;
      this.#turn = (this.#turn + 1) % this.#aliasMax;
      named = this.#named[this.#turn];
    }
    return this.#turn + 1;
  }

  /** The packet that names it was written. */
  gave(topic: string, alias: number): void {
    const before = this.#named[alias - 1];
    if (before !== undefined) {
      this.#byTopic.delete(before.topic);
      this.#turn = (this.#turn + 1) % this.#aliasMax;
    }
    const named = { topic, alias, isUsed: false };
    this.#named[alias - 1] = named;
    this.#byTopic.set(topic, named);
  }
}
