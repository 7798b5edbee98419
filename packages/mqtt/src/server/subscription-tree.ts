// SPDX-License-Identifier: Apache-2.0
import type { Qos } from '../packet.ts';

export interface Subscription {
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly subscriptionId: number | undefined;
}

interface Node<S> {
  readonly children: Map<string, Node<S>>;
  readonly subscribers: Map<S, Subscription>;
}

type Visit<S> = (subscriber: S, subscription: Subscription) => void;

/** Filters by level: the time of a match grows with the depth of the topic and the matches, not with the total. */
export class SubscriptionTree<S> {
  readonly #root: Node<S> = emptyNode();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Replaces the subscriber's subscription with the same filter [MQTT-3.8.4-3]. */
  add(subscriber: S, subscription: Subscription): void {
    let node = this.#root;
    for (const level of subscription.filter.split('/')) {
      let child = node.children.get(level);
      if (child === undefined) node.children.set(level, (child = emptyNode()));
      node = child;
    }
    if (!node.subscribers.has(subscriber)) this.#size++;
    node.subscribers.set(subscriber, subscription);
  }

  remove(subscriber: S, filter: string): void {
    const path: { parent: Node<S>; level: string; node: Node<S> }[] = [];
    let node = this.#root;
    for (const level of filter.split('/')) {
      const child = node.children.get(level);
      if (child === undefined) return;
      path.push({ parent: node, level, node: child });
      node = child;
    }
    if (node.subscribers.delete(subscriber)) this.#size--;
    for (const { parent, level, node } of path.toReversed())
      if (node.subscribers.size === 0 && node.children.size === 0) parent.children.delete(level);
  }

  /** A subscriber is visited once per matching subscription. */
  match(topic: string, visit: Visit<S>): void {
    const levels = topic.split('/');
    const first = this.#root.children.get(levels[0] ?? '');
    if (first !== undefined) descend(first, levels, 1, visit);
    // [MQTT-4.7.2-1]
    if (topic.startsWith('$')) return;
    visitAll(this.#root.children.get('#'), visit);
    const any = this.#root.children.get('+');
    if (any !== undefined) descend(any, levels, 1, visit);
  }
}

function emptyNode<S>(): Node<S> {
  return { children: new Map(), subscribers: new Map() };
}

function descend<S>(node: Node<S>, levels: readonly string[], depth: number, visit: Visit<S>): void {
  // `a/#` matches `a` too.
  visitAll(node.children.get('#'), visit);
  const level = levels[depth];
  if (level === undefined) {
    visitAll(node, visit);
    return;
  }
  const exact = node.children.get(level);
  if (exact !== undefined) descend(exact, levels, depth + 1, visit);
  const any = node.children.get('+');
  if (any !== undefined) descend(any, levels, depth + 1, visit);
}

function visitAll<S>(node: Node<S> | undefined, visit: Visit<S>): void {
  if (node === undefined) return;
  for (const [subscriber, subscription] of node.subscribers) visit(subscriber, subscription);
}
