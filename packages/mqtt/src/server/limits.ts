// SPDX-License-Identifier: Apache-2.0
import { incomingLimits, type IncomingLimits } from '../link/incoming.ts';
import { outboxLimits, type OutboxLimits } from '../link/outbox.ts';

/** Every queue, string and list of a server has a bound; each is answered with its reason code, never in silence. */
export interface ServerLimits extends IncomingLimits, OutboxLimits {
  /** Above it: CONNACK 0x89. */
  readonly connections: number;
  /** Connections that have not sent a valid CONNECT yet. Above it: closed unheard. */
  readonly handshakes: number;
  /** With and without a connection. Above it: CONNACK 0x97. */
  readonly sessions: number;
  /** Of these; above it the account's own oldest one without a connection ends, or else CONNACK 0x97. */
  readonly sessionsPerAccount: number;
  /** From accepting the transport to CONNACK. */
  readonly handshakeMs: number;
  readonly connectBytesMax: number;
  /** Of one enhanced authentication; CONNACK or DISCONNECT 0x87. */
  readonly authenticationStepsMax: number;
  /** Maximum Packet Size of the server; DISCONNECT 0x95. */
  readonly packetBytesMax: number;
  readonly clientIdLengthMax: number;
  /** Longer ones are cut to it, and the client is told. */
  readonly sessionExpirySecondsMax: number;
  readonly keepAliveSecondsMax: number;
  /** SUBACK 0x97. */
  readonly subscriptionsPerSession: number;
  /** Of topics (PUBACK 0x90) and filters (SUBACK 0x8F). */
  readonly topicLevelsMax: number;
  readonly topicBytesMax: number;
  /** Of ordinary messages waiting for one session; more are dropped and counted. */
  readonly queuedBytesPerSession: number;
  /** Filters as they are kept, of all sessions together. Above it: SUBACK 0x97. */
  readonly subscriptionBytesMax: number;
  readonly subscriptionBytesPerAccount: number;
  /** PUBACK 0x97; with QoS 0, not retained. */
  readonly retainedMax: number;
  readonly retainedBytesMax: number;
  /** Of those that the account published last. */
  readonly retainedPerAccount: number;
  readonly retainedBytesPerAccount: number;
  /** Kept for connections and, while they are delayed, without one. Above it: CONNACK 0x97. */
  readonly willBytesMax: number;
  readonly willBytesPerAccount: number;
  /** Of all connections together, unanswered. */
  readonly admissionBytesMax: number;
  /** Toward all sessions together, waiting or in flight; above it each has one message at a time. */
  readonly outboxBytesMax: number;
}

export const serverLimits: ServerLimits = {
  ...incomingLimits,
  ...outboxLimits,
  connections: 20_000,
  handshakes: 1_000,
  sessions: 100_000,
  sessionsPerAccount: 1_000,
  handshakeMs: 10_000,
  connectBytesMax: 96 * 1024,
  authenticationStepsMax: 16,
  packetBytesMax: 256 * 1024,
  clientIdLengthMax: 256,
  sessionExpirySecondsMax: 7 * 24 * 3600,
  keepAliveSecondsMax: 3600,
  subscriptionsPerSession: 256,
  topicLevelsMax: 32,
  topicBytesMax: 1024,
  queuedBytesPerSession: 1024 * 1024,
  subscriptionBytesMax: 256 * 1024 * 1024,
  subscriptionBytesPerAccount: 4 * 1024 * 1024,
  retainedMax: 10_000,
  retainedBytesMax: 64 * 1024 * 1024,
  retainedPerAccount: 1_000,
  retainedBytesPerAccount: 8 * 1024 * 1024,
  willBytesMax: 64 * 1024 * 1024,
  willBytesPerAccount: 4 * 1024 * 1024,
  admissionBytesMax: 64 * 1024 * 1024,
  outboxBytesMax: 128 * 1024 * 1024,
};
