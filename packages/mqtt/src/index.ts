// SPDX-License-Identifier: Apache-2.0
export { ProtocolError } from './codec.ts';
export type { Codec, Decoder, DecoderOptions, PublishDelivery } from './codec.ts';
export { strictCodec } from './codec/codec.ts';
export { systemClock } from './clock.ts';
export type { Clock } from './clock.ts';
export { noUserProperties } from './packet.ts';
export type {
  Acknowledgement,
  AnswerPacket,
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  PingPacket,
  Properties,
  ProtocolVersion,
  Publish,
  PublishPacket,
  Qos,
  SubscribePacket,
  SubscriptionAnswerPacket,
  SubscriptionRequest,
  UnsubscribePacket,
  UserProperties,
  Will,
} from './packet.ts';
export { connectReturnCode, failureFrom, ReasonCode } from './reason-code.ts';
export {
  isShared,
  isTopicFilter,
  isTopicName,
  parseShared,
  startsWithWildcard,
  topicMatches,
} from './topic.ts';
