// SPDX-License-Identifier: Apache-2.0
import type { AnswerPacket, AuthPacket, DisconnectPacket, Properties, ProtocolVersion } from '../packet.ts';
import type { Sender } from '../packet-reason-codes.ts';
import { ReasonCode } from '../reason-code.ts';
import { propertiesBytesMax, readProperties, Section, writeProperties } from './properties.ts';
import { checkReasonCode, malformed, type Reader } from './reader.ts';
import { variableIntegerBytes, type Writer } from './writer.ts';

const firstByte = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

/** PUBACK, PUBREC, PUBREL, PUBCOMP: MQTT 5.0 §3.4 to §3.7. */
export function decodeAnswer(
  reader: Reader,
  type: AnswerPacket['type'],
  version: ProtocolVersion,
  sender: Sender,
): AnswerPacket {
  const packetId = reader.packetId();
  if (version === 4 || reader.remaining === 0) return { type, packetId, reasonCode: ReasonCode.success };
  // [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1]
  const reasonCode = checkReasonCode(reader.byte(), type, sender);
  if (reader.remaining === 0) return { type, packetId, reasonCode };
  const { reasonString, userProperties } = readProperties(reader, Section.answer);
  return {
    type,
    packetId,
    reasonCode,
    ...(reasonString === undefined ? undefined : { reasonString }),
    ...(userProperties === undefined ? undefined : { userProperties }),
  };
}

/** The short form, without properties: 4 bytes, or 5 for any reason code but success. */
export function writeShortAnswer(
  writer: Writer,
  type: AnswerPacket['type'],
  packetId: number,
  reasonCode: number,
  version: ProtocolVersion,
): Uint8Array {
  const short = version === 4 || reasonCode === ReasonCode.success;
  writer.begin(5);
  writer.byte(firstByte[type]);
  writer.byte(short ? 2 : 3);
  writer.uint16(packetId);
  if (!short) writer.byte(reasonCode);
  return writer.end();
}

export function writeAnswer(writer: Writer, packet: AnswerPacket, version: ProtocolVersion): Uint8Array {
  const { type, packetId, reasonCode, reasonString, userProperties } = packet;
  if (version === 4 || (reasonString === undefined && userProperties === undefined))
    return writeShortAnswer(writer, type, packetId, reasonCode, version);
  const properties: Properties = {};
  if (reasonString !== undefined) properties.reasonString = reasonString;
  if (userProperties !== undefined) properties.userProperties = userProperties;
  const bytesMax = 3 + propertiesBytesMax(properties);
  writer.begin(bytesMax + 5);
  writer.byte(firstByte[type]);
  const at = writer.reserveLength(bytesMax);
  writer.uint16(packetId);
  writer.byte(reasonCode);
  writeProperties(writer, properties, Section.answer);
  writer.fillLength(at, variableIntegerBytes(bytesMax));
  return writer.end();
}

/** DISCONNECT (§3.14) and AUTH (§3.15): an empty packet means reason code 0, which AUTH has from servers only. */
export function decodeEnd(
  reader: Reader,
  type: 'disconnect' | 'auth',
  version: ProtocolVersion,
  sender: Sender,
): DisconnectPacket | AuthPacket {
  const isEmpty = version === 4 || reader.remaining === 0;
  const reasonCode = isEmpty ? ReasonCode.success : reader.byte();
  // [MQTT-3.14.2-1], [MQTT-3.15.2-1]
  checkReasonCode(reasonCode, type, sender);
  // §3.14.2.2.1: DISCONNECT may leave out its properties; AUTH only with everything else.
  if (isEmpty || (type === 'disconnect' && reader.remaining === 0))
    return { type, reasonCode, properties: {} };
  const properties = readProperties(reader, type === 'auth' ? Section.auth : Section.disconnect);
  return { type, reasonCode, properties };
}

export function writeEnd(
  writer: Writer,
  { type, reasonCode, properties }: DisconnectPacket | AuthPacket,
  version: ProtocolVersion,
): Uint8Array {
  if (type === 'auth' && version === 4) throw malformed('AUTH in version 4');
  const bytesMax = 1 + propertiesBytesMax(properties);
  writer.begin(bytesMax + 5);
  writer.byte(type === 'auth' ? 0xf0 : 0xe0);
  const at = writer.reserveLength(bytesMax);
  if (version === 5) {
    writer.byte(reasonCode);
    writeProperties(writer, properties, type === 'auth' ? Section.auth : Section.disconnect);
  }
  writer.fillLength(at, variableIntegerBytes(bytesMax));
  return writer.end();
}
