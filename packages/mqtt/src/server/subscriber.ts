// SPDX-License-Identifier: Apache-2.0
import type { Outgoing } from '../link/outgoing.ts';
import type { Session } from './application.ts';
import type { Subscription } from './subscription-tree.ts';

/** A session as routing sees it. */
export interface Subscriber<P> extends Session<P> {
  /** By filter, reserved and shared ones included. */
  readonly subscriptions: Map<string, Subscription>;
  /** Messages that wait or are in flight. */
  readonly load: number;
  /** For an ordinary message of about so many bytes. */
  hasRoom(bytes: number): boolean;
  /** An ordinary message: waits for the next connection if it may. False: dropped, for too much waits already. */
  deliver(message: Outgoing): boolean;
  /** Without a connection: settles as lost what others can take now. Of so many it is asked; returns how many go. */
  handBack(askedMax: number): number;
}
