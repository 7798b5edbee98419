// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../codec.ts';
import type { Properties, UserProperties } from '../packet.ts';
import { ReasonCode } from '../reason-code.ts';
import { malformed, type Reader } from './reader.ts';
import { textBytesMax } from './text.ts';
import { variableIntegerBytes, type Writer } from './writer.ts';

/** The places a property section can stand in, one bit each. */
export const Section = {
  connect: 1,
  connack: 2,
  will: 4,
  /** PUBACK, PUBREC, PUBREL, PUBCOMP. */
  answer: 8,
  subscribe: 16,
  /** SUBACK, UNSUBACK. */
  subscriptionAnswer: 32,
  unsubscribe: 64,
  disconnect: 128,
  auth: 256,
} as const;
export type Section = (typeof Section)[keyof typeof Section];

type Kind = 'byte' | 'flag' | 'uint16' | 'uint32' | 'variable' | 'text' | 'binary';

interface Definition {
  readonly id: number;
  readonly name: Exclude<keyof Properties, 'userProperties'>;
  readonly kind: Kind;
  /** The sections it is allowed in. */
  readonly sections: number;
  readonly nonZero: boolean;
}

export const userPropertyId = 0x26;

const { connect, connack, will, answer, subscribe, subscriptionAnswer, disconnect, auth } = Section;

/** MQTT 5.0 §2.2.2.2, table 2-4. PUBLISH reads and writes its own (see publish.ts): it is the hot path. */
const definitions: readonly Definition[] = [
  define(0x01, 'payloadFormat', 'flag', will),
  define(0x02, 'messageExpirySeconds', 'uint32', will),
  define(0x03, 'contentType', 'text', will),
  define(0x08, 'responseTopic', 'text', will),
  define(0x09, 'correlationData', 'binary', will),
  define(0x0b, 'subscriptionId', 'variable', subscribe, true),
  define(0x11, 'sessionExpirySeconds', 'uint32', connect | connack | disconnect),
  define(0x12, 'assignedClientId', 'text', connack),
  define(0x13, 'serverKeepAliveSeconds', 'uint16', connack),
  define(0x15, 'authenticationMethod', 'text', connect | connack | auth),
  define(0x16, 'authenticationData', 'binary', connect | connack | auth),
  define(0x17, 'requestProblemInformation', 'flag', connect),
  define(0x18, 'willDelaySeconds', 'uint32', will),
  define(0x19, 'requestResponseInformation', 'flag', connect),
  define(0x1a, 'responseInformation', 'text', connack),
  define(0x1c, 'serverReference', 'text', connack | disconnect),
  define(0x1f, 'reasonString', 'text', connack | answer | subscriptionAnswer | disconnect | auth),
  define(0x21, 'receiveMaximum', 'uint16', connect | connack, true),
  define(0x22, 'topicAliasMaximum', 'uint16', connect | connack),
  define(0x24, 'maximumQos', 'flag', connack),
  define(0x25, 'retainAvailable', 'flag', connack),
  define(0x27, 'maximumPacketSize', 'uint32', connect | connack, true),
  define(0x28, 'wildcardSubscriptionAvailable', 'flag', connack),
  define(0x29, 'subscriptionIdsAvailable', 'flag', connack),
  define(0x2a, 'sharedSubscriptionAvailable', 'flag', connack),
];

function define(
  id: number,
  name: Definition['name'],
  kind: Kind,
  sections: number,
  nonZero = false,
): Definition {
  return { id, name, kind, sections, nonZero };
}

const byId: readonly (Definition | undefined)[] = Array.from({ length: 0x2b }, (_, id) =>
  definitions.find((definition) => definition.id === id),
);
const byName = new Map<string, Definition>(definitions.map((definition) => [definition.name, definition]));

/** Reads a length-prefixed section; it cannot run past the end of the packet. */
export function readProperties(reader: Reader, section: Section): Properties {
  const properties: Properties = {};
  const packetEnd = enterSection(reader);
  const userProperties: (readonly [string, string])[] = [];
  const slots = properties as Record<string, unknown>;
  while (reader.remaining > 0) {
    const id = reader.byte();
    if (id === userPropertyId) {
      userProperties.push([reader.text(), reader.text()]);
      continue;
    }
    const definition = byId[id];
    if (definition === undefined || (definition.sections & section) === 0)
      throw malformed(`property ${id} is not allowed here`);
    if (slots[definition.name] !== undefined) throw repeated(definition.name);
    slots[definition.name] = readValue(reader, definition);
  }
  if (userProperties.length > 0) properties.userProperties = userProperties;
  reader.end = packetEnd;
  return properties;
}

/** Narrows the reader to a property section; returns the packet's end, to be put back afterwards. */
export function enterSection(reader: Reader): number {
  const length = reader.variableInteger();
  if (length > reader.remaining) throw malformed('properties end outside the packet');
  const packetEnd = reader.end;
  reader.end = reader.position + length;
  return packetEnd;
}

export function repeated(name: string): ProtocolError {
  return new ProtocolError(ReasonCode.protocolError, `${name} is there twice`);
}

function readValue(reader: Reader, { name, kind, nonZero }: Definition): number | string | Uint8Array {
  switch (kind) {
    case 'text':
      return reader.text();
    case 'binary':
      return reader.binary();
    default: {
      const value = readNumber(reader, kind);
      if ((nonZero && value === 0) || (kind === 'flag' && value > 1))
        throw new ProtocolError(ReasonCode.protocolError, `${name} cannot be ${value}`);
      return value;
    }
  }
}

function readNumber(reader: Reader, kind: Exclude<Kind, 'text' | 'binary'>): number {
  switch (kind) {
    case 'uint16':
      return reader.uint16();
    case 'uint32':
      return reader.uint32();
    case 'variable':
      return reader.variableInteger();
    default:
      return reader.byte();
  }
}

export function propertiesBytesMax(properties: Properties): number {
  let bytes = 4;
  for (const value of Object.values(properties) as unknown[]) {
    if (typeof value === 'string') bytes += 3 + textBytesMax(value);
    else if (value instanceof Uint8Array) bytes += 3 + value.length;
    else bytes += 5;
  }
  return bytes + userPropertiesBytesMax(properties.userProperties);
}

export function userPropertiesBytesMax(userProperties: UserProperties | undefined): number {
  let bytes = 0;
  if (userProperties !== undefined)
    for (const [name, value] of userProperties) bytes += 5 + textBytesMax(name) + textBytesMax(value);
  return bytes;
}

/** The section with its length in front. What the packet does not allow is a bug of the caller. */
export function writeProperties(writer: Writer, properties: Properties, section: Section): void {
  const bytesMax = propertiesBytesMax(properties);
  const at = writer.reserveLength(bytesMax);
  for (const [name, value] of Object.entries(properties) as [string, unknown][]) {
    if (value === undefined || name === 'userProperties') continue;
    const definition = byName.get(name);
    if (definition === undefined || (definition.sections & section) === 0)
      throw new TypeError(`property ${name} is not allowed here`);
    writeValue(writer, definition, value);
  }
  writeUserProperties(writer, properties.userProperties);
  writer.fillLength(at, variableIntegerBytes(bytesMax));
}

export function writeUserProperties(writer: Writer, userProperties: UserProperties | undefined): void {
  if (userProperties === undefined) return;
  for (const [name, value] of userProperties) {
    writer.byte(userPropertyId);
    writer.text(name);
    writer.text(value);
  }
}

function writeValue(writer: Writer, { id, kind }: Definition, value: unknown): void {
  writer.byte(id);
  if (typeof value === 'string') writer.text(value);
  else if (value instanceof Uint8Array) writer.binary(value);
  else if (kind === 'uint16') writer.uint16(Number(value));
  else if (kind === 'uint32') writer.uint32(Number(value));
  else if (kind === 'variable') writer.variableInteger(Number(value));
  else writer.byte(Number(value));
}
