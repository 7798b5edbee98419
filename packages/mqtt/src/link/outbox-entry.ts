// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement } from '../packet.ts';
import { messageBytes, type Outgoing } from './outgoing.ts';
import type { Ranked } from './priority-queue.ts';

/** An Outgoing in an Outbox, from `send` until it is settled. */
export class OutboxEntry implements Ranked {
  readonly outgoing: Outgoing;
  readonly rank: number;
  readonly sequence: number;
  /** Counted in the share until it is settled. */
  readonly sharedBytes: number;
  /** Estimated while waiting, exact once written. */
  bytes: number;
  packetId = 0;
  writtenAtMs = 0;
  /** QoS 2: of the PUBREC. */
  answer: Acknowledgement | undefined;

  constructor(outgoing: Outgoing, sequence: number) {
    this.outgoing = outgoing;
    this.rank = outgoing.rank;
    this.sequence = sequence;
    this.bytes = messageBytes(outgoing.publish);
    this.sharedBytes = this.bytes;
  }
}
