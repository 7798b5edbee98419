// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../clock.ts';
import { ProtocolError, type Codec } from '../codec.ts';
import { Connection, type CloseInfo, type ConnectionUser, type Peer } from '../link/connection.ts';
import type { Admission } from '../link/incoming.ts';
import { Outbox, type OutboxShare } from '../link/outbox.ts';
import { messageBytes, type Outgoing } from '../link/outgoing.ts';
import type { PacketStream } from '../link/packet-stream.ts';
import { Received } from '../link/received.ts';
import type {
  Acknowledgement,
  ConnackPacket,
  DisconnectPacket,
  Packet,
  ProtocolVersion,
  Publish,
  Qos,
  SubscriptionAnswerPacket,
  Will,
} from '../packet.ts';
import { refusalCode } from '../packet-reason-codes.ts';
import { ReasonCode } from '../reason-code.ts';
import { startsWithWildcard, topicMatches } from '../topic.ts';
import type { Allotment } from './allotment.ts';
import type { Application } from './application.ts';
import type { AuthenticationHost } from './authentication.ts';
import type { ServerLimits } from './limits.ts';
import { Reauthentication, type SignedInBy } from './reauthentication.ts';
import type { Router } from './routing.ts';
import type { Subscriber } from './subscriber.ts';
import type { Subscribing } from './subscribing.ts';
import type { Subscription } from './subscription-tree.ts';
import { willBytes, willPublish } from './will.ts';

/** What a session needs of its server. */
export interface SessionHost<P> extends AuthenticationHost<P> {
  readonly application: Application<P>;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly urgentRank: number;
  readonly admission: Admission;
  readonly outboxShare: OutboxShare;
  /** Bytes of the Wills that sessions keep; whoever opens one has seen that there is room. */
  readonly wills: Allotment;
  readonly router: Router<P>;
  readonly subscribing: Subscribing<P>;
  /** An ordinary message found the session's queue full. */
  dropped(): void;
  /** An ordinary message was larger than the client's Maximum Packet Size. */
  tooLarge(session: Subscriber<P>, publish: Publish): void;
  /** The session is over and must be forgotten. */
  forget(session: ServerSession<P>): void;
  report(error: unknown): void;
}

/** A connection that passed its handshake. */
export interface Opening<P> {
  readonly stream: PacketStream;
  readonly version: ProtocolVersion;
  readonly peer: Peer;
  readonly principal: P;
  readonly connack: ConnackPacket;
  readonly keepAliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly will: Will | undefined;
  readonly signedInBy: SignedInBy | undefined;
}

/**
 * One client's state: subscriptions, what is in flight and what waits. With a connection it is open; without one it
 * waits for its Will to become due and its expiry to pass; then it is ended, once and for good [MQTT-4.1.0-1].
 */
export class ServerSession<P> implements Subscriber<P>, ConnectionUser {
  readonly account: string;
  readonly clientId: string;
  readonly subscriptions = new Map<string, Subscription>();
  principal: P;
  version: ProtocolVersion = 5;
  maximumPacketSize: number | undefined;
  readonly #host: SessionHost<P>;
  readonly #outbox: Outbox;
  readonly #received = new Received();
  #connection: Connection | undefined;
  #reauthentication: Reauthentication<P> | undefined;
  #keepAliveMs = 0;
  #expirySeconds = 0;
  #connectedWithExpiry = false;
  /** Unix ms; of a session without a connection. */
  #endsAtMs = Infinity;
  #will: Will | undefined;
  #willDueMs = Infinity;
  #ended = false;

  constructor(host: SessionHost<P>, account: string, clientId: string, principal: P) {
    this.#host = host;
    this.account = account;
    this.clientId = clientId;
    this.principal = principal;
    const { clock, codec, urgentRank, limits, outboxShare: share } = host;
    this.#outbox = new Outbox({
      clock,
      codec,
      urgentRank,
      limits,
      share,
      tooLarge: ({ publish, movesOn }) => {
        // What is shared may fit another member.
        if (movesOn === undefined && !host.application.reserves(publish.topic)) host.tooLarge(this, publish);
      },
      report: (error) => host.report(error),
    });
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  get willBytes(): number {
    return willBytes(this.#will);
  }

  get queued(): number {
    return this.#outbox.queued;
  }

  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  isCrowded(isUrgent?: boolean): boolean {
    return this.#outbox.isCrowded(isUrgent);
  }

  /** Handler of the connection; `this` is bound because the link calls it alone. */
  readonly publish = (publish: Publish): Acknowledgement | Promise<Acknowledgement> =>
    this.#host.router.publish(this, publish);

  /** The CONNACK, which fits, is the first packet [MQTT-3.2.0-1]; then what was in flight; then the application is told. */
  open(opening: Opening<P>): void {
    const { stream, version, peer, principal, will, sessionExpirySeconds } = opening;
    const { limits, clock, admission, application } = this.#host;
    this.principal = principal;
    this.version = version;
    this.maximumPacketSize = peer.maximumPacketSize;
    this.#keepAliveMs = opening.keepAliveSeconds * 1500; // [MQTT-3.1.2-22]
    this.#expirySeconds = sessionExpirySeconds;
    this.#connectedWithExpiry = sessionExpirySeconds > 0;
    this.#endsAtMs = Infinity;
    this.#keepWill(will); // a delayed one of the last connection is not sent any more [MQTT-3.1.3-9]
    this.#willDueMs = Infinity;
    stream.decoder.maximumPacketSize = limits.packetBytesMax;
    const connection = new Connection({
      stream,
      version,
      peer,
      outbox: this.#outbox,
      received: this.#received,
      incoming: limits,
      admission,
      clock,
      user: this,
    });
    this.#connection = connection;
    this.#reauthentication = this.#reauthenticationOn(connection, opening.signedInBy);
    connection.send(opening.connack);
    const { receiveMaximum, maximumPacketSize, topicAliasMaximum } = peer;
    this.#outbox.attach({ stream, version, receiveMaximum, maximumPacketSize, topicAliasMaximum });
    this.#host.subscribing.connected(this);
    this.#tell(() => application.opened(this));
  }

  matches(topic: string): { qos: Qos; subscriptionIds: number[] } | undefined {
    const reserved = this.#host.application.reserves(topic);
    let found: { qos: Qos; subscriptionIds: number[] } | undefined;
    for (const { filter, qos, subscriptionId } of this.subscriptions.values()) {
      if ((reserved && startsWithWildcard(filter)) || !topicMatches(filter, topic)) continue;
      found ??= { qos, subscriptionIds: [] };
      if (qos > found.qos) found.qos = qos;
      if (subscriptionId !== undefined) found.subscriptionIds.push(subscriptionId);
    }
    return found;
  }

  send(outgoing: Outgoing): void {
    this.#outbox.send(outgoing);
  }

  get load(): number {
    return this.#outbox.queued + this.#outbox.inFlight;
  }

  hasRoom(bytes: number): boolean {
    const { outboxShare, limits } = this.#host;
    return (
      !this.#outbox.isCrowded() &&
      (this.connected || outboxShare.bytes <= outboxShare.bytesMax) &&
      this.#outbox.queuedBytes + bytes <= limits.queuedBytesPerSession
    );
  }

  deliver(message: Outgoing): boolean {
    const isTaken = this.hasRoom(messageBytes(message.publish));
    if (isTaken) this.#outbox.send(message);
    else this.#host.dropped();
    return isTaken;
  }

  handBack(askedMax: number): number {
    return this.#outbox.handBack(askedMax);
  }

  disconnect(reasonCode: number, reasonString?: string): void {
    this.#connection?.disconnect(refusalCode('disconnect', reasonCode), reasonString);
  }

  end(reasonCode: number, reasonString?: string): void {
    this.#keepWill(undefined);
    this.disconnect(reasonCode, reasonString);
    this.finish();
  }

  /** Reads nothing more from its connection, for good. */
  hold(): void {
    this.#connection?.stream.hold();
  }

  /** The server stops: no Will, no wait. */
  shutDown(): void {
    this.#keepWill(undefined);
    this.#expirySeconds = 0;
    if (this.#connection === undefined) this.finish();
    else this.disconnect(ReasonCode.serverShuttingDown);
  }

  receive(packet: Packet): void {
    switch (packet.type) {
      case 'subscribe':
        this.#host.subscribing.subscribe(this, packet, (suback) => this.#answer(suback));
        return;
      case 'unsubscribe': {
        const reasonCodes = this.#host.subscribing.unsubscribe(this, packet);
        this.#answer({ type: 'unsuback', packetId: packet.packetId, reasonCodes, properties: {} });
        return;
      }
      case 'pingreq':
        this.#connection?.send({ type: 'pingresp' }); // [MQTT-3.12.4-1]
        return;
      case 'disconnect':
        this.#receiveDisconnect(packet);
        return;
      case 'auth':
        // [MQTT-4.12.0-6]
        if (this.#reauthentication === undefined)
          throw new ProtocolError(ReasonCode.protocolError, 'AUTH, and CONNECT named no method');
        this.#reauthentication.receive(packet);
        return;
      default:
        throw new ProtocolError(ReasonCode.protocolError, `${packet.type} is not expected`);
    }
  }

  closed(info: CloseInfo): void {
    const { clock, application } = this.#host;
    this.#connection = undefined;
    this.#reauthentication = undefined;
    if (info.byPeer && info.reasonCode === ReasonCode.success) this.#keepWill(undefined); // [MQTT-3.14.4-3]
    this.#outbox.detach();
    this.#tell(() => application.closed(this));
    const nowMs = clock.now();
    this.#endsAtMs = nowMs + this.#expirySeconds * 1000;
    this.#willDueMs = nowMs + (this.#will?.properties.willDelaySeconds ?? 0) * 1000;
    this.tick(nowMs);
    if (!this.#ended) this.#host.subscribing.disconnected(this);
  }

  report(error: unknown): void {
    this.#host.report(error);
  }

  tick(nowMs: number): void {
    if (this.#connection !== undefined) {
      this.#tickConnected(this.#connection, nowMs);
      return;
    }
    // The Will goes when its delay has passed or the session ends, whichever is first [MQTT-3.1.3-9].
    if (nowMs >= Math.min(this.#willDueMs, this.#endsAtMs)) this.#publishWill();
    if (nowMs >= this.#endsAtMs) this.finish();
    else this.#outbox.tick(nowMs);
  }

  /** Ends the session of a closed connection. */
  finish(): void {
    if (this.#ended) return;
    this.#publishWill();
    this.#ended = true;
    const { subscribing, application } = this.#host;
    subscribing.forget(this);
    this.#host.forget(this);
    this.#outbox.end();
    this.#tell(() => application.ended(this));
  }

  #tickConnected(connection: Connection, nowMs: number): void {
    connection.tick(nowMs);
    this.#reauthentication?.tick(nowMs);
    const { stream } = connection;
    if (connection.isClosed || stream.held || this.#keepAliveMs === 0) return;
    if (nowMs - stream.lastReceivedMs > this.#keepAliveMs)
      connection.disconnect(ReasonCode.keepAliveTimeout, 'keep alive timeout');
  }

  #reauthenticationOn(
    connection: Connection,
    signedInBy: SignedInBy | undefined,
  ): Reauthentication<P> | undefined {
    if (signedInBy === undefined) return undefined;
    const host = this.#host;
    return new Reauthentication({
      host,
      connection,
      session: this,
      signedInBy,
      now: () => host.clock.now(),
      renewed: (principal) => (this.principal = principal),
    });
  }

  #answer(packet: SubscriptionAnswerPacket): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const bare = { ...packet, properties: {} };
    if (connection.peer.wantsProblemInformation && connection.sendIfFits(packet)) return;
    if (!connection.sendIfFits(bare))
      connection.disconnect(ReasonCode.packetTooLarge, 'the answer does not fit');
  }

  #receiveDisconnect({ properties: { sessionExpirySeconds } }: DisconnectPacket): void {
    if (sessionExpirySeconds === undefined) return;
    if (sessionExpirySeconds > 0 && !this.#connectedWithExpiry)
      throw new ProtocolError(ReasonCode.protocolError, 'session expiry was 0 at CONNECT');
    this.#expirySeconds = Math.min(sessionExpirySeconds, this.#host.limits.sessionExpirySecondsMax);
  }

  #keepWill(will: Will | undefined): void {
    const { wills } = this.#host;
    if (this.#will !== undefined) wills.giveBack(this.account, willBytes(this.#will));
    if (will !== undefined) wills.take(this.account, willBytes(will));
    this.#will = will;
  }

  #publishWill(): void {
    const will = this.#will;
    this.#keepWill(undefined);
    this.#willDueMs = Infinity;
    if (will !== undefined) this.#host.router.publishWill(this, willPublish(will));
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#host.report(error);
    }
  }
}
