// SPDX-License-Identifier: Apache-2.0
import { messageBytes, type Outcome, type Outgoing } from '../link/outgoing.ts';
import type { Publish, Qos } from '../packet.ts';
import type { ReceivePolicy } from './application.ts';
import { forward, ordinaryRank } from './ordinary-message.ts';
import type { Subscriber } from './subscriber.ts';
import type { Subscription } from './subscription-tree.ts';

export interface ShareGroupOptions<P> {
  readonly receivePolicy: ReceivePolicy<P> | undefined;
  /** The one that it was offered to last; nobody else gets it either. */
  tooLarge(subscriber: Subscriber<P>, publish: Publish): void;
}

/** A message to a group, whoever of it gets it. */
interface Content {
  readonly publish: Publish;
  /** Unix ms. */
  readonly expiresAt: number | undefined;
  /** Approximate. */
  readonly bytes: number;
  /** The Maximum Packet Size that whoever gets it must have: not 0 once it was too large for one. */
  readonly packetBytes: number;
}

class Member<P> {
  readonly subscriber: Subscriber<P>;
  subscription: Subscription;
  /** Messages of the group that it was given and that were not written yet. */
  waiting = 0;

  constructor(subscriber: Subscriber<P>, subscription: Subscription) {
    this.subscriber = subscriber;
    this.subscription = subscription;
  }
}

/** So many members are looked at for one message: who could not take it is looked at last the next time. */
export const lookedAtMax = 64;

/**
 * One shared subscription and its members. A message goes to the least loaded of those that are connected and have
 * room, or else to one that can keep it for its next connection.
 */
export class ShareGroup<P> {
  /** Without `$share/` and the share name. */
  readonly filter: string;
  readonly #options: ShareGroupOptions<P>;
  readonly #members = new Map<Subscriber<P>, Member<P>>();
  /** Whose turn is longest ago comes first. */
  readonly #connected = new Set<Member<P>>();
  readonly #offline = new Set<Member<P>>();
  /** While nobody is connected, everything waits with one member, so that it stays in order. */
  #keeper: Member<P> | undefined;

  constructor(options: ShareGroupOptions<P>, filter: string) {
    this.#options = options;
    this.filter = filter;
  }

  get size(): number {
    return this.#members.size;
  }

  /** A member that subscribes again has its subscription replaced [MQTT-3.8.4-3]. */
  join(subscriber: Subscriber<P>, subscription: Subscription): void {
    const member = this.#members.get(subscriber);
    if (member !== undefined) {
      member.subscription = subscription;
      return;
    }
    this.#members.set(subscriber, new Member(subscriber, subscription));
    if (subscriber.connected) this.connected(subscriber);
    else this.disconnected(subscriber);
  }

  /** What it was given stays with its session [MQTT-3.10.4-3], until that ends. */
  leave(subscriber: Subscriber<P>): void {
    const member = this.#members.get(subscriber);
    if (member === undefined) return;
    this.#members.delete(subscriber);
    this.#connected.delete(member);
    this.#offline.delete(member);
    if (this.#keeper === member) this.#keeper = undefined;
  }

  connected(subscriber: Subscriber<P>): void {
    const member = this.#members.get(subscriber);
    if (member === undefined) return;
    this.#offline.delete(member);
    this.#connected.add(member);
    if (this.#keeper === member) this.#keeper = undefined;
  }

  disconnected(subscriber: Subscriber<P>): void {
    const member = this.#members.get(subscriber);
    if (member === undefined) return;
    this.#connected.delete(member);
    this.#offline.add(member);
    this.#keeper = member;
  }

  /** Members without a connection that hold what others could be sent. */
  *holders(): Iterable<Subscriber<P>> {
    for (const { subscriber, waiting } of this.#offline) if (waiting > 0) yield subscriber;
  }

  /** False: nobody may have it. One who has no room for it drops it. */
  publish(publish: Publish, expiresAt: number | undefined): boolean {
    return this.#place({ publish, expiresAt, bytes: messageBytes(publish), packetBytes: 0 });
  }

  hasTaker(content: Content): boolean {
    return this.#pick(this.#connected, content)?.subscriber.hasRoom(content.bytes) === true;
  }

  /** What the member's session could not bring to an end. */
  returned(content: Content, { subscriber }: Member<P>, outcome: Outcome): void {
    if (outcome.kind !== 'too-large') {
      this.#place(content);
      return;
    }
    // §3.1.2.11.4: it may go to one that can receive it.
    const isFirst = content.packetBytes === 0;
    if (isFirst && this.#place({ ...content, packetBytes: packetBytesMax(content.publish) })) return;
    this.#options.tooLarge(subscriber, content.publish);
  }

  #place(content: Content): boolean {
    const member = this.#choose(content);
    if (member === undefined) return false;
    const { subscriber } = member;
    moveToEnd(subscriber.connected ? this.#connected : this.#offline, member);
    const message = new SharedMessage(this, member, subscriber.connected ? content : kept(content));
    member.waiting++;
    if (!subscriber.deliver(message)) member.waiting--;
    return true;
  }

  /** One with room, connected before not; or else one without. */
  #choose(content: Content): Member<P> | undefined {
    const connected = this.#pick(this.#connected, content);
    if (connected?.subscriber.hasRoom(content.bytes) === true) return connected;
    const keeper = this.#keep(content);
    return keeper?.subscriber.hasRoom(content.bytes) === true ? keeper : (connected ?? keeper);
  }

  #keep(content: Content): Member<P> | undefined {
    const keeper = this.#keeper;
    if (keeper !== undefined && this.#isFor(keeper, content) && keeper.subscriber.hasRoom(content.bytes))
      return keeper;
    const next = this.#pick(this.#offline, content);
    if (next !== undefined) this.#keeper = next;
    return next;
  }

  /** The least loaded that has room; if none has, one of the others. */
  #pick(members: Set<Member<P>>, content: Content): Member<P> | undefined {
    let best: Member<P> | undefined;
    let full: Member<P> | undefined;
    let left = Math.min(members.size, lookedAtMax);
    for (const member of members) {
      if (left-- === 0) break;
      const isAllowed = this.#isFor(member, content);
      if (!isAllowed || !member.subscriber.hasRoom(content.bytes)) {
        if (isAllowed) full = member;
        moveToEnd(members, member);
      } else if (best === undefined || member.subscriber.load < best.subscriber.load) {
        best = member;
        if (member.subscriber.load === 0) break;
      }
    }
    return best ?? full;
  }

  #isFor(member: Member<P>, { publish, packetBytes }: Content): boolean {
    const { subscriber, subscription } = member;
    // One whose connection is just being lost is neither: what it gives back goes elsewhere.
    const canTake = this.#connected.has(member) ? subscriber.connected : qosOf(publish, subscription) > 0;
    if (!canTake) return false;
    const { maximumPacketSize = Infinity, principal } = subscriber;
    return (
      maximumPacketSize >= packetBytes &&
      this.#options.receivePolicy?.mayReceive(principal, publish.topic) !== false
    );
  }
}

/** One message on its way to one member. */
class SharedMessage<P> implements Outgoing {
  readonly publish: Publish;
  readonly rank = ordinaryRank;
  readonly keepWhileOffline = true;
  readonly expiresAt?: number;
  readonly #group: ShareGroup<P>;
  readonly #member: Member<P>;
  readonly #content: Content;
  #isWritten = false;

  constructor(group: ShareGroup<P>, member: Member<P>, content: Content) {
    this.#group = group;
    this.#member = member;
    this.#content = content;
    this.publish = publishTo(member.subscription, content.publish);
    if (content.expiresAt !== undefined) this.expiresAt = content.expiresAt;
  }

  movesOn(): boolean {
    return this.#group.hasTaker(this.#content);
  }

  written(): void {
    this.#isWritten = true;
    this.#member.waiting--;
  }

  /**
   * Answered is answered, whatever the reason code [MQTT-4.8.2-6]. What a session did not live to answer goes to another
   * member, but for what was begun with QoS 2: nobody else gets that [MQTT-4.8.2-5].
   */
  settled(outcome: Outcome): void {
    if (!this.#isWritten) this.#member.waiting--;
    if (outcome.kind !== 'lost' && outcome.kind !== 'too-large') return;
    if (this.#isWritten && this.publish.qos === 2) return;
    this.#group.returned(this.#content, this.#member, outcome);
  }
}

/** The QoS that this member was granted [MQTT-4.8.2-3], and no identifiers but its own. */
function publishTo(subscription: Subscription, publish: Publish): Publish {
  const { retainAsPublished, subscriptionId } = subscription;
  const ids = subscriptionId === undefined ? undefined : [subscriptionId];
  return forward(publish, qosOf(publish, subscription), publish.retain && retainAsPublished, ids);
}

function qosOf(publish: Publish, { qos }: Subscription): Qos {
  return qos < publish.qos ? qos : publish.qos;
}

function moveToEnd<T>(set: Set<T>, item: T): void {
  if (set.delete(item)) set.add(item);
}

/** What may wait long does not hold on to the chunk it came in. */
function kept(content: Content): Content {
  const { publish } = content;
  if (publish.payload.length === publish.payload.buffer.byteLength) return content;
  return { ...content, publish: { ...publish, payload: publish.payload.slice() } };
}

/** Not less than the packet: of text, a UTF-16 unit is three bytes at most. */
function packetBytesMax(publish: Publish): number {
  const { length } = publish.payload;
  return 64 + length + 3 * (messageBytes(publish) - length);
}
