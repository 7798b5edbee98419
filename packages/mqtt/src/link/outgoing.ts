// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement, Publish } from '../packet.ts';

/** What became of an Outgoing. */
export type Outcome =
  | { readonly kind: 'acknowledged'; readonly acknowledgement: Acknowledgement }
  /** QoS 0: written to the transport. */
  | { readonly kind: 'sent' }
  /** Not written: `expiresAt` passed first. */
  | { readonly kind: 'expired' }
  /** Not written: larger than the peer's Maximum Packet Size, above its Maximum QoS, or not expressible in MQTT. */
  | { readonly kind: 'too-large' }
  /** The link, and the session if there is one, ended before an answer. */
  | { readonly kind: 'lost'; readonly written: boolean };

/**
 * A message waiting for its turn in front of the window of unacknowledged bytes. One object per message, used as its
 * own record. `settled` is called exactly once, never from inside `send` unless the outcome is already known there.
 */
export interface Outgoing {
  readonly publish: Publish;
  /** Higher goes first. From the link's `urgentRank` on: not delayed by the credit, and may use the reserved slot. */
  readonly rank: number;
  /** Unix ms. Checked when the bytes are written, and the remaining seconds are what the peer is told. */
  readonly expiresAt?: number;
  /** With QoS 1 and 2: waits in the session while it has no connection, instead of being settled as lost. */
  readonly keepWhileOffline?: boolean;
  /**
   * Asked of one that was not written and waits in a session without a connection: whether somebody else can take it
   * now. Then it is settled as lost.
   */
  movesOn?(): boolean;
  /** The bytes go to the transport now. Not called again for a repetition. */
  written?(): void;
  settled(outcome: Outcome): void;
}

/** Approximate size on the wire, for budgets. */
export function messageBytes(publish: Publish): number {
  const { topic, payload, contentType, responseTopic, correlationData, userProperties } = publish;
  let bytes = 32 + topic.length + payload.length;
  if (contentType !== undefined) bytes += contentType.length;
  if (responseTopic !== undefined) bytes += responseTopic.length;
  if (correlationData !== undefined) bytes += correlationData.length;
  for (const [name, value] of userProperties) bytes += 5 + name.length + value.length;
  return bytes;
}
