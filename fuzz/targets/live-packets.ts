// SPDX-License-Identifier: Apache-2.0
// What clients of a running domain say before it is fuzzed, and what a server has to make of a stream of packets.
import {
  ProtocolError,
  strictCodec,
  type Packet,
  type ProtocolVersion,
  type UserProperties,
} from '@sealpost/mqtt';
import { serverLimits } from '@sealpost/mqtt/server';
import { mallory, password } from './live-domain.ts';
import { bytesOf } from './vectors.ts';

export const disconnect = Uint8Array.of(0xe0, 0);
export const pingRequest = Uint8Array.of(0xc0, 0);

export interface Ending {
  readonly ending: 'whole' | 'cut' | 'bad';
  /** Of the answers: a connection that is fresh chooses it. */
  readonly version: ProtocolVersion;
}

/** By our own decoder: what the server has to make of the stream. */
export function endingOf(body: Uint8Array, given: ProtocolVersion, isFresh: boolean): Ending {
  const known = isFresh ? {} : { version: given };
  const maximumPacketSize = isFresh ? serverLimits.connectBytesMax : serverLimits.packetBytesMax;
  const decoder = strictCodec.createDecoder({ role: 'server', maximumPacketSize, ...known });
  decoder.feed(new Uint8Array(body));
  try {
    let isFirst = true;
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
      isFirst = false;
      decoder.maximumPacketSize = serverLimits.packetBytesMax;
    }
    const isCut = decoder.bufferedBytes > 0 || (isFirst && isFresh);
    return { ending: isCut ? 'cut' : 'whole', version: decoder.version ?? given };
  } catch (error) {
    if (error instanceof ProtocolError) return { ending: 'bad', version: decoder.version ?? given };
    throw error;
  }
}

export function summary(packets: readonly Packet[]): string {
  const kinds = packets.map((packet) => {
    const error =
      'userProperties' in packet ? packet.userProperties?.find(([key]) => key === 'error')?.[1] : undefined;
    const code = 'reasonCode' in packet ? `:${packet.reasonCode.toString(16)}` : '';
    return `${packet.type}${code}${error === undefined ? '' : ` ${error}`}`;
  });
  return [...new Set(kinds)].toSorted().slice(0, 3).join(', ');
}

export function encode(packet: Packet, version: ProtocolVersion): Uint8Array {
  return strictCodec.encode(packet, version).slice();
}

export function wishes(filters: readonly string[]): { filter: string; qos: 1 }[] {
  return filters.map((filter) => ({ filter, qos: 1 }));
}

/** CONNECT. Without a password the certificate of the connection says who it is. */
export function hello(
  version: ProtocolVersion,
  clientId: string,
  { isWithPassword = false, userProperties }: HelloOptions = {},
): Uint8Array {
  return encode(
    {
      type: 'connect',
      version,
      clientId,
      cleanStart: true,
      keepAliveSeconds: 60,
      ...(isWithPassword ? { username: mallory, password: bytesOf(password) } : {}),
      properties: version === 5 && userProperties !== undefined ? { userProperties } : {},
    },
    version,
  );
}

interface HelloOptions {
  readonly isWithPassword?: boolean;
  readonly userProperties?: UserProperties;
}

export function publishOf(topic: string, qos: 1 | 2, packetId: number): Uint8Array {
  const properties = { userProperties: [['ask', 'delivered,fetched']] as UserProperties };
  return encode(
    {
      type: 'publish',
      topic,
      payload: bytesOf('hello'),
      qos,
      dup: false,
      retain: false,
      packetId,
      packetBytes: 0,
      ...properties,
    },
    qos === 2 ? 4 : 5,
  );
}
