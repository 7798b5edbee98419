// SPDX-License-Identifier: Apache-2.0
import {
  strictCodec,
  type ConnackPacket,
  type ConnectPacket,
  type Packet,
  type Properties,
  type ProtocolVersion,
  type PublishPacket,
  type SubscriptionRequest,
} from '@sealpost/mqtt';
import { RawClient } from './raw.ts';

export type PeerOptions = Partial<Omit<ConnectPacket, 'type' | 'version'>>;
export type Sent = Partial<Omit<PublishPacket, 'type' | 'topic' | 'payload'>>;

/** A client that does nothing by itself: what it sends is what the test says, and what it gets is looked at in order. */
export class Peer {
  readonly raw: RawClient;
  readonly version: ProtocolVersion;

  private constructor(raw: RawClient, version: ProtocolVersion) {
    this.raw = raw;
    this.version = version;
  }

  /** A clean start unless told otherwise; CONNECT is sent, its answer not read. */
  static async open(port: number, version: ProtocolVersion, options: PeerOptions = {}): Promise<Peer> {
    const peer = new Peer(await RawClient.open(port), version);
    const connect = { clientId: 'peer', cleanStart: true, keepAliveSeconds: 0, properties: {}, ...options };
    peer.send({ type: 'connect', version, ...connect });
    return peer;
  }

  static async connected(port: number, version: ProtocolVersion, options: PeerOptions = {}): Promise<Peer> {
    const peer = await Peer.open(port, version, options);
    const { reasonCode } = await peer.connack();
    if (reasonCode !== 0) throw new Error(`refused with 0x${reasonCode.toString(16)}`);
    return peer;
  }

  send(packet: Packet): void {
    this.raw.send(Buffer.from(strictCodec.encode(packet, this.version)).toString('hex'));
  }

  publish(topic: string, text: string, sent: Sent = {}): void {
    const packet = { payload: Buffer.from(text), retain: false, dup: false, userProperties: [] };
    this.send({ type: 'publish', topic, qos: 0, packetBytes: 0, ...packet, ...sent });
  }

  acknowledge(packetId: number | undefined, reasonCode = 0): void {
    this.send({ type: 'puback', packetId: packetId ?? 0, reasonCode });
  }

  /** The reason codes of the answer. */
  async subscribe(
    subscriptions: readonly SubscriptionRequest[],
    properties: Properties = {},
  ): Promise<readonly number[]> {
    this.send({ type: 'subscribe', packetId: 0x101, subscriptions, properties });
    const suback = await this.next();
    if (suback?.type !== 'suback') throw new Error(`no SUBACK but ${suback?.type}`);
    return suback.reasonCodes;
  }

  /** Undefined: the connection ended instead. */
  async next(): Promise<Packet | undefined> {
    const bytes = await this.raw.packet();
    return bytes === undefined ? undefined : decoded(bytes, this.version);
  }

  async connack(): Promise<ConnackPacket> {
    const packet = await this.next();
    if (packet?.type !== 'connack') throw new Error(`no CONNACK but ${packet?.type}`);
    return packet;
  }

  async message(): Promise<PublishPacket> {
    const packet = await this.next();
    if (packet?.type !== 'publish') throw new Error(`no PUBLISH but ${packet?.type}`);
    return packet;
  }

  /** What has been sent until the server answers a PINGREQ: nothing waits on its way behind it. */
  async settled(): Promise<Packet[]> {
    this.send({ type: 'pingreq' });
    const packets: Packet[] = [];
    for (let packet = await this.next(); packet?.type !== 'pingresp'; packet = await this.next()) {
      if (packet === undefined) throw new Error('the connection ended');
      packets.push(packet);
    }
    return packets;
  }

  /** The same, of PUBLISH packets, which are all there are. */
  async messages(): Promise<PublishPacket[]> {
    return (await this.settled()).map((packet) => {
      if (packet.type !== 'publish') throw new Error(`${packet.type} among the messages`);
      return packet;
    });
  }

  /** Everything until the connection ends. */
  async rest(): Promise<Packet[]> {
    return (await this.raw.rest()).map((hex) => decoded(Buffer.from(hex, 'hex'), this.version));
  }

  async leave(reasonCode = 0): Promise<void> {
    this.send({ type: 'disconnect', reasonCode, properties: {} });
    await this.raw.rest();
  }
}

function decoded(bytes: Uint8Array, version: ProtocolVersion): Packet {
  const decoder = strictCodec.createDecoder({ role: 'client', maximumPacketSize: 1_000_000, version });
  decoder.feed(bytes);
  const packet = decoder.next();
  if (packet === undefined) throw new Error(`half a packet: ${Buffer.from(bytes).toString('hex')}`);
  return packet;
}

/** What keeps a session for a minute after its connection, in either version. */
export function lasting(version: ProtocolVersion): PeerOptions {
  return { cleanStart: false, properties: version === 5 ? { sessionExpirySeconds: 60 } : {} };
}

export function texts(messages: readonly PublishPacket[]): string[] {
  return messages.map(({ payload }) => Buffer.from(payload).toString());
}
