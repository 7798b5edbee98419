// SPDX-License-Identifier: Apache-2.0
import type { Outgoing } from '../link/outgoing.ts';
import type { TransportInfo } from '../link/transport.ts';
import type { Acknowledgement, ProtocolVersion, Publish, Qos, UserProperties, Will } from '../packet.ts';

/** Everything a CONNECT says about who connects. */
export interface ConnectRequest {
  /** Assigned by the server when the client sent none. */
  readonly clientId: string;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly version: ProtocolVersion;
  readonly cleanStart: boolean;
  readonly transport: TransportInfo;
  readonly userProperties: UserProperties;
  readonly will?: Will;
}

export interface Authenticated<Principal> {
  readonly principal: Principal;
  /** Sessions are keyed (account, client id): nobody resumes or takes over another account's session. */
  readonly account: string;
  /** Into the CONNACK, or the AUTH that ends a re-authentication. */
  readonly userProperties?: UserProperties;
  /** Enhanced authentication: the last word to the client. */
  readonly authenticationData?: Uint8Array;
  readonly keepAliveMax?: number;
  /** The root of topics for answers to this client; told if it asks [MQTT-3.1.2-28]. */
  readonly responseInformation?: string;
}

export interface Denied {
  readonly reasonCode: number;
  readonly reasonString?: string;
  /** With 0x9C or 0x9D: where to go instead. */
  readonly serverReference?: string;
  readonly userProperties?: UserProperties;
}

export interface SubscribeOptions {
  readonly qos: Qos;
  readonly retainHandling: 0 | 1 | 2;
  /** The session had no subscription with this filter. */
  readonly isNew: boolean;
}

export interface SubscribeAnswer {
  /** Up to 2: granted with that QoS. */
  readonly reasonCode: number;
  readonly reasonString?: string;
}

/** One client's session: outlives its connection as long as the client asked for. */
export interface Session<Principal> {
  /** Of the present connection, or the last one. */
  readonly principal: Principal;
  readonly account: string;
  readonly clientId: string;
  readonly version: ProtocolVersion;
  readonly connected: boolean;
  /** Of the client; undefined: no limit. */
  readonly maximumPacketSize: number | undefined;
  /** What the subscriptions of this session make of a topic, reserved ones included. */
  matches(topic: string): { qos: Qos; subscriptionIds: number[] } | undefined;
  /** Without a connection: settled at once as lost. */
  send(outgoing: Outgoing): void;
  /** Waiting in front of the window; in flight is not counted. */
  readonly queued: number;
  readonly queuedBytes: number;
  /**
   * All sessions together hold more than the server allows, and this one part of it: what can be sent later should be.
   */
  isCrowded(isUrgent?: boolean): boolean;
  disconnect(reasonCode: number, reasonString?: string): void;
  /** Disconnects, if need be, and deletes the session without its Will: for a revoked credential. */
  end(reasonCode: number, reasonString?: string): void;
}

/** What a client has to answer next. */
export interface Challenge {
  readonly challenge: Uint8Array;
}

/**
 * One sign-in in several steps, of a new connection or of one that is open. Each step waits for the one before. When
 * the client gives up, or its time is over, no step follows; there is nothing to be closed.
 */
export interface AuthenticationExchange<Principal> {
  /** `data` is what the client sent last. An exception is reported and refuses the client. */
  step(data: Uint8Array | undefined): Promise<Challenge | Authenticated<Principal> | Denied>;
}

/** Port: sign-in by methods of MQTT 5.0 §4.12. 3.1.1 has none. */
export interface EnhancedAuthentication<Principal> {
  /**
   * Undefined: no such method (0x8C) [MQTT-4.12.0-1]. `session` is set when an open connection signs in again; it must
   * come out as the same account.
   */
  begin(
    method: string,
    request: ConnectRequest,
    session?: Session<Principal>,
  ): AuthenticationExchange<Principal> | undefined;
}

/**
 * Port: who may be given an ordinary message that its filter matched. A filter with wildcards is granted as a whole;
 * this keeps single topics below it from single clients. Asked for every match: it must be cheap, and must not throw.
 */
export interface ReceivePolicy<Principal> {
  mayReceive(principal: Principal, topic: string): boolean;
}

/**
 * Port: who wants to know which ordinary messages did not reach a client that subscribed. Must be cheap, and must not
 * throw.
 */
export interface DeliveryObserver<Principal> {
  /** Larger than the client's Maximum Packet Size: for the client it counts as delivered [MQTT-3.1.2-25]. */
  tooLarge(session: Session<Principal>, publish: Publish): void;
}

/**
 * Port: what the server is for. It keeps a reserved part of the topic tree to itself; the rest is ordinary MQTT.
 * Calls for one session come in order. An exception is reported and answered with 0x80.
 */
export interface Application<Principal> {
  /** Reserved topics are never routed, retained or matched by filters that begin with a wildcard. */
  reserves(topicOrFilter: string): boolean;
  authenticate(request: ConnectRequest): Promise<Authenticated<Principal> | Denied>;
  /** Ordinary tree only. */
  authorize(principal: Principal, action: 'publish' | 'subscribe', topicOrFilter: string): boolean;
  /**
   * Reserved topics only; also for a Will, when it fires. The result is ignored for QoS 0 and for a Will. With QoS 2 it
   * is called once per message: a repetition gets the answer of the first call.
   */
  publish(session: Session<Principal>, publish: Publish): Acknowledgement | Promise<Acknowledgement>;
  /** Reserved filters only. */
  subscribe(session: Session<Principal>, filter: string, options: SubscribeOptions): SubscribeAnswer;
  /** After the SUBACK was written. */
  subscribed(session: Session<Principal>, filter: string, options: SubscribeOptions): void;
  unsubscribed(session: Session<Principal>, filter: string): void;
  /** A connection was made; the session may be new or resumed with its subscriptions. */
  opened(session: Session<Principal>): void;
  /** The connection is gone; everything that was not written has been settled. The session may live on. */
  closed(session: Session<Principal>): void;
  /** The session is deleted; everything has been settled. */
  ended(session: Session<Principal>): void;
}
