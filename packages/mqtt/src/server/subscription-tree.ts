// SPDX-License-Identifier: Apache-2.0
import type { Qos } from '../packet.ts';

export interface Subscription {
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly subscriptionId: number | undefined;
}

type Holders<S, V> = Map<S, V>;
type Visit<S, V> = (holder: S, value: V) => void;

/** A filter that nobody else shares from here on: the rest of its levels, without a node for each. */
class Leaf<S, V> {
  readonly rest: readonly string[];
  readonly holders: Holders<S, V>;

  constructor(rest: readonly string[], holders: Holders<S, V>) {
    this.rest = rest;
    this.holders = holders;
  }
}

type Child<S, V> = Node<S, V> | Leaf<S, V>;

/** Most nodes have one kind of child or none: what is not there costs nothing. */
class Node<S, V> {
  literal: Map<string, Child<S, V>> | undefined;
  /** Below `+`. */
  any: Child<S, V> | undefined;
  /** Of the filter that ends with `#` here. */
  below: Holders<S, V> | undefined;
  /** Of the filter that ends here. */
  here: Holders<S, V> | undefined;

  get isEmpty(): boolean {
    return (
      this.literal === undefined &&
      this.any === undefined &&
      this.below === undefined &&
      this.here === undefined
    );
  }

  child(level: string): Child<S, V> | undefined {
    return level === '+' ? this.any : this.literal?.get(level);
  }

  setChild(level: string, child: Child<S, V>): void {
    if (level === '+') this.any = child;
    else (this.literal ??= new Map()).set(level, child);
  }

  deleteChild(level: string): void {
    if (level === '+') this.any = undefined;
    else if (this.literal?.delete(level) === true && this.literal.size === 0) this.literal = undefined;
  }
}

/**
 * Filters by level. A match follows two ways at each level, the level itself and `+`, and only those that some filter
 * takes: its time grows with the depth of the topic and with what matches so far, not with the total. Depth is bounded
 * where filters and topics come in.
 */
export class SubscriptionTree<S, V = Subscription> {
  readonly #root = new Node<S, V>();
  #size = 0;
  #nodes = 0;

  /** Pairs of filter and holder. */
  get size(): number {
    return this.#size;
  }

  /** And leaves: none but those on the way to a filter that is held. */
  get nodes(): number {
    return this.#nodes;
  }

  /** Replaces what the holder has with the same filter [MQTT-3.8.4-3]. */
  add(holder: S, filter: string, value: V): void {
    const holders = this.#holdersOf(filter.split('/'));
    if (!holders.has(holder)) this.#size++;
    holders.set(holder, value);
  }

  remove(holder: S, filter: string): void {
    const levels = filter.split('/');
    const path = [this.#root];
    for (const [depth, level] of levels.entries()) {
      const node = path[depth];
      const child = level === '#' ? undefined : node?.child(level);
      if (child instanceof Node) {
        path.push(child);
        continue;
      }
      if (child !== undefined && isSame(child.rest, levels, depth + 1)) this.#drop(child.holders, holder);
      else if (level === '#') this.#drop(node?.below, holder);
      this.#prune(path, levels);
      return;
    }
    this.#drop(path.at(-1)?.here, holder);
    this.#prune(path, levels);
  }

  /** A holder is visited once per filter that matches. */
  match(topic: string, visit: Visit<S, V>): void {
    const levels = topic.split('/');
    const root = this.#root;
    const first = root.literal?.get(levels[0] ?? '');
    if (first !== undefined) descend(first, levels, 1, visit);
    // [MQTT-4.7.2-1]
    if (topic.startsWith('$')) return;
    if (root.below !== undefined) visitAll(root.below, visit);
    if (root.any !== undefined) descend(root.any, levels, 1, visit);
  }

  #holdersOf(levels: readonly string[]): Holders<S, V> {
    let node = this.#root;
    for (const [depth, level] of levels.entries()) {
      if (level === '#') return (node.below ??= new Map());
      const child = node.child(level);
      if (child instanceof Node) {
        node = child;
        continue;
      }
      if (child === undefined) {
        const leaf = new Leaf<S, V>(levels.slice(depth + 1), new Map());
        node.setChild(level, leaf);
        this.#nodes++;
        return leaf.holders;
      }
      if (isSame(child.rest, levels, depth + 1)) return child.holders;
      const inner = this.#unfold(child);
      node.setChild(level, inner);
      node = inner;
    }
    return (node.here ??= new Map());
  }

  /** One level of it becomes a node, for a filter that parts from it further on. */
  #unfold({ rest, holders }: Leaf<S, V>): Node<S, V> {
    const node = new Node<S, V>();
    const [level] = rest;
    if (level === undefined) node.here = holders;
    else if (level === '#') node.below = holders;
    else {
      node.setChild(level, new Leaf(rest.slice(1), holders));
      this.#nodes++;
    }
    return node;
  }

  #drop(holders: Holders<S, V> | undefined, holder: S): void {
    if (holders?.delete(holder) === true) this.#size--;
  }

  /** From the end of the path on, what leads nowhere any more. */
  #prune(path: readonly Node<S, V>[], levels: readonly string[]): void {
    for (const [depth, node] of [...path.entries()].toReversed()) {
      if (node.below?.size === 0) node.below = undefined;
      if (node.here?.size === 0) node.here = undefined;
      const level = levels[depth];
      const child = level === undefined || level === '#' ? undefined : node.child(level);
      if (child === undefined || level === undefined) continue;
      if (!(child instanceof Node ? child.isEmpty : child.holders.size === 0)) continue;
      node.deleteChild(level);
      this.#nodes--;
    }
  }
}

function descend<S, V>(
  child: Child<S, V>,
  levels: readonly string[],
  depth: number,
  visit: Visit<S, V>,
): void {
  if (child instanceof Leaf) {
    if (leadsTo(child.rest, levels, depth)) visitAll(child.holders, visit);
    return;
  }
  // `a/#` matches `a` too.
  if (child.below !== undefined) visitAll(child.below, visit);
  const level = levels[depth];
  if (level === undefined) {
    if (child.here !== undefined) visitAll(child.here, visit);
    return;
  }
  const literal = child.literal?.get(level);
  if (literal !== undefined) descend(literal, levels, depth + 1, visit);
  if (child.any !== undefined) descend(child.any, levels, depth + 1, visit);
}

function visitAll<S, V>(holders: Holders<S, V>, visit: Visit<S, V>): void {
  for (const [holder, value] of holders) visit(holder, value);
}

/** Whether the rest of a filter matches the levels of a topic from this depth on. */
function leadsTo(rest: readonly string[], levels: readonly string[], depth: number): boolean {
  let at = depth;
  for (const level of rest) {
    if (level === '#') return true;
    if (at >= levels.length || (level !== '+' && level !== levels[at])) return false;
    at++;
  }
  return at === levels.length;
}

function isSame(rest: readonly string[], levels: readonly string[], depth: number): boolean {
  return rest.length === levels.length - depth && rest.every((level, n) => level === levels[depth + n]);
}
