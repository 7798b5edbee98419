// SPDX-License-Identifier: Apache-2.0
export type { Acknowledgement, Publish, SubscriptionRequest, UserProperties, Will } from '../packet.ts';
export { connectLink, ConnectRefused, NotAcknowledged } from './client.ts';
export type { Connack, Link, LinkOptions, PublishOptions } from './client.ts';
export type { CloseInfo } from './connection.ts';
export type { PublishHandler } from './incoming.ts';
export type { OutboxLimits } from './outbox.ts';
export type { Outcome, Outgoing } from './outgoing.ts';
export type { Transport, TransportInfo } from './transport.ts';
