// SPDX-License-Identifier: Apache-2.0
import type { Packet, ProtocolVersion, Publish } from './packet.ts';

/** What the peer sent is not MQTT, or not allowed. The connection ends with this reason code [MQTT-4.13.1-1]. */
export class ProtocolError extends Error {
  readonly reasonCode: number;

  constructor(reasonCode: number, message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.reasonCode = reasonCode;
  }
}

/** What a PUBLISH gets from the connection it is written to; the rest comes from the message itself. */
export interface PublishDelivery {
  /** 0 for QoS 0. */
  packetId: number;
  dup: boolean;
  /** Counted down; undefined when the message has none. */
  messageExpirySeconds: number | undefined;
  /** 0 or undefined: none. */
  topicAlias?: number;
  /** The peer knows the alias: the topic is left out. */
  isTopicKnown?: boolean;
}

export interface DecoderOptions {
  /** Larger packets are refused with 0x95 as soon as their length is known, before they are buffered. */
  maximumPacketSize: number;
  /** Which packets may arrive: a server receives what clients send. */
  role: 'server' | 'client';
  /** A client knows it from the start; a server learns it from the CONNECT. */
  version?: ProtocolVersion;
}

/** One per connection. */
export interface Decoder {
  /** Takes ownership of the chunk: decoded payloads are views on it. */
  feed(chunk: Uint8Array): void;
  /** The next complete packet; throws ProtocolError, and after that the decoder is of no use. */
  next(): Packet | undefined;
  /** Set while a CONNECT is being decoded, so that even a malformed one can be answered in its version. */
  readonly version: ProtocolVersion | undefined;
  maximumPacketSize: number;
  /** Bytes fed and not yet decoded. */
  readonly bufferedBytes: number;
}

/** Port: bytes to packets and back. Never throws anything but ProtocolError on what a peer sent. */
export interface Codec {
  createDecoder(options: DecoderOptions): Decoder;
  /** The result is only valid until it is sent: it may share a buffer with packets encoded before and after it. */
  encode(packet: Packet, version: ProtocolVersion): Uint8Array;
  encodePublish(publish: Publish, version: ProtocolVersion, delivery: PublishDelivery): Uint8Array;
  /** Without properties: the common answer. */
  encodePuback(packetId: number, reasonCode: number, version: ProtocolVersion): Uint8Array;
}
