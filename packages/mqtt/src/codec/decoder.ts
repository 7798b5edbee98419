// SPDX-License-Identifier: Apache-2.0
import { ProtocolError, type Decoder, type DecoderOptions } from '../codec.ts';
import type { Packet, ProtocolVersion } from '../packet.ts';
import type { Sender } from '../packet-reason-codes.ts';
import { ReasonCode } from '../reason-code.ts';
import { decodeAnswer, decodeEnd } from './answer.ts';
import { decodeConnack, decodeConnect } from './connect.ts';
import { decodePublish } from './publish.ts';
import { malformed, Reader } from './reader.ts';
import { decodeSubscribe, decodeSubscriptionAnswer, decodeUnsubscribe } from './subscribe.ts';

/** MQTT 5.0 §2.1.2. */
const Type = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

const onlyFromClients: ReadonlySet<number> = new Set([
  Type.connect,
  Type.subscribe,
  Type.unsubscribe,
  Type.pingreq,
]);
const onlyFromServers: ReadonlySet<number> = new Set([
  Type.connack,
  Type.suback,
  Type.unsuback,
  Type.pingresp,
]);
const withFlagTwo: ReadonlySet<number> = new Set([Type.pubrel, Type.subscribe, Type.unsubscribe]);

/** Cuts the byte stream into packets and decodes one at a time, so that a reader can stop between two of them. */
export class PacketDecoder implements Decoder {
  maximumPacketSize: number;
  #version: ProtocolVersion | undefined;
  readonly #fromClient: boolean;
  readonly #sender: Sender;
  readonly #reader = new Reader();
  /** What is being decoded. */
  #chunk: Uint8Array = new Uint8Array(0);
  #position = 0;
  /** Chunks behind it, joined only once a whole packet is there. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Of the packet whose header is known; 0 when it is not. */
  #neededBytes = 0;

  constructor({ maximumPacketSize, role, version }: DecoderOptions) {
    this.maximumPacketSize = maximumPacketSize;
    this.#version = version;
    this.#fromClient = role === 'server';
    this.#sender = this.#fromClient ? 'client' : 'server';
  }

  get version(): ProtocolVersion | undefined {
    return this.#version;
  }

  get bufferedBytes(): number {
    return this.#chunk.length - this.#position + this.#pendingBytes;
  }

  feed(chunk: Uint8Array): void {
    if (this.#position === this.#chunk.length && this.#pendingBytes === 0) {
      this.#chunk = chunk;
      this.#position = 0;
    } else {
      this.#pending.push(chunk);
      this.#pendingBytes += chunk.length;
    }
  }

  next(): Packet | undefined {
    const buffered = this.bufferedBytes;
    if (buffered < 2 || buffered < this.#neededBytes) return undefined;
    const bodyAt = this.#header();
    if (bodyAt === undefined || this.bufferedBytes < this.#neededBytes) return undefined;
    this.#join();
    const start = this.#position;
    const end = start + this.#neededBytes;
    this.#neededBytes = 0;
    const first = this.#chunk[start] ?? 0;
    this.#reader.reset(this.#chunk, start + bodyAt, end);
    const packet = this.#decode(first >> 4, first & 15, end - start);
    if (this.#reader.remaining > 0) throw malformed('packet is longer than its content');
    this.#position = end;
    if (end === this.#chunk.length && this.#pendingBytes === 0) this.#chunk = new Uint8Array(0);
    if (this.#chunk.length === 0) this.#position = 0;
    return packet;
  }

  /** Sets the needed bytes; returns the length of the fixed header, undefined while it is incomplete. */
  #header(): number | undefined {
    if (this.#chunk.length - this.#position < 5) this.#join();
    let length = 0;
    for (let i = 1; i <= 4; i++) {
      const byte = this.#chunk[this.#position + i];
      if (byte === undefined) return undefined;
      length |= (byte & 0x7f) << (7 * (i - 1));
      if (byte < 0x80) {
        if (byte === 0 && i > 1) throw malformed('length is not in its shortest form'); // [MQTT-1.5.5-1]
        this.#neededBytes = 1 + i + length;
        this.#check();
        return 1 + i;
      }
    }
    throw malformed('length of more than four bytes');
  }

  /** What can be refused by the first bytes alone is refused before anything is buffered for it. */
  #check(): void {
    const type = (this.#chunk[this.#position] ?? 0) >> 4;
    if (this.#fromClient && (this.#version === undefined) !== (type === Type.connect))
      throw new ProtocolError(ReasonCode.protocolError, 'CONNECT is the first packet, once'); // [MQTT-3.1.0-1], [MQTT-3.1.0-2]
    if (this.#neededBytes > this.maximumPacketSize)
      throw new ProtocolError(ReasonCode.packetTooLarge, `packet of ${this.#neededBytes} bytes`); // [MQTT-3.2.2-15]
  }

  #join(): void {
    if (this.#pendingBytes === 0) return;
    const joined = new Uint8Array(this.bufferedBytes);
    joined.set(this.#chunk.subarray(this.#position));
    let at = this.#chunk.length - this.#position;
    for (const chunk of this.#pending) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    this.#chunk = joined;
    this.#position = 0;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  #decodePublish(flags: number, version: ProtocolVersion, packetBytes: number): Packet {
    const packet = decodePublish(this.#reader, flags, version, packetBytes);
    if (this.#fromClient && packet.subscriptionIds !== undefined)
      throw new ProtocolError(ReasonCode.protocolError, 'subscription identifier from a client'); // [MQTT-3.3.4-6]
    return packet;
  }

  #decode(type: number, flags: number, packetBytes: number): Packet {
    const version = this.#version ?? 4;
    const reader = this.#reader;
    if (type === Type.publish) return this.#decodePublish(flags, version, packetBytes);
    // [MQTT-2.1.3-1], [MQTT-3.6.1-1], [MQTT-3.8.1-1], [MQTT-3.10.1-1]
    if (flags !== (withFlagTwo.has(type) ? 2 : 0)) throw malformed('reserved flags');
    if ((this.#fromClient ? onlyFromServers : onlyFromClients).has(type))
      throw new ProtocolError(ReasonCode.protocolError, `packet type ${type} from the wrong side`);
    switch (type) {
      case Type.connect:
        return decodeConnect(reader, (learned) => (this.#version = learned));
      case Type.connack:
        return decodeConnack(reader, version);
      case Type.puback:
        return decodeAnswer(reader, 'puback', version, this.#sender);
      case Type.pubrec:
        return decodeAnswer(reader, 'pubrec', version, this.#sender);
      case Type.pubrel:
        return decodeAnswer(reader, 'pubrel', version, this.#sender);
      case Type.pubcomp:
        return decodeAnswer(reader, 'pubcomp', version, this.#sender);
      case Type.subscribe:
        return decodeSubscribe(reader, version);
      case Type.suback:
        return decodeSubscriptionAnswer(reader, 'suback', version);
      case Type.unsubscribe:
        return decodeUnsubscribe(reader, version);
      case Type.unsuback:
        return decodeSubscriptionAnswer(reader, 'unsuback', version);
      case Type.pingreq:
        return { type: 'pingreq' };
      case Type.pingresp:
        return { type: 'pingresp' };
      case Type.disconnect:
        return decodeEnd(reader, 'disconnect', version, this.#sender);
      case Type.auth:
        if (version === 4) throw malformed('AUTH in version 4');
        return decodeEnd(reader, 'auth', version, this.#sender);
      default:
        throw malformed(`packet type ${type}`);
    }
  }
}
