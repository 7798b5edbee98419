// SPDX-License-Identifier: Apache-2.0
import type { Publish } from '../packet.ts';
import { parseShared } from '../topic.ts';
import { ShareGroup, type ShareGroupOptions } from './share-group.ts';
import type { Subscriber } from './subscriber.ts';
import { SubscriptionTree, type Subscription } from './subscription-tree.ts';

/** What one turn may cost when very much waits; the rest follows with the ticks. */
const holdersAtOnce = 4;
export const askedAtOnce = 4096;

/**
 * Shared subscriptions, MQTT 5.0 §4.8.2: of each group, one member gets a message. A group is all sessions of one account
 * that subscribed with the same share name and filter. §4.8.2 has groups of the whole server; but then an account that
 * guesses a share name would take away a part of what another account's sessions are there to receive. A server whose
 * sessions are all of one account has them as the specification does.
 */
export class SharedSubscriptions<P> {
  readonly #options: ShareGroupOptions<P>;
  readonly #groups = new Map<string, ShareGroup<P>>();
  readonly #groupsOf = new Map<Subscriber<P>, Set<ShareGroup<P>>>();
  readonly #tree = new SubscriptionTree<ShareGroup<P>, null>();
  /** Without a connection: what they hold may be for others. */
  readonly #holders = new Set<Subscriber<P>>();
  #size = 0;

  constructor(options: ShareGroupOptions<P>) {
    this.#options = options;
  }

  /** Pairs of group and member. */
  get size(): number {
    return this.#size;
  }

  /** `subscription.filter` begins with `$share/`. */
  join(subscriber: Subscriber<P>, subscription: Subscription): void {
    const group = this.#groupFor(subscriber, subscription.filter);
    if (group === undefined) return;
    const groups = this.#groupsOf.get(subscriber) ?? new Set();
    this.#groupsOf.set(subscriber, groups.add(group));
    const { size } = group;
    group.join(subscriber, subscription);
    this.#size += group.size - size;
  }

  /** A group without members is deleted (§3.10.4). */
  leave(subscriber: Subscriber<P>, sharedFilter: string): void {
    const key = keyOf(subscriber, sharedFilter);
    const group = this.#groups.get(key);
    const groups = this.#groupsOf.get(subscriber);
    if (group === undefined || groups?.delete(group) !== true) return;
    if (groups.size === 0) this.#groupsOf.delete(subscriber);
    group.leave(subscriber);
    this.#size--;
    if (group.size > 0) return;
    this.#groups.delete(key);
    this.#tree.remove(group, group.filter);
  }

  /** What waits in its groups with those who have no connection, it can be sent. */
  connected(subscriber: Subscriber<P>): void {
    const groups = this.#groupsOf.get(subscriber);
    if (groups === undefined || !subscriber.connected) return;
    for (const group of groups) group.connected(subscriber);
    for (const group of groups) this.#hold(group.holders());
    this.tick();
  }

  /** The same for what a new member finds there. */
  joined(subscriber: Subscriber<P>, sharedFilter: string): void {
    const group = this.#groups.get(keyOf(subscriber, sharedFilter));
    if (group === undefined) return;
    this.#hold(group.holders());
    this.tick();
  }

  /** §4.8.2: what was not written need not wait for its next connection. What was written does, until its session ends. */
  disconnected(subscriber: Subscriber<P>): void {
    const groups = this.#groupsOf.get(subscriber);
    if (groups === undefined) return;
    for (const group of groups) group.disconnected(subscriber);
    this.#hold([subscriber]);
    this.tick();
  }

  /** A part of what waits without a connection goes to those who have one and room. */
  tick(): void {
    let left = holdersAtOnce;
    for (const holder of this.#holders) {
      if (left-- === 0) return;
      if (holder.connected || holder.handBack(askedAtOnce) === 0) this.#holders.delete(holder);
    }
  }

  /** Whether a group had somebody who may have it. */
  publish(publish: Publish, expiresAt: number | undefined): boolean {
    if (this.#size === 0) return false;
    let isFound = false;
    this.#tree.match(publish.topic, (group) => {
      if (group.publish(publish, expiresAt)) isFound = true;
    });
    return isFound;
  }

  /** All sessions are about to end: none inherits from another. */
  close(): void {
    for (const [subscriber, groups] of this.#groupsOf) for (const group of groups) group.leave(subscriber);
    this.#groupsOf.clear();
    this.#groups.clear();
    this.#holders.clear();
    this.#size = 0;
  }

  #hold(holders: Iterable<Subscriber<P>>): void {
    for (const holder of holders) this.#holders.add(holder);
  }

  #groupFor(subscriber: Subscriber<P>, sharedFilter: string): ShareGroup<P> | undefined {
    const key = keyOf(subscriber, sharedFilter);
    const present = this.#groups.get(key);
    const filter = parseShared(sharedFilter)?.filter;
    if (present !== undefined || filter === undefined) return present;
    const group = new ShareGroup<P>(this.#options, filter);
    this.#groups.set(key, group);
    this.#tree.add(group, filter, null);
    return group;
  }
}

/** A filter has no U+0000 [MQTT-1.5.4-2]. */
function keyOf({ account }: { readonly account: string }, sharedFilter: string): string {
  return `${sharedFilter}\0${account}`;
}
