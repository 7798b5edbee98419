// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../codec.ts';
import type { ConnackPacket, ConnectPacket, Properties, ProtocolVersion, Will } from '../packet.ts';
import { connectReturnCode, ReasonCode } from '../reason-code.ts';
import { isTopicName } from '../topic.ts';
import { propertiesBytesMax, readProperties, Section, writeProperties } from './properties.ts';
import { checkReasonCode, malformed, type Reader } from './reader.ts';
import { textBytesMax } from './text.ts';
import { variableIntegerBytes, type Writer } from './writer.ts';

const Flag = { cleanStart: 0x02, will: 0x04, willRetain: 0x20, password: 0x40, username: 0x80 } as const;

/** MQTT 5.0 §3.1, 3.1.1 §3.1. `learned` is told the version as soon as it is known. */
export function decodeConnect(reader: Reader, learned: (version: ProtocolVersion) => void): ConnectPacket {
  const version = readVersion(reader, learned);
  const flags = reader.byte();
  if ((flags & 1) !== 0) throw malformed('reserved flag of CONNECT'); // [MQTT-3.1.2-3]
  const keepAliveSeconds = reader.uint16();
  const properties = version === 5 ? readProperties(reader, Section.connect) : {};
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined)
    throw new ProtocolError(ReasonCode.protocolError, 'authentication data without a method');
  const clientId = reader.text(); // [MQTT-3.1.3-3]
  const will = readWill(reader, flags, version);
  const hasUsername = (flags & Flag.username) !== 0;
  const hasPassword = (flags & Flag.password) !== 0;
  if (version === 4 && hasPassword && !hasUsername) throw malformed('password without user name'); // [MQTT3-3.1.2-22]
  const username = hasUsername ? { username: reader.text() } : undefined; // [MQTT-3.1.2-17]
  const password = hasPassword ? { password: reader.binary() } : undefined; // [MQTT-3.1.2-19]
  return {
    type: 'connect',
    version,
    clientId,
    cleanStart: (flags & Flag.cleanStart) !== 0,
    keepAliveSeconds,
    ...username,
    ...password,
    ...(will === undefined ? undefined : { will }),
    properties,
  };
}

function readVersion(reader: Reader, learned: (version: ProtocolVersion) => void): ProtocolVersion {
  const name = reader.text(); // [MQTT-3.1.2-1]
  if (name !== 'MQTT' && name !== 'MQIsdp') throw malformed('not MQTT');
  const level = reader.byte();
  // Bridges of Mosquitto ask for more than MQTT by the highest bit, and without it once they are refused in their version.
  learned(name === 'MQTT' && (level & 0x7f) >= 5 ? 5 : 4);
  if (name !== 'MQTT' || (level !== 4 && level !== 5))
    throw new ProtocolError(ReasonCode.unsupportedProtocolVersion, `protocol level ${level}`); // [MQTT-3.1.2-2]
  return level;
}

function readWill(reader: Reader, flags: number, version: ProtocolVersion): Will | undefined {
  const qos = (flags >> 3) & 3;
  const retain = (flags & Flag.willRetain) !== 0;
  if ((flags & Flag.will) === 0) {
    if (qos !== 0 || retain) throw malformed('Will flags without a Will'); // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
    return undefined;
  }
  if (qos === 3) throw malformed('Will QoS 3'); // [MQTT-3.1.2-12]
  const properties = version === 5 ? readProperties(reader, Section.will) : {};
  const topic = reader.text(); // [MQTT-3.1.3-11]
  if (!isTopicName(topic)) throw malformed('Will topic is no topic name');
  if (properties.responseTopic !== undefined && !isTopicName(properties.responseTopic))
    throw malformed('response topic is no topic name');
  // It may be kept for long, and does not hold on to the chunk it came in.
  if (properties.correlationData !== undefined)
    properties.correlationData = properties.correlationData.slice();
  return { topic, payload: reader.binary().slice(), qos: qos as 0 | 1 | 2, retain, properties };
}

export function writeConnect(writer: Writer, packet: ConnectPacket): Uint8Array {
  const { version, will, username, password, properties } = packet;
  const bytesMax =
    20 +
    textBytesMax(packet.clientId) +
    textBytesMax(username ?? '') +
    (password?.length ?? 0) +
    propertiesBytesMax(properties) +
    (will === undefined
      ? 0
      : 4 + textBytesMax(will.topic) + will.payload.length + propertiesBytesMax(will.properties));
  writer.begin(bytesMax + 5);
  writer.byte(0x10);
  const at = writer.reserveLength(bytesMax);
  writer.text('MQTT');
  writer.byte(version);
  writer.byte(connectFlags(packet));
  writer.uint16(packet.keepAliveSeconds);
  if (version === 5) writeProperties(writer, properties, Section.connect);
  writer.text(packet.clientId);
  if (will !== undefined) {
    if (version === 5) writeProperties(writer, will.properties, Section.will);
    writer.text(will.topic);
    writer.binary(will.payload);
  }
  if (username !== undefined) writer.text(username);
  if (password !== undefined) writer.binary(password);
  writer.fillLength(at, variableIntegerBytes(bytesMax));
  return writer.end();
}

function connectFlags({ cleanStart, will, username, password }: ConnectPacket): number {
  return (
    (cleanStart ? Flag.cleanStart : 0) |
    (will === undefined ? 0 : Flag.will | (will.qos << 3) | (will.retain ? Flag.willRetain : 0)) |
    (password === undefined ? 0 : Flag.password) |
    (username === undefined ? 0 : Flag.username)
  );
}

export function decodeConnack(reader: Reader, version: ProtocolVersion): ConnackPacket {
  const flags = reader.byte();
  if (flags > 1) throw malformed('reserved flags of CONNACK');
  const reasonCode = reader.byte();
  if (version === 5) checkReasonCode(reasonCode, 'connack', 'server'); // [MQTT-3.2.2-8]
  const properties: Properties = version === 5 ? readProperties(reader, Section.connack) : {};
  return { type: 'connack', sessionPresent: flags === 1, reasonCode, properties };
}

export function writeConnack(writer: Writer, packet: ConnackPacket, version: ProtocolVersion): Uint8Array {
  const { sessionPresent, reasonCode, properties } = packet;
  const code = version === 5 ? reasonCode : connectReturnCode(reasonCode);
  if (code === undefined) throw new RangeError(`no return code of 3.1.1 says 0x${reasonCode.toString(16)}`);
  const bytesMax = 2 + propertiesBytesMax(properties);
  writer.begin(bytesMax + 5);
  writer.byte(0x20);
  const at = writer.reserveLength(bytesMax);
  writer.byte(sessionPresent ? 1 : 0);
  writer.byte(code);
  if (version === 5) writeProperties(writer, properties, Section.connack);
  writer.fillLength(at, variableIntegerBytes(bytesMax));
  return writer.end();
}
