// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../codec.ts';
import type {
  ProtocolVersion,
  SubscribePacket,
  SubscriptionAnswerPacket,
  SubscriptionRequest,
  UnsubscribePacket,
} from '../packet.ts';
import { failureFrom, ReasonCode } from '../reason-code.ts';
import { isShared } from '../topic.ts';
import { propertiesBytesMax, readProperties, Section, writeProperties } from './properties.ts';
import { malformed, type Reader } from './reader.ts';
import { textBytesMax } from './text.ts';
import { variableIntegerBytes, type Writer } from './writer.ts';

/** MQTT 5.0 §3.8. */
export function decodeSubscribe(reader: Reader, version: ProtocolVersion): SubscribePacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, Section.subscribe) : {};
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.remaining > 0) subscriptions.push(readRequest(reader, version));
  // [MQTT-3.8.3-2]
  if (subscriptions.length === 0)
    throw new ProtocolError(ReasonCode.protocolError, 'SUBSCRIBE without a filter');
  return { type: 'subscribe', packetId, subscriptions, properties };
}

function readRequest(reader: Reader, version: ProtocolVersion): SubscriptionRequest {
  const filter = reader.text(); // [MQTT-3.8.3-1]
  const options = reader.byte();
  const qos = options & 3;
  if (version === 4) {
    if (options > 2) throw malformed('reserved bits of a subscription, or QoS 3'); // [MQTT3-3.8.3-4]
    return { filter, qos: qos as 0 | 1 | 2 };
  }
  const retainHandling = (options >> 4) & 3;
  if ((options & 0xc0) !== 0) throw malformed('reserved bits of a subscription'); // [MQTT-3.8.3-5]
  if (qos === 3) throw new ProtocolError(ReasonCode.protocolError, 'QoS 3'); // §3.8.3.1
  if (retainHandling === 3) throw new ProtocolError(ReasonCode.protocolError, 'retain handling 3');
  const noLocal = (options & 4) !== 0;
  if (noLocal && isShared(filter))
    throw new ProtocolError(ReasonCode.protocolError, 'No Local on a shared subscription'); // [MQTT-3.8.3-4]
  return {
    filter,
    qos: qos as 0 | 1 | 2,
    noLocal,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

export function writeSubscribe(
  writer: Writer,
  packet: SubscribePacket,
  version: ProtocolVersion,
): Uint8Array {
  const { packetId, subscriptions, properties } = packet;
  let bytesMax = 2 + propertiesBytesMax(properties);
  for (const { filter } of subscriptions) bytesMax += 3 + textBytesMax(filter);
  writer.begin(bytesMax + 5);
  writer.byte(0x82);
  const at = writer.reserveLength(bytesMax);
  writer.uint16(packetId);
  if (version === 5) writeProperties(writer, properties, Section.subscribe);
  for (const request of subscriptions) {
    writer.text(request.filter);
    writer.byte(version === 5 ? optionsOf(request) : request.qos);
  }
  writer.fillLength(at, variableIntegerBytes(bytesMax));
  return writer.end();
}

function optionsOf({ qos, noLocal, retainAsPublished, retainHandling = 0 }: SubscriptionRequest): number {
  return qos | (noLocal === true ? 4 : 0) | (retainAsPublished === true ? 8 : 0) | (retainHandling << 4);
}

/** MQTT 5.0 §3.10. */
export function decodeUnsubscribe(reader: Reader, version: ProtocolVersion): UnsubscribePacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, Section.unsubscribe) : {};
  const filters: string[] = [];
  while (reader.remaining > 0) filters.push(reader.text()); // [MQTT-3.10.3-1]
  // [MQTT-3.10.3-2]
  if (filters.length === 0) throw new ProtocolError(ReasonCode.protocolError, 'UNSUBSCRIBE without a filter');
  return { type: 'unsubscribe', packetId, filters, properties };
}

export function writeUnsubscribe(
  writer: Writer,
  packet: UnsubscribePacket,
  version: ProtocolVersion,
): Uint8Array {
  const { packetId, filters, properties } = packet;
  let bytesMax = 2 + propertiesBytesMax(properties);
  for (const filter of filters) bytesMax += 2 + textBytesMax(filter);
  writer.begin(bytesMax + 5);
  writer.byte(0xa2);
  const at = writer.reserveLength(bytesMax);
  writer.uint16(packetId);
  if (version === 5) writeProperties(writer, properties, Section.unsubscribe);
  for (const filter of filters) writer.text(filter);
  writer.fillLength(at, variableIntegerBytes(bytesMax));
  return writer.end();
}

/** SUBACK (§3.9) and UNSUBACK (§3.11). */
export function decodeSubscriptionAnswer(
  reader: Reader,
  type: 'suback' | 'unsuback',
  version: ProtocolVersion,
): SubscriptionAnswerPacket {
  const packetId = reader.packetId();
  // 3.1.1 §3.11.3: no payload. What is there all the same is left to the decoder, which refuses it.
  if (version === 4 && type === 'unsuback') return { type, packetId, reasonCodes: [], properties: {} };
  const properties = version === 5 ? readProperties(reader, Section.subscriptionAnswer) : {};
  const reasonCodes = [...reader.rest()];
  if (reasonCodes.length === 0) throw malformed('no reason code');
  if (version === 4 && !reasonCodes.every((code) => code <= 2 || code === failureFrom))
    throw malformed('reserved return code of SUBACK'); // [MQTT3-3.9.3-2]
  return { type, packetId, reasonCodes, properties };
}

export function writeSubscriptionAnswer(
  writer: Writer,
  packet: SubscriptionAnswerPacket,
  version: ProtocolVersion,
): Uint8Array {
  const { type, packetId, reasonCodes, properties } = packet;
  const bytesMax = 2 + propertiesBytesMax(properties) + reasonCodes.length;
  writer.begin(bytesMax + 5);
  writer.byte(type === 'suback' ? 0x90 : 0xb0);
  const at = writer.reserveLength(bytesMax);
  writer.uint16(packetId);
  if (version === 5) writeProperties(writer, properties, Section.subscriptionAnswer);
  if (version === 5 || type === 'suback')
    for (const code of reasonCodes) writer.byte(version === 4 && code >= failureFrom ? failureFrom : code);
  writer.fillLength(at, variableIntegerBytes(bytesMax));
  return writer.end();
}
