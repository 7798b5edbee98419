// SPDX-License-Identifier: Apache-2.0
import { ProtocolError, type Codec, type PublishDelivery } from '../codec.ts';
import type { Clock } from '../clock.ts';
import type { Acknowledgement, ProtocolVersion, Publish } from '../packet.ts';
import { failureFrom, ReasonCode } from '../reason-code.ts';
import { ByteWindow } from './byte-window.ts';
import { OutboxEntry } from './outbox-entry.ts';
import type { Outcome, Outgoing } from './outgoing.ts';
import type { PacketStream } from './packet-stream.ts';
import { PriorityQueue } from './priority-queue.ts';
import { SentAliases } from './topic-aliases.ts';

export interface OutboxOptions {
  readonly clock: Clock;
  readonly codec: Codec;
  readonly urgentRank: number;
  readonly limits: OutboxLimits;
  readonly share?: OutboxShare;
  /** Beside its outcome, for who has messages that are nobody's own. */
  tooLarge?(outgoing: Outgoing): void;
  report(error: unknown): void;
}

/** Bytes that wait or are in flight, of all outboxes that share it; who has nothing there may send all the same. */
export interface OutboxShare {
  bytes: number;
  readonly bytesMax: number;
}

export interface OutboxLimits {
  /** A written PUBLISH (QoS 1, 2) or PUBREL that is not answered within this time ends the connection. */
  readonly answerMs: number;
  readonly urgentAnswerMs: number;
}

export const outboxLimits: OutboxLimits = { answerMs: 30_000, urgentAnswerMs: 5_000 };

/** What the peer of the present connection can take. */
export interface OutboxPeer {
  readonly stream: PacketStream;
  readonly version: ProtocolVersion;
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number | undefined;
  readonly topicAliasMaximum: number;
}

const packetIdMax = 0xffff;
/** QoS 0 has no acknowledgement: more than this in the transport's own buffer waits for it to drain. */
const unsentBytesMax = 64 * 1024;

/**
 * What waits to be sent and what awaits its acknowledgement. Lives as long as the session: `attach` gives it a
 * connection, `detach` takes it away. In flight means written on some connection of this session and not yet answered;
 * that is sent again on the next one, with the same packet identifier and DUP [MQTT-4.4.0-1], in order [MQTT-4.6.0-1].
 * With QoS 2 the PUBREC is the answer; from then on PUBREL is what is sent and repeated [MQTT-4.3.3-6], until PUBCOMP.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #queue: PriorityQueue<OutboxEntry>;
  /** In the order of writing. */
  readonly #inFlight = new Map<number, OutboxEntry>();
  /** QoS 2, in the order of their PUBREC: PUBREL was written and PUBCOMP has not come. */
  readonly #completing = new Map<number, OutboxEntry>();
  /** Part of #inFlight: not yet repeated on this connection. */
  #repeats: OutboxEntry[] = [];
  readonly #window = new ByteWindow();
  readonly #reservedIds = new Set<number>();
  /** Reused for every message. */
  readonly #delivery: PublishDelivery = {
    packetId: 0,
    dup: false,
    messageExpirySeconds: undefined,
    topicAlias: 0,
    isTopicKnown: false,
  };
  #peer: OutboxPeer | undefined;
  /** Of the connection. */
  #aliases: SentAliases | undefined;
  #sequence = 0;
  #lastPacketId = 0;
  #queuedBytes = 0;
  #urgentInFlight = 0;
  /** Not later than the earliest `expiresAt` in the queue. */
  #earliestExpiryMs = Infinity;
  #pumping = false;
  #ended = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#queue = new PriorityQueue(options.urgentRank);
  }

  /** Waiting; what is in flight is not counted. */
  get queued(): number {
    return this.#queue.length;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get inFlight(): number {
    return this.#inFlight.size + this.#completing.size;
  }

  /** The share is used up, beyond twice its size for what is urgent, and something of this outbox is in it. */
  isCrowded(isUrgent = false): boolean {
    const { share } = this.#options;
    if (share === undefined || this.#queue.length + this.inFlight === 0) return false;
    return share.bytes > share.bytesMax * (isUrgent ? 2 : 1);
  }

  get windowBytes(): number {
    return this.#window.windowBytes;
  }

  send(outgoing: Outgoing): void {
    const waits = outgoing.keepWhileOffline === true && outgoing.publish.qos > 0;
    if (this.#ended || (this.#peer === undefined && !waits)) {
      this.#tell(outgoing, { kind: 'lost', written: false });
      return;
    }
    const entry = new OutboxEntry(outgoing, this.#sequence++);
    this.#queue.push(entry);
    if (this.#options.share !== undefined) this.#options.share.bytes += entry.sharedBytes;
    this.#queuedBytes += entry.bytes;
    if (outgoing.expiresAt !== undefined && outgoing.expiresAt < this.#earliestExpiryMs)
      this.#earliestExpiryMs = outgoing.expiresAt;
    this.pump();
  }

  /** Only to be called without a connection. */
  attach(peer: OutboxPeer): void {
    this.#peer = peer;
    this.#aliases = peer.topicAliasMaximum > 0 ? new SentAliases(peer.topicAliasMaximum) : undefined;
    this.#window.reset();
    this.#urgentInFlight = 0;
    this.#repeats = [...this.#inFlight.values()];
    for (const entry of this.#completing.values()) this.#release(entry); // [MQTT-4.4.0-1], [MQTT-4.6.0-4]
    this.pump();
  }

  /** What was not written is lost, unless it may wait for the next connection. */
  detach(): void {
    this.#peer = undefined;
    this.#unname();
    this.#repeats = [];
    this.#lose(({ outgoing }) => outgoing.keepWhileOffline !== true || outgoing.publish.qos === 0);
  }

  /** Without a connection: what others can take now waits here no longer. Of so many it is asked; returns how many go. */
  handBack(askedMax: number): number {
    let left = askedMax;
    return this.#lose(({ outgoing }) => outgoing.movesOn !== undefined && left-- > 0 && outgoing.movesOn());
  }

  /** Of what was not written. */
  #lose(chosen: (entry: OutboxEntry) => boolean): number {
    const lost = this.#queue.remove(chosen);
    for (const entry of lost) this.#queuedBytes -= entry.bytes;
    for (const entry of lost) this.#settle(entry, { kind: 'lost', written: false });
    return lost.length;
  }

  #unname(): void {
    this.#aliases = undefined;
    this.#delivery.topicAlias = 0;
    this.#delivery.isTopicKnown = false;
  }

  /** The session is over. */
  end(): void {
    this.#ended = true;
    this.#peer = undefined;
    this.#repeats = [];
    const written = [...this.#completing.values(), ...this.#inFlight.values()];
    const unwritten = this.#queue.remove(() => true);
    this.#inFlight.clear();
    this.#completing.clear();
    this.#queuedBytes = 0;
    for (const entry of written) this.#settle(entry, { kind: 'lost', written: true });
    for (const entry of unwritten) this.#settle(entry, { kind: 'lost', written: false });
  }

  /** PUBACK. For an identifier that is not in flight it is ignored: it may be late, and changes nothing. */
  acknowledged(packetId: number, acknowledgement: Acknowledgement): void {
    const entry = this.#answered(packetId, 1);
    if (entry === undefined) return;
    this.#settle(entry, { kind: 'acknowledged', acknowledgement });
    this.pump();
  }

  /** PUBREC: a refusal is the end [MQTT-4.3.3-4]; otherwise PUBREL follows, in the order of PUBREC [MQTT-4.6.0-4]. */
  received(packetId: number, acknowledgement: Acknowledgement): void {
    const entry = this.#answered(packetId, 2);
    if (entry === undefined) {
      const isKnown = this.#completing.has(packetId);
      this.#sendPubrel(packetId, isKnown ? ReasonCode.success : ReasonCode.packetIdentifierNotFound);
      return;
    }
    if (acknowledgement.reasonCode >= failureFrom)
      this.#settle(entry, { kind: 'acknowledged', acknowledgement });
    else {
      entry.answer = acknowledgement;
      this.#completing.set(packetId, entry);
      this.#release(entry);
    }
    this.pump();
  }

  /** PUBCOMP, whatever its reason code: the identifier is free [MQTT-4.3.3-5]. */
  completed(packetId: number): void {
    const entry = this.#completing.get(packetId);
    if (entry?.answer === undefined) {
      if (this.#inFlight.has(packetId)) throw outOfOrder('PUBCOMP', packetId);
      return;
    }
    this.#completing.delete(packetId);
    this.#settle(entry, { kind: 'acknowledged', acknowledgement: entry.answer });
    this.pump();
  }

  /** Takes it out of what is in flight. */
  #answered(packetId: number, qos: 1 | 2): OutboxEntry | undefined {
    const entry = this.#inFlight.get(packetId);
    if (entry === undefined) return undefined;
    if (entry.outgoing.publish.qos !== qos) throw outOfOrder(qos === 1 ? 'PUBACK' : 'PUBREC', packetId);
    this.#inFlight.delete(packetId);
    const repeat = this.#repeats.indexOf(entry);
    if (repeat >= 0) this.#repeats.splice(repeat, 1);
    else this.#measure(entry);
    return entry;
  }

  #release(entry: OutboxEntry): void {
    entry.writtenAtMs = this.#options.clock.now();
    this.#sendPubrel(entry.packetId, ReasonCode.success);
  }

  #sendPubrel(packetId: number, reasonCode: number): void {
    const peer = this.#peer;
    peer?.stream.send({ type: 'pubrel', packetId, reasonCode }, peer.version);
  }

  /** Of an entry that was written on this connection. */
  #measure({ rank, bytes, writtenAtMs }: OutboxEntry): void {
    if (rank >= this.#options.urgentRank) this.#urgentInFlight--;
    const nowMs = this.#options.clock.now();
    this.#window.acknowledged(bytes, nowMs - writtenAtMs, this.#queue.length > 0, nowMs);
  }

  /** For SUBSCRIBE and UNSUBSCRIBE of a client: they share the identifiers [MQTT-2.2.1-3]. */
  reservePacketId(): number {
    const packetId = this.#freePacketId();
    this.#reservedIds.add(packetId);
    return packetId;
  }

  releasePacketId(packetId: number): void {
    this.#reservedIds.delete(packetId);
  }

  /** Called now and then: what expired leaves wherever it stands. True: an answer is overdue. */
  tick(nowMs: number): boolean {
    if (nowMs >= this.#earliestExpiryMs) this.#sweep(nowMs);
    return this.#peer !== undefined && this.#overdue(nowMs);
  }

  /** Writes as much as the window and the peer's Receive Maximum allow [MQTT-3.3.4-9]. */
  pump(): void {
    // `settled` and `written` may call `send`.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#peer !== undefined && this.#writeNext(this.#peer));
    } finally {
      this.#pumping = false;
    }
  }

  #writeNext(peer: OutboxPeer): boolean {
    const entry = this.#queue.peek();
    if (this.#repeats.length > 0 && !this.#mayOvertakeRepeats(entry, peer)) return this.#repeatNext(peer);
    if (entry === undefined) return false;
    const { outgoing } = entry;
    const expired = outgoing.expiresAt !== undefined && outgoing.expiresAt <= this.#options.clock.now();
    if (!expired && !this.#hasRoom(entry, peer)) return false;
    this.#queue.take();
    this.#queuedBytes -= entry.bytes;
    if (expired) this.#settle(entry, { kind: 'expired' });
    else if (outgoing.publish.qos === 0) this.#writeOnce(entry, peer);
    else this.#writeFirst(entry, peer);
    return true;
  }

  /** Something urgent does not wait for repetitions, unless one of them is urgent too: then the order is kept. */
  #mayOvertakeRepeats(entry: OutboxEntry | undefined, peer: OutboxPeer): boolean {
    const { urgentRank } = this.#options;
    if (entry === undefined || entry.rank < urgentRank) return false;
    return this.#hasRoom(entry, peer) && this.#repeats.every(({ rank }) => rank < urgentRank);
  }

  #hasRoom({ bytes, rank, outgoing }: OutboxEntry, peer: OutboxPeer): boolean {
    if (outgoing.publish.qos === 0)
      return peer.stream.transport.bufferedBytes + peer.stream.output.pendingBytes <= unsentBytesMax;
    if (this.inFlight + this.#reservedIds.size >= packetIdMax) return false;
    const inFlight = this.inFlight - this.#repeats.length;
    if (inFlight >= peer.receiveMaximum) return false;
    if (rank >= this.#options.urgentRank && this.#urgentInFlight === 0) return true;
    if (!this.#window.hasRoom(bytes)) return false;
    // The last slot is kept for what is urgent.
    return rank >= this.#options.urgentRank || inFlight === 0 || inFlight < peer.receiveMaximum - 1;
  }

  #writeOnce(entry: OutboxEntry, peer: OutboxPeer): void {
    const { outgoing } = entry;
    this.#delivery.packetId = 0;
    if (this.#write(outgoing.publish, outgoing, false, peer) === 0)
      this.#settle(entry, { kind: 'too-large' });
    else {
      this.#written(outgoing);
      this.#settle(entry, { kind: 'sent' });
    }
  }

  #writeFirst(entry: OutboxEntry, peer: OutboxPeer): void {
    const { outgoing } = entry;
    entry.packetId = this.#freePacketId();
    this.#delivery.packetId = entry.packetId;
    if (!this.#wrote(entry, this.#write(outgoing.publish, outgoing, false, peer))) {
      this.#settle(entry, { kind: 'too-large' });
      return;
    }
    this.#inFlight.set(entry.packetId, entry);
    this.#written(outgoing);
  }

  #repeatNext(peer: OutboxPeer): boolean {
    const [entry] = this.#repeats;
    if (entry === undefined) return false;
    if (this.inFlight - this.#repeats.length >= peer.receiveMaximum) return false;
    if (!this.#window.hasRoom(entry.bytes)) return false;
    this.#repeats.shift();
    const { outgoing } = entry;
    this.#delivery.packetId = entry.packetId;
    const publish = this.#hasExpired(outgoing) ? expiredPublish(outgoing.publish) : outgoing.publish;
    if (!this.#wrote(entry, this.#write(publish, outgoing, true, peer))) {
      this.#inFlight.delete(entry.packetId);
      this.#settle(entry, { kind: 'too-large' });
    }
    return true;
  }

  /** An ordinary message whose delivery had begun is delivered to the end; other content is not shown after its time. */
  #hasExpired({ expiresAt, keepWhileOffline }: Outgoing): boolean {
    return expiresAt !== undefined && keepWhileOffline !== true && expiresAt <= this.#options.clock.now();
  }

  #wrote(entry: OutboxEntry, bytes: number): boolean {
    if (bytes === 0) return false;
    entry.bytes = bytes;
    entry.writtenAtMs = this.#options.clock.now();
    this.#window.wrote(bytes);
    if (entry.rank >= this.#options.urgentRank) this.#urgentInFlight++;
    return true;
  }

  /** The packet's length; 0 when it cannot be sent to this peer [MQTT-3.1.2-24]. */
  #write(publish: Publish, { expiresAt }: Outgoing, dup: boolean, peer: OutboxPeer): number {
    const delivery = this.#delivery;
    delivery.dup = dup;
    if (this.#aliases !== undefined) this.#nameTopic(this.#aliases, publish.topic, dup);
    // [MQTT-3.3.2-6]
    delivery.messageExpirySeconds =
      expiresAt === undefined
        ? publish.messageExpirySeconds
        : Math.max(0, Math.ceil((expiresAt - this.#options.clock.now()) / 1000));
    try {
      const bytes = this.#options.codec.encodePublish(publish, peer.version, delivery);
      if (peer.maximumPacketSize !== undefined && bytes.length > peer.maximumPacketSize) return 0;
      peer.stream.write(bytes);
      const { topicAlias = 0, isTopicKnown } = delivery;
      if (topicAlias > 0 && isTopicKnown !== true) this.#aliases?.gave(publish.topic, topicAlias);
      return bytes.length;
    } catch (error) {
      this.#options.report(error);
      return 0;
    }
  }

  /** A repetition has its whole topic, whatever this connection knows. */
  #nameTopic(aliases: SentAliases, topic: string, dup: boolean): void {
    const delivery = this.#delivery;
    const known = dup ? 0 : aliases.known(topic);
    delivery.isTopicKnown = known > 0;
    delivery.topicAlias = known > 0 || dup ? known : aliases.next(topic);
  }

  /** Once for every entry. */
  #settle({ outgoing, sharedBytes }: OutboxEntry, outcome: Outcome): void {
    if (this.#options.share !== undefined) this.#options.share.bytes -= sharedBytes;
    if (outcome.kind === 'too-large') this.#options.tooLarge?.(outgoing);
    this.#tell(outgoing, outcome);
  }

  /** What the owner of a message throws is its own affair. */
  #tell(outgoing: Outgoing, outcome: Outcome): void {
    try {
      outgoing.settled(outcome);
    } catch (error) {
      this.#options.report(error);
    }
  }

  #written(outgoing: Outgoing): void {
    try {
      outgoing.written?.();
    } catch (error) {
      this.#options.report(error);
    }
  }

  /** [MQTT-2.2.1-3], [MQTT-2.2.1-4]. `#hasRoom` has seen that there is one. */
  #freePacketId(): number {
    do this.#lastPacketId = this.#lastPacketId === packetIdMax ? 1 : this.#lastPacketId + 1;
    while (this.#isUsed(this.#lastPacketId));
    return this.#lastPacketId;
  }

  #isUsed(packetId: number): boolean {
    return this.#inFlight.has(packetId) || this.#completing.has(packetId) || this.#reservedIds.has(packetId);
  }

  #sweep(nowMs: number): void {
    let earliest = Infinity;
    const expired = this.#queue.remove(({ outgoing: { expiresAt } }) => {
      if (expiresAt === undefined) return false;
      if (expiresAt <= nowMs) return true;
      earliest = Math.min(earliest, expiresAt);
      return false;
    });
    this.#earliestExpiryMs = earliest;
    for (const entry of expired) this.#queuedBytes -= entry.bytes;
    for (const entry of expired) this.#settle(entry, { kind: 'expired' });
    this.pump();
  }

  #overdue(nowMs: number): boolean {
    const { urgentRank, limits } = this.#options;
    // Of PUBREL, the first one is the oldest.
    const [releasing] = this.#completing.values();
    if (releasing !== undefined && nowMs - releasing.writtenAtMs >= limits.answerMs) return true;
    for (const entry of this.#inFlight.values()) {
      if (this.#repeats.includes(entry)) continue;
      const urgent = entry.rank >= urgentRank;
      if (nowMs - entry.writtenAtMs >= (urgent ? limits.urgentAnswerMs : limits.answerMs)) return true;
      // The order is that of writing: behind a young one only younger ones follow.
      if (this.#urgentInFlight === 0) return false;
    }
    return false;
  }
}

/** Already promised to the session, so it must be sent; its time is over, so its content is not. */
function expiredPublish({ topic, qos }: Publish): Publish {
  return {
    topic,
    payload: new Uint8Array(0),
    qos,
    retain: false,
    userProperties: [['error', 'expired']],
  };
}

function outOfOrder(packet: string, packetId: number): ProtocolError {
  return new ProtocolError(
    ReasonCode.protocolError,
    `${packet} for ${packetId}, which awaits another answer`,
  );
}
