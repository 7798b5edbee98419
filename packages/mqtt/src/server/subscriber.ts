// SPDX-License-Identifier: Apache-2.0
import type { Outgoing } from '../link/outgoing.ts';
import type { Session } from './application.ts';
import type { Subscription } from './subscription-tree.ts';

/** A session as routing sees it. */
export interface Subscriber<P> extends Session<P> {
  /** By filter, reserved ones included. */
  readonly subscriptions: Map<string, Subscription>;
  /** An ordinary message: waits for the next connection if it may, dropped when too much waits already. */
  deliver(message: Outgoing): void;
}
