// SPDX-License-Identifier: Apache-2.0
import { messageBytes } from '../link/outgoing.ts';
import type { Publish } from '../packet.ts';
import { Allotment } from './allotment.ts';

export interface Retained {
  readonly publish: Publish;
  /** Of who published it last: counted as its own. */
  readonly account: string;
  /** Unix ms. */
  readonly expiresAt: number | undefined;
}

export interface RetainedLimits {
  readonly retainedMax: number;
  readonly retainedBytesMax: number;
  readonly retainedPerAccount: number;
  readonly retainedBytesPerAccount: number;
}

class Node {
  children: Map<string, Node> | undefined;
  retained: Retained | undefined;
}

type Visit = (retained: Retained) => void;

/** What expired is looked for this often at most; until then it counts and is not shown. */
const sweepMs = 10_000;
const nodeBytes = 200;

/** The last retained message of each ordinary topic, in memory, by level, bounded over all and for each account. */
export class RetainedStore {
  readonly #root = new Node();
  readonly #count: Allotment;
  readonly #bytes: Allotment;
  #sweepAtMs = Infinity;

  constructor(limits: RetainedLimits) {
    this.#count = new Allotment(limits.retainedMax, limits.retainedPerAccount);
    this.#bytes = new Allotment(limits.retainedBytesMax, limits.retainedBytesPerAccount);
  }

  get size(): number {
    return this.#count.total;
  }

  get bytes(): number {
    return this.#bytes.total;
  }

  /** False: no room for it; what was retained before stays. */
  keep(retained: Retained, nowMs: number): boolean {
    const { topic } = retained.publish;
    if (nowMs >= this.#sweepAtMs) this.sweep(nowMs);
    const before = this.#find(topic);
    // What it replaces makes room, whoever had published that.
    if (before !== undefined) this.#uncount(before);
    const bytes = retainedBytes(retained.publish);
    if (!this.#count.fits(retained.account, 1) || !this.#bytes.fits(retained.account, bytes)) {
      if (before !== undefined) this.#countIn(before);
      return false;
    }
    this.#countIn(retained);
    this.#nodeOf(topic).retained = retained;
    if (retained.expiresAt !== undefined)
      this.#sweepAtMs = Math.min(this.#sweepAtMs, Math.max(retained.expiresAt, nowMs + sweepMs));
    return true;
  }

  remove(topic: string): void {
    const levels = topic.split('/');
    const path = [this.#root];
    for (const level of levels) {
      const child = path.at(-1)?.children?.get(level);
      if (child === undefined) return;
      path.push(child);
    }
    const node = path.at(-1);
    if (node?.retained === undefined) return;
    this.#uncount(node.retained);
    node.retained = undefined;
    prune(path, levels);
  }

  /** Expired ones are not shown [MQTT-3.3.2-5]. Visits only what lies below the filter's levels that are no wildcard. */
  matching(filter: string, nowMs: number, visit: Visit): void {
    const levels = filter.split('/');
    descend(this.#root, levels, 0, (retained) => {
      if (!isOver(retained, nowMs)) visit(retained);
    });
  }

  /** Forgets what expired. */
  sweep(nowMs: number): void {
    const expired: string[] = [];
    let earliestMs = Infinity;
    visitBelow(this.#root, (retained) => {
      if (isOver(retained, nowMs)) expired.push(retained.publish.topic);
      else if (retained.expiresAt !== undefined) earliestMs = Math.min(earliestMs, retained.expiresAt);
    });
    for (const topic of expired) this.remove(topic);
    this.#sweepAtMs = Math.max(earliestMs, nowMs + sweepMs);
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#sweepAtMs) this.sweep(nowMs);
  }

  #countIn({ account, publish }: Retained): void {
    this.#count.take(account, 1);
    this.#bytes.take(account, retainedBytes(publish));
  }

  #uncount({ account, publish }: Retained): void {
    this.#count.giveBack(account, 1);
    this.#bytes.giveBack(account, retainedBytes(publish));
  }

  #find(topic: string): Retained | undefined {
    let node: Node | undefined = this.#root;
    for (const level of topic.split('/')) node = node?.children?.get(level);
    return node?.retained;
  }

  #nodeOf(topic: string): Node {
    let node = this.#root;
    for (const level of topic.split('/')) {
      node.children ??= new Map();
      let child = node.children.get(level);
      if (child === undefined) node.children.set(level, (child = new Node()));
      node = child;
    }
    return node;
  }
}

function descend(node: Node, levels: readonly string[], depth: number, visit: Visit): void {
  const level = levels[depth];
  if (level === undefined) {
    if (node.retained !== undefined) visit(node.retained);
  } else if (level === '#') {
    // `a/#` matches `a` too; [MQTT-4.7.2-1].
    if (node.retained !== undefined) visit(node.retained);
    visitChildren(node, depth, (child) => visitBelow(child, visit));
  } else if (level === '+') {
    visitChildren(node, depth, (child) => descend(child, levels, depth + 1, visit));
  } else {
    const child = node.children?.get(level);
    if (child !== undefined) descend(child, levels, depth + 1, visit);
  }
}

/** A wildcard at the beginning does not match topics that begin with `$` [MQTT-4.7.2-1]. */
function visitChildren({ children }: Node, depth: number, visit: (child: Node) => void): void {
  if (children === undefined) return;
  for (const [level, child] of children) if (depth > 0 || !level.startsWith('$')) visit(child);
}

function visitBelow(node: Node, visit: Visit): void {
  if (node.retained !== undefined) visit(node.retained);
  if (node.children !== undefined) for (const child of node.children.values()) visitBelow(child, visit);
}

/** From the end of the path on, what leads nowhere any more. */
function prune(path: readonly Node[], levels: readonly string[]): void {
  for (let depth = levels.length; depth > 0; depth--) {
    const node = path[depth];
    const parent = path[depth - 1];
    if (node?.retained !== undefined || node?.children !== undefined || parent?.children === undefined)
      return;
    parent.children.delete(levels[depth - 1] ?? '');
    if (parent.children.size > 0) return;
    parent.children = undefined;
  }
}

/** With the nodes on the way to it. */
function retainedBytes(publish: Publish): number {
  return messageBytes(publish) + publish.topic.split('/').length * nodeBytes;
}

function isOver({ expiresAt }: Retained, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt <= nowMs;
}
