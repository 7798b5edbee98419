// SPDX-License-Identifier: Apache-2.0
import { ProtocolError, type PublishDelivery } from '../codec.ts';
import { noUserProperties, type ProtocolVersion, type Publish, type PublishPacket } from '../packet.ts';
import { ReasonCode } from '../reason-code.ts';
import { isTopicName } from '../topic.ts';
import {
  enterSection,
  repeated,
  userPropertiesBytesMax,
  userPropertyId,
  writeUserProperties,
} from './properties.ts';
import { malformed, type Reader } from './reader.ts';
import { textBytesMax } from './text.ts';
import { variableIntegerBytes, type Writer } from './writer.ts';

/** MQTT 5.0 §3.3. `flags` are the low four bits of the first byte. */
export function decodePublish(
  reader: Reader,
  flags: number,
  version: ProtocolVersion,
  packetBytes: number,
): PublishPacket {
  const qos = (flags >> 1) & 3;
  const dup = (flags & 8) !== 0;
  if (qos === 3) throw malformed('QoS 3'); // [MQTT-3.3.1-4]
  if (qos === 0 && dup) throw malformed('DUP with QoS 0'); // [MQTT-3.3.1-2]
  const topic = reader.text();
  if (topic.length > 0 && !isTopicName(topic)) throw malformed('wildcard in a topic name'); // [MQTT-3.3.2-2]
  const packet: PublishPacket = {
    type: 'publish',
    topic,
    payload: reader.bytes,
    qos: qos as 0 | 1 | 2,
    retain: (flags & 1) !== 0,
    dup,
    userProperties: noUserProperties,
    packetBytes,
  };
  if (qos > 0) packet.packetId = reader.packetId();
  if (version === 5) readPublishProperties(reader, packet);
  if (topic.length === 0 && packet.topicAlias === undefined)
    throw version === 5
      ? new ProtocolError(ReasonCode.protocolError, 'neither topic nor alias')
      : malformed('empty topic'); // [MQTT-4.7.3-1]
  packet.payload = reader.rest();
  return packet;
}

function readPublishProperties(reader: Reader, packet: PublishPacket): void {
  const packetEnd = enterSection(reader);
  let userProperties: (readonly [string, string])[] | undefined;
  while (reader.remaining > 0) {
    const id = reader.byte();
    if (id === userPropertyId) (userProperties ??= []).push([reader.text(), reader.text()]);
    else readPublishProperty(reader, packet, id);
  }
  if (userProperties !== undefined) packet.userProperties = userProperties;
  reader.end = packetEnd;
}

function readPublishProperty(reader: Reader, packet: PublishPacket, id: number): void {
  switch (id) {
    case 0x01: {
      if (packet.payloadFormat !== undefined) throw repeated('payloadFormat');
      const format = reader.byte();
      if (format > 1) throw new ProtocolError(ReasonCode.protocolError, `payload format ${format}`);
      packet.payloadFormat = format as 0 | 1;
      return;
    }
    case 0x02:
      if (packet.messageExpirySeconds !== undefined) throw repeated('messageExpirySeconds');
      packet.messageExpirySeconds = reader.uint32();
      return;
    case 0x03:
      if (packet.contentType !== undefined) throw repeated('contentType');
      packet.contentType = reader.text();
      return;
    case 0x08:
      if (packet.responseTopic !== undefined) throw repeated('responseTopic');
      packet.responseTopic = reader.text();
      if (!isTopicName(packet.responseTopic)) throw malformed('response topic is no topic name'); // [MQTT-3.3.2-14]
      return;
    case 0x09:
      if (packet.correlationData !== undefined) throw repeated('correlationData');
      packet.correlationData = reader.binary();
      return;
    case 0x0b: {
      const subscriptionId = reader.variableInteger();
      if (subscriptionId === 0)
        throw new ProtocolError(ReasonCode.protocolError, 'subscription identifier 0');
      (packet.subscriptionIds ??= []).push(subscriptionId);
      return;
    }
    case 0x23: {
      if (packet.topicAlias !== undefined) throw repeated('topicAlias');
      packet.topicAlias = reader.uint16();
      if (packet.topicAlias === 0) throw new ProtocolError(ReasonCode.topicAliasInvalid, 'topic alias 0'); // [MQTT-3.3.2-8]
      return;
    }
    default:
      throw malformed(`property ${id} is not allowed in PUBLISH`);
  }
}

export function writePublish(
  writer: Writer,
  publish: Publish,
  version: ProtocolVersion,
  delivery: PublishDelivery,
): Uint8Array {
  const { qos } = publish;
  const { packetId, dup, isTopicKnown = false } = delivery;
  const bytesMax = publishBytesMax(publish, version);
  writer.begin(bytesMax + 5);
  writer.byte(0x30 | (dup ? 8 : 0) | (qos << 1) | (publish.retain ? 1 : 0));
  const at = writer.reserveLength(bytesMax);
  writer.text(isTopicKnown ? '' : publish.topic);
  if (qos > 0) writer.uint16(packetId);
  if (version === 5) writePublishProperties(writer, publish, delivery);
  writer.raw(publish.payload);
  writer.fillLength(at, variableIntegerBytes(bytesMax));
  return writer.end();
}

/** Without the fixed header. */
export function publishBytesMax(publish: Publish, version: ProtocolVersion): number {
  const bytes = 4 + textBytesMax(publish.topic) + publish.payload.length;
  return version === 5 ? bytes + 4 + publishPropertiesBytesMax(publish) : bytes;
}

function publishPropertiesBytesMax(publish: Publish): number {
  return (
    2 +
    5 +
    3 +
    (publish.contentType === undefined ? 0 : 3 + textBytesMax(publish.contentType)) +
    (publish.responseTopic === undefined ? 0 : 3 + textBytesMax(publish.responseTopic)) +
    (publish.correlationData === undefined ? 0 : 3 + publish.correlationData.length) +
    (publish.subscriptionIds === undefined ? 0 : 5 * publish.subscriptionIds.length) +
    userPropertiesBytesMax(publish.userProperties)
  );
}

function writePublishProperties(
  writer: Writer,
  publish: Publish,
  { messageExpirySeconds, topicAlias = 0 }: PublishDelivery,
): void {
  const bytesMax = publishPropertiesBytesMax(publish);
  const at = writer.reserveLength(bytesMax);
  if (publish.payloadFormat !== undefined) {
    writer.byte(0x01);
    writer.byte(publish.payloadFormat);
  }
  if (messageExpirySeconds !== undefined) {
    writer.byte(0x02);
    writer.uint32(messageExpirySeconds);
  }
  if (publish.contentType !== undefined) {
    writer.byte(0x03);
    writer.text(publish.contentType);
  }
  if (publish.responseTopic !== undefined) {
    writer.byte(0x08);
    writer.text(publish.responseTopic);
  }
  if (publish.correlationData !== undefined) {
    writer.byte(0x09);
    writer.binary(publish.correlationData);
  }
  if (publish.subscriptionIds !== undefined)
    for (const subscriptionId of publish.subscriptionIds) {
      writer.byte(0x0b);
      writer.variableInteger(subscriptionId);
    }
  if (topicAlias > 0) {
    writer.byte(0x23);
    writer.uint16(topicAlias);
  }
  writeUserProperties(writer, publish.userProperties);
  writer.fillLength(at, variableIntegerBytes(bytesMax));
}
