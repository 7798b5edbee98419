// SPDX-License-Identifier: Apache-2.0
import { messageBytes } from '../link/outgoing.ts';
import type { Publish } from '../packet.ts';
import { topicMatches } from '../topic.ts';

export interface Retained {
  readonly publish: Publish;
  /** Unix ms. */
  readonly expiresAt: number | undefined;
}

export interface RetainedLimits {
  readonly retainedMax: number;
  readonly retainedBytesMax: number;
}

/** The last retained message of each ordinary topic, in memory, bounded. */
export class RetainedStore {
  readonly #limits: RetainedLimits;
  readonly #byTopic = new Map<string, Retained>();
  #bytes = 0;

  constructor(limits: RetainedLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#byTopic.size;
  }

  /** False: no room for it; what was retained before stays. */
  keep(retained: Retained, nowMs: number): boolean {
    const { topic } = retained.publish;
    const before = this.#byTopic.get(topic);
    const bytes = messageBytes(retained.publish);
    const freed = before === undefined ? 0 : messageBytes(before.publish);
    if (!this.#fits(before === undefined ? 1 : 0, bytes - freed)) {
      this.#dropExpired(nowMs);
      if (!this.#fits(this.#byTopic.has(topic) ? 0 : 1, bytes - freed)) return false;
    }
    this.remove(topic);
    this.#byTopic.set(topic, retained);
    this.#bytes += bytes;
    return true;
  }

  remove(topic: string): void {
    const before = this.#byTopic.get(topic);
    if (before === undefined) return;
    this.#byTopic.delete(topic);
    this.#bytes -= messageBytes(before.publish);
  }

  /** Expired ones are not among them [MQTT-3.3.2-5]. */
  matching(filter: string, nowMs: number): Retained[] {
    if (!filter.includes('#') && !filter.includes('+')) {
      const exact = this.#byTopic.get(filter);
      return exact === undefined || isOver(exact, nowMs) ? [] : [exact];
    }
    return [...this.#byTopic.values()].filter(
      (retained) => !isOver(retained, nowMs) && topicMatches(filter, retained.publish.topic),
    );
  }

  #fits(more: number, moreBytes: number): boolean {
    const { retainedMax, retainedBytesMax } = this.#limits;
    return this.#byTopic.size + more <= retainedMax && this.#bytes + moreBytes <= retainedBytesMax;
  }

  #dropExpired(nowMs: number): void {
    for (const [topic, retained] of this.#byTopic) if (isOver(retained, nowMs)) this.remove(topic);
  }
}

function isOver({ expiresAt }: Retained, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt <= nowMs;
}
