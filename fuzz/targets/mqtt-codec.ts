// SPDX-License-Identifier: Apache-2.0
import mqttPacket from 'mqtt-packet';
import {
  ProtocolError,
  strictCodec,
  type DecoderOptions,
  type Packet,
  type ProtocolVersion,
} from '@sealpost/mqtt';
import { Random } from '../engine/random.ts';
import { holds, type Target } from '../target.ts';
import { randomPacket } from './mqtt-packets.ts';

const maximumPacketSize = 300;

/** The first byte of an input says who reads, and in which version; the rest is what arrives. */
const readers: readonly [Reader, ...Reader[]] = [
  { role: 'server' },
  { role: 'server', version: 4 },
  { role: 'server', version: 5 },
  { role: 'client', version: 4 },
  { role: 'client', version: 5 },
];

type Reader = Pick<DecoderOptions, 'role' | 'version'>;

export const mqttCodec: Target = {
  name: 'mqtt-codec',
  invariant:
    'The decoder gives packets or ProtocolError; cut anywhere the stream gives the same; what it takes survives ' +
    'encoding and decoding, is read by another implementation, and never holds more memory than arrived.',
  inputBytesMax: 4096,
  hangMs: 1000,
  allocatedBytesMax: 1 << 20,
  async open() {
    const random = new Random(1);
    return {
      seeds: Array.from({ length: 200 }, () => stream(random)),
      vary: (input, by) =>
        by.chance(2) ? stream(by) : Buffer.concat([input, randomPacket(by, versionOf(input))]),
      run,
    };
  },
};

function versionOf(input: Uint8Array): ProtocolVersion {
  return readerOf(input).version ?? 5;
}

function readerOf(input: Uint8Array): Reader {
  return readers[(input[0] ?? 0) % readers.length] ?? readers[0];
}

function stream(random: Random): Uint8Array {
  const reader = random.below(readers.length);
  const version = readers[reader]?.version ?? random.pick([4, 5] as const);
  const packets = Array.from({ length: random.between(1, 3) }, () => randomPacket(random, version));
  return Buffer.concat([Uint8Array.of(reader), ...packets]);
}

interface Decoded {
  readonly packets: readonly Packet[];
  /** Of each PUBLISH, as it came. */
  readonly publishBytes: readonly number[];
  readonly error: ProtocolError | undefined;
}

function decode(input: Uint8Array, piecesOf: number): Decoded {
  const reader = readerOf(input);
  const decoder = strictCodec.createDecoder({ maximumPacketSize, ...reader });
  const packets: Packet[] = [];
  const publishBytes: number[] = [];
  let fed = 0;
  try {
    for (let at = 1; at < input.length; at += piecesOf) {
      const chunk = input.slice(at, at + piecesOf);
      decoder.feed(chunk);
      fed += chunk.length;
      holds(decoder.bufferedBytes <= fed, 'more is buffered than came');
      for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
        packets.push(plain(packet));
        if (packet.type === 'publish') publishBytes.push(packet.packetBytes);
      }
      holds(decoder.bufferedBytes < maximumPacketSize, 'a packet beyond the limit is waited for');
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    holds(error.reasonCode >= 0x80 && error.reasonCode <= 0xff, 'a reason code that is none');
    return { packets, publishBytes, error };
  }
  return { packets, publishBytes, error: undefined };
}

/** Without views on what arrived, and without the length of the packet. */
function plain(packet: Packet): Packet {
  return JSON.parse(
    JSON.stringify(packet, (key, value: unknown) =>
      key === 'packetBytes'
        ? undefined
        : value instanceof Uint8Array
          ? { hex: Buffer.from(value).toString('hex') }
          : value,
    ),
    (_, value: unknown) => {
      const hex = typeof value === 'object' && value !== null && 'hex' in value ? value.hex : undefined;
      return typeof hex === 'string' ? new Uint8Array(Buffer.from(hex, 'hex')) : value;
    },
  ) as Packet;
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function run(input: Uint8Array): string {
  const whole = decode(input, input.length + 1);
  for (const pieces of [1, 1 + ((input[1] ?? 0) % 7)]) {
    const cut = decode(input, pieces);
    holds(same(cut.packets, whole.packets), 'cut into pieces the stream gives other packets');
    holds(
      cut.error?.reasonCode === whole.error?.reasonCode,
      'cut into pieces the stream gives another error',
    );
  }
  const lengths = [...whole.publishBytes];
  for (const packet of whole.packets)
    roundTrip(packet, input, packet.type === 'publish' ? lengths.shift() : undefined);
  const kinds = new Set(whole.packets.map(({ type }) => type));
  return whole.error === undefined
    ? `taken ${[...kinds].toSorted().join('+')}`
    : whole.error.message.replaceAll(/\d+/g, '…');
}

/** `came`: the length of the packet, where its form leaves no choice but the order of properties. */
function roundTrip(packet: Packet, input: Uint8Array, came: number | undefined): void {
  const reader = readerOf(input);
  const version = packet.type === 'connect' ? packet.version : reader.version;
  // Written in version 4 a reason code becomes the nearest return code, and an alias is never written.
  if (version === 4 && packet.type === 'connack') return;
  if (version === undefined || (packet.type === 'publish' && packet.topicAlias !== undefined)) return;
  const encoded = strictCodec.encode(packet, version).slice();
  const decoder = strictCodec.createDecoder({
    maximumPacketSize: 2 * maximumPacketSize,
    ...(packet.type === 'connect' ? readers[0] : reader),
  });
  decoder.feed(encoded);
  const again = decoder.next();
  holds(
    again !== undefined && same(normal(plain(again)), normal(packet)),
    `${packet.type} does not survive encoding`,
  );
  holds(decoder.bufferedBytes === 0, `${packet.type} leaves bytes behind`);
  holds(came === undefined || came === encoded.length, 'a PUBLISH that was longer than what it says');
  compare(packet, encoded, version);
}

/** Order of names in an object is nobody's concern. */
function normal(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, inner]) => [name, normal(inner)]),
  );
}

/** What another implementation reads in it. It knows no more of reason codes than their names, hence the exceptions. */
function compare(packet: Packet, encoded: Uint8Array, version: ProtocolVersion): void {
  const parser = mqttPacket.parser({ protocolVersion: version });
  let theirs: mqttPacket.Packet | undefined;
  let objection: Error | undefined;
  parser.on('packet', (parsed) => (theirs = parsed));
  parser.on('error', (error: unknown) => (objection = error as Error));
  parser.parse(Buffer.from(encoded));
  if (objection !== undefined) {
    holds(
      isKnownObjection(objection.message),
      `the other implementation refuses ${packet.type}: ${objection.message}`,
    );
    return;
  }
  holds(theirs !== undefined, 'the other implementation waits for more');
  holds(theirs.cmd === packet.type, 'the other implementation sees another packet');
  if (packet.type === 'publish' && theirs.cmd === 'publish') {
    holds(theirs.topic === packet.topic, 'topic');
    holds(theirs.qos === packet.qos && theirs.retain === packet.retain && theirs.dup === packet.dup, 'flags');
    holds(Buffer.compare(Buffer.from(theirs.payload as Buffer), packet.payload) === 0, 'payload');
    holds((theirs.messageId ?? 0) === (packet.packetId ?? 0), 'packet identifier');
    holds(theirs.properties?.messageExpiryInterval === packet.messageExpirySeconds, 'message expiry');
  }
  if (packet.type === 'connect' && theirs.cmd === 'connect') {
    holds(
      theirs.clientId === packet.clientId && theirs.clean === packet.cleanStart,
      'client id or clean start',
    );
    holds(theirs.keepalive === packet.keepAliveSeconds, 'keep alive');
    holds(theirs.will?.topic === packet.will?.topic, 'Will');
  }
}

/** It insists on reason codes that the packet's own table has, which is the business of the layer above ours. */
function isKnownObjection(message: string): boolean {
  return /reason code|return code|Invalid (?:subscribe|suback|unsuback)|granted/i.test(message);
}
