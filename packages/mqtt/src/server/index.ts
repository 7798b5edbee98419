// SPDX-License-Identifier: Apache-2.0
export type {
  Application,
  Authenticated,
  AuthenticationExchange,
  Challenge,
  ConnectRequest,
  DeliveryObserver,
  Denied,
  EnhancedAuthentication,
  ReceivePolicy,
  Session,
  SubscribeAnswer,
  SubscribeOptions,
} from './application.ts';
export { serverLimits } from './limits.ts';
export type { ServerLimits } from './limits.ts';
export { OpenApplication } from './open-application.ts';
export { RetainedStore } from './retained.ts';
export type { Retained, RetainedLimits } from './retained.ts';
export { SubscriptionTree } from './subscription-tree.ts';
export type { Subscription } from './subscription-tree.ts';
export { createMqttServer } from './server.ts';
export type { MqttServer, MqttServerOptions, ServerStats } from './server.ts';
export type { Outcome, Outgoing } from '../link/outgoing.ts';
export type { Transport, TransportInfo } from '../link/transport.ts';
