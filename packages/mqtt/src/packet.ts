// SPDX-License-Identifier: Apache-2.0

/** 4 is MQTT 3.1.1, 5 is MQTT 5.0: the protocol level of CONNECT. */
export type ProtocolVersion = 4 | 5;

/** Names may repeat and their order is kept [MQTT-3.3.2-18]. */
export type UserProperties = readonly (readonly [string, string])[];

export const noUserProperties: UserProperties = [];

export type Qos = 0 | 1 | 2;

export interface Publish {
  topic: string;
  /** Of a decoded packet: a view on the received chunk. Copy it before keeping it for long. */
  payload: Uint8Array;
  qos: Qos;
  retain: boolean;
  dup?: boolean;
  packetId?: number;
  messageExpirySeconds?: number;
  payloadFormat?: 0 | 1;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  subscriptionIds?: number[];
  userProperties: UserProperties;
}

/** The answer to a PUBLISH with QoS 1 (PUBACK) or 2 (PUBREC). Below 0x80 the receiver took it. */
export interface Acknowledgement {
  readonly reasonCode: number;
  readonly reasonString?: string;
  readonly userProperties?: UserProperties;
}

/** Everything a property section may carry apart from the ones of PUBLISH, by the names this package uses. */
export interface Properties {
  sessionExpirySeconds?: number;
  receiveMaximum?: number;
  maximumPacketSize?: number;
  topicAliasMaximum?: number;
  requestResponseInformation?: number;
  requestProblemInformation?: number;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
  assignedClientId?: string;
  serverKeepAliveSeconds?: number;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  maximumQos?: number;
  retainAvailable?: number;
  wildcardSubscriptionAvailable?: number;
  subscriptionIdsAvailable?: number;
  sharedSubscriptionAvailable?: number;
  subscriptionId?: number;
  willDelaySeconds?: number;
  messageExpirySeconds?: number;
  payloadFormat?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  userProperties?: UserProperties;
}

export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly properties: Properties;
}

export interface ConnectPacket {
  readonly type: 'connect';
  readonly version: ProtocolVersion;
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly will?: Will;
  readonly properties: Properties;
}

export interface ConnackPacket {
  readonly type: 'connack';
  readonly sessionPresent: boolean;
  readonly reasonCode: number;
  readonly properties: Properties;
}

export interface PublishPacket extends Publish {
  type: 'publish';
  dup: boolean;
  topicAlias?: number;
  /** Of the whole packet, as received. */
  packetBytes: number;
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP have one form. */
export interface AnswerPacket extends Acknowledgement {
  readonly type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  readonly packetId: number;
}

export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  readonly retainHandling?: 0 | 1 | 2;
}

export interface SubscribePacket {
  readonly type: 'subscribe';
  readonly packetId: number;
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly properties: Properties;
}

export interface UnsubscribePacket {
  readonly type: 'unsubscribe';
  readonly packetId: number;
  readonly filters: readonly string[];
  readonly properties: Properties;
}

/** SUBACK and UNSUBACK have one form, except that an UNSUBACK of version 4 has no reason codes. */
export interface SubscriptionAnswerPacket {
  readonly type: 'suback' | 'unsuback';
  readonly packetId: number;
  readonly reasonCodes: readonly number[];
  readonly properties: Properties;
}

export interface PingPacket {
  readonly type: 'pingreq' | 'pingresp';
}

export interface DisconnectPacket {
  readonly type: 'disconnect';
  readonly reasonCode: number;
  readonly properties: Properties;
}

export interface AuthPacket {
  readonly type: 'auth';
  readonly reasonCode: number;
  readonly properties: Properties;
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AnswerPacket
  | SubscribePacket
  | UnsubscribePacket
  | SubscriptionAnswerPacket
  | PingPacket
  | DisconnectPacket
  | AuthPacket;
