// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../clock.ts';
import { ProtocolError } from '../codec.ts';
import type {
  Acknowledgement,
  AnswerPacket,
  Packet,
  ProtocolVersion,
  PublishPacket,
  Qos,
} from '../packet.ts';
import { isReasonCodeOf } from '../packet-reason-codes.ts';
import { failureFrom, ReasonCode } from '../reason-code.ts';
import { Incoming, type Admission, type IncomingLimits, type PublishHandler } from './incoming.ts';
import type { Outbox } from './outbox.ts';
import { PacketIdSet } from './packet-ids.ts';
import type { PacketReader, PacketStream } from './packet-stream.ts';
import type { Received } from './received.ts';
import { ReceivedAliases } from './topic-aliases.ts';

/** Why a connection is over. */
export interface CloseInfo {
  /** Of the DISCONNECT that was sent or received; undefined when there was none. */
  readonly reasonCode?: number;
  readonly reasonString?: string;
  readonly error?: Error;
  /** The peer ended it, by DISCONNECT or by closing the transport. */
  readonly byPeer: boolean;
}

/** What the peer said of itself in CONNECT or CONNACK. */
export interface Peer {
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number | undefined;
  readonly topicAliasMaximum: number;
  /** False: no reason strings and user properties on answers [MQTT-3.1.2-29]. */
  readonly wantsProblemInformation: boolean;
}

/** Everything but PUBLISH, its answers and PING. DISCONNECT is told before the connection closes. */
export interface ConnectionUser {
  readonly publish: PublishHandler;
  receive(packet: Packet): void;
  closed(info: CloseInfo): void;
  report(error: unknown): void;
}

export interface ConnectionOptions {
  readonly stream: PacketStream;
  readonly version: ProtocolVersion;
  readonly peer: Peer;
  readonly outbox: Outbox;
  readonly received: Received;
  readonly incoming: IncomingLimits;
  readonly admission?: Admission;
  readonly clock: Clock;
  readonly user: ConnectionUser;
}

/** One network connection after its handshake, the same for both roles. */
export class Connection implements PacketReader {
  readonly stream: PacketStream;
  readonly version: ProtocolVersion;
  readonly peer: Peer;
  readonly #outbox: Outbox;
  readonly #received: Received;
  /** Taken with QoS 2 on this connection: until its PUBREL it counts against the Receive Maximum. */
  readonly #unreleased = new PacketIdSet();
  readonly #incoming: Incoming;
  readonly #receiveMaximum: number;
  readonly #aliases: ReceivedAliases;
  readonly #clock: Clock;
  readonly #user: ConnectionUser;
  #closed = false;
  /** Version 4 knows no Receive Maximum: the connection is not read instead. */
  #fullHold = false;

  constructor({
    stream,
    version,
    peer,
    outbox,
    received,
    incoming,
    admission,
    clock,
    user,
  }: ConnectionOptions) {
    this.stream = stream;
    this.version = version;
    this.peer = peer;
    this.#outbox = outbox;
    this.#received = received;
    this.#clock = clock;
    this.#user = user;
    this.#receiveMaximum = incoming.receiveMaximum;
    this.#aliases = new ReceivedAliases(incoming.topicAliasMaximum);
    this.#incoming = new Incoming({
      limits: incoming,
      handler: user.publish,
      admission,
      received,
      acknowledge: (packetId, acknowledgement, qos) => this.#acknowledge(packetId, acknowledgement, qos),
      hold: (held) => (held ? stream.hold() : stream.release()),
      report: (error) => user.report(error),
    });
    stream.reader = this;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  receive(packet: Packet): void {
    switch (packet.type) {
      case 'publish':
        this.#receivePublish(packet);
        return;
      case 'puback':
        this.#outbox.acknowledged(packet.packetId, packet);
        return;
      case 'pubrec':
        this.#outbox.received(packet.packetId, packet);
        return;
      case 'pubrel':
        this.#receivePubrel(packet);
        return;
      case 'pubcomp':
        this.#outbox.completed(packet.packetId);
        return;
      case 'disconnect':
        this.#receiveDisconnect(packet);
        return;
      default:
        this.#user.receive(packet);
    }
  }

  failed(error: ProtocolError | Error): void {
    if (error instanceof ProtocolError) this.disconnect(error.reasonCode, error.message, error);
    else {
      this.#user.report(error);
      this.disconnect(ReasonCode.unspecifiedError, undefined, error);
    }
  }

  closed(error?: Error): void {
    this.#finish({ byPeer: true, ...(error === undefined ? undefined : { error }) });
  }

  drained(): void {
    this.#outbox.pump();
  }

  send(packet: Packet): void {
    this.stream.send(packet, this.version);
  }

  /** False: larger than the peer's Maximum Packet Size, or not expressible, and not written. */
  sendIfFits(packet: Packet): boolean {
    const bytes = this.#encode(packet);
    if (bytes === undefined) return false;
    const { maximumPacketSize } = this.peer;
    if (maximumPacketSize !== undefined && bytes.length > maximumPacketSize) return false;
    this.stream.write(bytes);
    return true;
  }

  /** A text of the application may be longer than MQTT allows. */
  #encode(packet: Packet): Uint8Array | undefined {
    try {
      return this.stream.codec.encode(packet, this.version);
    } catch (error) {
      this.#user.report(error);
      return undefined;
    }
  }

  /** Version 5 is told why, which is allowed after CONNACK only [MQTT-3.14.0-1]; version 4 sees the connection end. */
  disconnect(reasonCode: number, reasonString?: string, error?: Error): void {
    if (this.#closed) return;
    if (this.version === 5) this.#sayWhy(reasonCode, reasonString);
    this.#finish({
      byPeer: false,
      reasonCode,
      ...(reasonString === undefined ? undefined : { reasonString }),
      ...(error === undefined ? undefined : { error }),
    });
  }

  /** As the client does on purpose: DISCONNECT in both versions. */
  leave(reasonCode: number): void {
    if (this.#closed) return;
    this.send({ type: 'disconnect', reasonCode, properties: {} });
    this.#finish({ byPeer: false, reasonCode });
  }

  tick(nowMs: number): void {
    this.#incoming.tick(nowMs);
    // While the connection is not read, an answer may be there already.
    if (this.#outbox.tick(nowMs) && !this.stream.held && !this.#closed)
      this.disconnect(ReasonCode.unspecifiedError, 'a PUBLISH was not acknowledged in time');
  }

  #receivePublish(packet: PublishPacket): void {
    if (packet.topicAlias !== undefined) this.#aliases.resolve(packet, packet.topicAlias);
    if (packet.qos > 0 && this.#exceedsReceiveMaximum(packet))
      throw new ProtocolError(ReasonCode.receiveMaximumExceeded, 'Receive Maximum exceeded'); // [MQTT-3.3.4-7]
    this.#incoming.receive(packet, packet.packetId ?? 0, packet.packetBytes, this.#clock.now());
    if (this.version === 4 && !this.#fullHold && this.#incoming.unanswered >= this.#receiveMaximum) {
      this.#fullHold = true;
      this.stream.hold();
    }
  }

  /** A repetition of what is not released counts once. 3.1.1 may have any number without PUBREL. */
  #exceedsReceiveMaximum({ packetId = 0 }: PublishPacket): boolean {
    const unreleased = this.version === 4 ? 0 : this.#unreleased.size;
    return this.#incoming.unanswered + unreleased >= this.#receiveMaximum && !this.#unreleased.has(packetId);
  }

  #acknowledge(packetId: number, answer: Acknowledgement, qos: Qos): void {
    if (this.#closed) return;
    const acknowledgement = this.#sayable(answer);
    const { reasonCode } = acknowledgement;
    if (this.version === 4 && isTemporary(reasonCode)) {
      // 3.1.1 has no refusal: without an answer the message stays the client's, and it will offer it again.
      this.disconnect(reasonCode);
      return;
    }
    if (qos === 2) this.#mark(packetId, reasonCode);
    this.#answer(qos === 2 ? 'pubrec' : 'puback', packetId, acknowledgement);
    if (this.#fullHold && this.#incoming.unanswered < this.#receiveMaximum / 2) {
      this.#fullHold = false;
      this.stream.release();
    }
  }

  /** [MQTT-3.4.2-1], [MQTT-3.5.2-1]: both have the same reason codes. */
  #sayable(acknowledgement: Acknowledgement): Acknowledgement {
    const { reasonCode } = acknowledgement;
    if (isReasonCodeOf('puback', reasonCode, 'server')) return acknowledgement;
    this.#user.report(new RangeError(`reason code 0x${reasonCode.toString(16)} is none of PUBACK`));
    return { ...acknowledgement, reasonCode: ReasonCode.unspecifiedError };
  }

  #answer(type: 'puback' | 'pubrec', packetId: number, acknowledgement: Acknowledgement): void {
    const { reasonCode, reasonString, userProperties } = acknowledgement;
    const short = reasonString === undefined && userProperties === undefined;
    const told =
      !short &&
      this.version === 5 &&
      this.peer.wantsProblemInformation &&
      this.sendIfFits({ ...acknowledgement, type, packetId }); // [MQTT-3.4.2-2], [MQTT-3.4.2-3], [MQTT-3.5.2-2], [MQTT-3.5.2-3]
    if (told) return;
    if (type === 'puback')
      this.stream.write(this.stream.codec.encodePuback(packetId, reasonCode, this.version));
    else this.send({ type, packetId, reasonCode });
  }

  /** PUBREC is about to be sent. 3.1.1 has no refusal: what is refused is released like everything else. */
  #mark(packetId: number, reasonCode: number): void {
    if (this.version === 5 && reasonCode >= failureFrom) {
      this.#received.forget(packetId);
      return;
    }
    this.#received.keep(packetId);
    this.#unreleased.add(packetId);
  }

  /** [MQTT-4.3.3-11]; an identifier that nothing is kept under may have been released before. */
  #receivePubrel({ packetId }: AnswerPacket): void {
    this.#unreleased.delete(packetId);
    const known = this.#received.release(packetId);
    const reasonCode = known ? ReasonCode.success : ReasonCode.packetIdentifierNotFound;
    this.send({ type: 'pubcomp', packetId, reasonCode });
  }

  #receiveDisconnect(packet: Extract<Packet, { type: 'disconnect' }>): void {
    this.#user.receive(packet);
    if (this.#closed) return;
    const { reasonString } = packet.properties;
    this.#finish({
      byPeer: true,
      reasonCode: packet.reasonCode,
      ...(reasonString === undefined ? undefined : { reasonString }),
    });
  }

  #sayWhy(reasonCode: number, reasonString: string | undefined): void {
    const packet = { type: 'disconnect', reasonCode, properties: {} } as const;
    // [MQTT-3.14.2-3]
    if (reasonString === undefined || !this.sendIfFits({ ...packet, properties: { reasonString } }))
      this.sendIfFits(packet);
  }

  #finish(info: CloseInfo): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#incoming.end();
    this.stream.end();
    this.#user.closed(info);
  }
}

/** What 3.1.1 cannot be told: "later" (0x97) and "I do not know" (0x80). Other refusals are final and acknowledged. */
function isTemporary(reasonCode: number): boolean {
  return (
    reasonCode >= failureFrom &&
    (reasonCode === ReasonCode.quotaExceeded || reasonCode === ReasonCode.unspecifiedError)
  );
}
