// SPDX-License-Identifier: Apache-2.0
import type { Codec, Decoder, DecoderOptions, PublishDelivery } from '../codec.ts';
import type { Packet, ProtocolVersion, Publish } from '../packet.ts';
import { writeAnswer, writeEnd, writeShortAnswer } from './answer.ts';
import { writeConnack, writeConnect } from './connect.ts';
import { PacketDecoder } from './decoder.ts';
import { writePublish } from './publish.ts';
import { writeSubscribe, writeSubscriptionAnswer, writeUnsubscribe } from './subscribe.ts';
import { Writer } from './writer.ts';

const writer = new Writer();

/** The strict codec of this package: every bound checked, order of user properties kept, payloads not copied. */
export const strictCodec: Codec = {
  createDecoder(options: DecoderOptions): Decoder {
    return new PacketDecoder(options);
  },

  encodePublish(publish: Publish, version: ProtocolVersion, delivery: PublishDelivery): Uint8Array {
    return writePublish(writer, publish, version, delivery);
  },

  encodePuback(packetId: number, reasonCode: number, version: ProtocolVersion): Uint8Array {
    return writeShortAnswer(writer, 'puback', packetId, reasonCode, version);
  },

  encode(packet: Packet, version: ProtocolVersion): Uint8Array {
    switch (packet.type) {
      case 'connect':
        return writeConnect(writer, packet);
      case 'connack':
        return writeConnack(writer, packet, version);
      case 'publish':
        return writePublish(writer, packet, version, {
          packetId: packet.packetId ?? 0,
          dup: packet.dup,
          messageExpirySeconds: packet.messageExpirySeconds,
          topicAlias: packet.topicAlias ?? 0,
        });
      case 'puback':
      case 'pubrec':
      case 'pubrel':
      case 'pubcomp':
        return writeAnswer(writer, packet, version);
      case 'subscribe':
        return writeSubscribe(writer, packet, version);
      case 'unsubscribe':
        return writeUnsubscribe(writer, packet, version);
      case 'suback':
      case 'unsuback':
        return writeSubscriptionAnswer(writer, packet, version);
      case 'pingreq':
      case 'pingresp':
        return writeEmpty(packet.type === 'pingreq' ? 0xc0 : 0xd0);
      case 'disconnect':
      case 'auth':
        return writeEnd(writer, packet, version);
    }
  },
};

function writeEmpty(firstByte: number): Uint8Array {
  writer.begin(2);
  writer.byte(firstByte);
  writer.byte(0);
  return writer.end();
}
