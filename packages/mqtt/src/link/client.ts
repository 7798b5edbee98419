// SPDX-License-Identifier: Apache-2.0
import { repeat, systemClock, type Clock } from '../clock.ts';
import { ProtocolError, type Codec } from '../codec.ts';
import { strictCodec } from '../codec/codec.ts';
import type {
  Acknowledgement,
  ConnackPacket,
  Packet,
  Properties,
  ProtocolVersion,
  Publish,
  SubscriptionRequest,
  UserProperties,
  Will,
} from '../packet.ts';
import { failureFrom, ReasonCode } from '../reason-code.ts';
import { Connection, type CloseInfo } from './connection.ts';
import { incomingLimits, type PublishHandler } from './incoming.ts';
import { Outbox, outboxLimits, type OutboxLimits } from './outbox.ts';
import type { Outcome, Outgoing } from './outgoing.ts';
import { PacketStream, type PacketReader } from './packet-stream.ts';
import { Received } from './received.ts';
import { linksOrder } from './reading-order.ts';
import type { Transport } from './transport.ts';

export interface LinkOptions {
  readonly clientId: string;
  readonly version?: ProtocolVersion;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly cleanStart: boolean;
  readonly sessionExpirySeconds?: number;
  /** 0: none. */
  readonly keepAliveSeconds: number;
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
  /** How many topics the server may name by a number. Default: 0. */
  readonly topicAliasMaximum?: number;
  readonly userProperties?: UserProperties;
  readonly will?: Will;
  readonly codec?: Codec;
  readonly onPublish: PublishHandler;
  /** From this rank on an Outgoing is urgent. Default: none is. */
  readonly urgentRank?: number;
  readonly clock?: Clock;
  readonly connectMs?: number;
  readonly outboxLimits?: OutboxLimits;
  report?(error: unknown): void;
}

/** The server said no in its CONNACK. */
export class ConnectRefused extends Error {
  readonly reasonCode: number;
  readonly reasonString: string | undefined;
  readonly userProperties: UserProperties;

  constructor(reasonCode: number, { reasonString, userProperties = [] }: Properties) {
    super(`connection refused: ${reasonString ?? `reason code 0x${reasonCode.toString(16)}`}`);
    this.name = 'ConnectRefused';
    this.reasonCode = reasonCode;
    this.reasonString = reasonString;
    this.userProperties = userProperties;
  }
}

/** The link ended, or the message could not be sent; the outcome says which. */
export class NotAcknowledged extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(`message not acknowledged: ${outcome.kind}`);
    this.name = 'NotAcknowledged';
    this.outcome = outcome;
  }
}

export interface Connack {
  readonly sessionPresent: boolean;
  readonly assignedClientId?: string;
  readonly userProperties: UserProperties;
  readonly receiveMaximum: number;
  readonly maximumPacketSize?: number;
  readonly properties: Properties;
}

export interface PublishOptions {
  readonly rank?: number;
  /** Unix ms. */
  readonly expiresAt?: number;
}

/** A client's connection to a server. There is no session beyond it: what is unanswered when it ends is lost. */
export interface Link {
  readonly connack: Connack;
  send(outgoing: Outgoing): void;
  /** Rejects with NotAcknowledged. QoS 0 resolves with reason code 0 once written. */
  publish(publish: Publish, options?: PublishOptions): Promise<Acknowledgement>;
  /** The reason code of each filter, in order. */
  subscribe(subscriptions: readonly SubscriptionRequest[], subscriptionId?: number): Promise<number[]>;
  unsubscribe(filters: readonly string[]): Promise<number[]>;
  /** Waiting in front of the window. */
  readonly queued: number;
  readonly queuedBytes: number;
  readonly inFlight: number;
  end(reasonCode?: number): void;
  /** Never rejects. */
  readonly closed: Promise<CloseInfo>;
}

const tickMs = 250;
const connectMsDefault = 10_000;

/** Rejects with ConnectRefused, with ProtocolError, or with what ended the transport. */
export function connectLink(transport: Transport, options: LinkOptions): Promise<Link> {
  const { codec = strictCodec, clock = systemClock, version = 5, maximumPacketSize } = options;
  return new Promise((resolve, reject) => {
    const handshake: PacketReader = {
      receive(packet) {
        cancel();
        if (packet.type !== 'connack') handshake.failed(notConnack(packet));
        else if (packet.reasonCode === ReasonCode.success) {
          resolve(new ClientLink(stream, packet, options, version, clock));
          return;
        } else reject(new ConnectRefused(packet.reasonCode, packet.properties));
        stream.end();
      },
      failed(error) {
        cancel();
        reject(error);
        stream.end();
      },
      closed(error) {
        cancel();
        reject(error ?? new Error('the server closed the connection before its CONNACK'));
      },
    };
    const stream = new PacketStream({
      transport,
      codec,
      clock,
      order: linksOrder,
      decoder: { role: 'client', version, maximumPacketSize: maximumPacketSize ?? 0x10000004 },
      reader: handshake,
    });
    const cancel = clock.after(options.connectMs ?? connectMsDefault, () => {
      reject(new Error('the server did not answer CONNECT in time'));
      transport.destroy();
    });
    sendConnect(stream, options, version);
  });
}

function notConnack(packet: Packet): ProtocolError {
  return new ProtocolError(ReasonCode.protocolError, `${packet.type} before CONNACK`);
}

function sendConnect(stream: PacketStream, options: LinkOptions, version: ProtocolVersion): void {
  const { clientId, cleanStart, keepAliveSeconds, username, password, will } = options;
  const { receiveMaximum = incomingLimits.receiveMaximum, sessionExpirySeconds, maximumPacketSize } = options;
  const properties: Properties = { receiveMaximum };
  if (sessionExpirySeconds !== undefined) properties.sessionExpirySeconds = sessionExpirySeconds;
  if (maximumPacketSize !== undefined) properties.maximumPacketSize = maximumPacketSize;
  if (options.topicAliasMaximum !== undefined) properties.topicAliasMaximum = options.topicAliasMaximum;
  if (options.userProperties !== undefined) properties.userProperties = options.userProperties;
  stream.send(
    {
      type: 'connect',
      version,
      clientId,
      cleanStart,
      keepAliveSeconds,
      ...(username === undefined ? undefined : { username }),
      ...(password === undefined ? undefined : { password }),
      ...(will === undefined ? undefined : { will }),
      properties,
    },
    version,
  );
}

interface PendingAnswer {
  resolve(reasonCodes: number[]): void;
  reject(error: Error): void;
  readonly count: number;
}

class ClientLink implements Link {
  readonly connack: Connack;
  readonly #closing = Promise.withResolvers<CloseInfo>();
  readonly closed = this.#closing.promise;
  readonly #outbox: Outbox;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #keepAliveMs: number;
  readonly #pending = new Map<number, PendingAnswer>();
  readonly #stopTicking: () => void;
  #pingSentMs: number | undefined;
  #nextPingMs: number;

  constructor(
    stream: PacketStream,
    { sessionPresent, properties }: ConnackPacket,
    options: LinkOptions,
    version: ProtocolVersion,
    clock: Clock,
  ) {
    const { assignedClientId, maximumPacketSize, userProperties = [], receiveMaximum = 0xffff } = properties;
    this.connack = {
      sessionPresent,
      userProperties,
      receiveMaximum,
      properties,
      ...(assignedClientId === undefined ? undefined : { assignedClientId }),
      ...(maximumPacketSize === undefined ? undefined : { maximumPacketSize }),
    };
    this.#clock = clock;
    this.#keepAliveMs = (properties.serverKeepAliveSeconds ?? options.keepAliveSeconds) * 1000; // [MQTT-3.1.2-21]
    this.#nextPingMs = clock.now() + this.#keepAliveMs / 2;
    const report = options.report?.bind(options) ?? ((): void => undefined);
    this.#outbox = new Outbox({
      clock,
      codec: stream.codec,
      urgentRank: options.urgentRank ?? Infinity,
      limits: options.outboxLimits ?? outboxLimits,
      report,
    });
    const peer = {
      receiveMaximum,
      maximumPacketSize,
      topicAliasMaximum: properties.topicAliasMaximum ?? 0,
      wantsProblemInformation: true,
    };
    this.#connection = new Connection({
      stream,
      version,
      peer,
      outbox: this.#outbox,
      received: new Received(),
      incoming: {
        ...incomingLimits,
        receiveMaximum: options.receiveMaximum ?? incomingLimits.receiveMaximum,
        topicAliasMaximum: options.topicAliasMaximum ?? 0,
      },
      clock,
      user: {
        publish: options.onPublish,
        receive: (packet) => this.#receive(packet),
        closed: (info) => this.#closed(info),
        report,
      },
    });
    this.#outbox.attach({ stream, version, ...peer });
    this.#stopTicking = repeat(clock, tickMs, () => this.#tick());
  }

  get queued(): number {
    return this.#outbox.queued;
  }

  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  get inFlight(): number {
    return this.#outbox.inFlight;
  }

  send(outgoing: Outgoing): void {
    const { maximumQos = 2 } = this.connack.properties;
    // [MQTT-3.2.2-11]
    if (outgoing.publish.qos > maximumQos) outgoing.settled({ kind: 'too-large' });
    else this.#outbox.send(outgoing);
  }

  publish(publish: Publish, { rank = 0, expiresAt }: PublishOptions = {}): Promise<Acknowledgement> {
    return new Promise((resolve, reject) => {
      this.send({
        publish,
        rank,
        ...(expiresAt === undefined ? undefined : { expiresAt }),
        settled(outcome) {
          if (outcome.kind === 'acknowledged') resolve(outcome.acknowledgement);
          else if (outcome.kind === 'sent') resolve({ reasonCode: ReasonCode.success });
          else reject(new NotAcknowledged(outcome));
        },
      });
    });
  }

  subscribe(subscriptions: readonly SubscriptionRequest[], subscriptionId?: number): Promise<number[]> {
    const properties: Properties = subscriptionId === undefined ? {} : { subscriptionId };
    return this.#ask(subscriptions.length, (packetId) => ({
      type: 'subscribe',
      packetId,
      subscriptions,
      properties,
    }));
  }

  unsubscribe(filters: readonly string[]): Promise<number[]> {
    return this.#ask(filters.length, (packetId) => ({
      type: 'unsubscribe',
      packetId,
      filters,
      properties: {},
    }));
  }

  end(reasonCode: number = ReasonCode.success): void {
    this.#connection.leave(reasonCode);
  }

  #ask(count: number, make: (packetId: number) => Packet): Promise<number[]> {
    if (this.#connection.isClosed)
      return Promise.reject(new NotAcknowledged({ kind: 'lost', written: false }));
    const packetId = this.#outbox.reservePacketId();
    return new Promise((resolve, reject) => {
      this.#pending.set(packetId, { resolve, reject, count });
      this.#connection.send(make(packetId));
    });
  }

  #receive(packet: Packet): void {
    switch (packet.type) {
      case 'suback':
      case 'unsuback':
        this.#answered(packet.packetId, packet.reasonCodes);
        return;
      case 'pingresp':
        this.#pingSentMs = undefined;
        return;
      case 'disconnect':
        return;
      default:
        throw new ProtocolError(ReasonCode.protocolError, `${packet.type} was not asked for`);
    }
  }

  #answered(packetId: number, reasonCodes: readonly number[]): void {
    const pending = this.#pending.get(packetId);
    if (pending === undefined) return;
    this.#pending.delete(packetId);
    this.#outbox.releasePacketId(packetId);
    // An UNSUBACK of version 4 has no reason codes.
    const codes = reasonCodes.length === 0 ? Array<number>(pending.count).fill(0) : [...reasonCodes];
    if (codes.length === pending.count) pending.resolve(codes);
    else pending.reject(new ProtocolError(ReasonCode.protocolError, 'wrong number of reason codes'));
  }

  #tick(): void {
    const nowMs = this.#clock.now();
    this.#connection.tick(nowMs);
    if (this.#connection.isClosed || this.#connection.stream.held || this.#keepAliveMs === 0) return;
    if (this.#pingSentMs !== undefined && nowMs - this.#pingSentMs > this.#keepAliveMs)
      // 0x8D is a server's to say: §3.14.2.1.
      this.#connection.disconnect(ReasonCode.unspecifiedError, undefined, new Error('no PINGRESP in time'));
    else if (this.#pingSentMs === undefined && nowMs >= this.#nextPingMs) {
      this.#pingSentMs = nowMs;
      this.#nextPingMs = nowMs + this.#keepAliveMs / 2;
      this.#connection.send({ type: 'pingreq' });
    }
  }

  #closed(info: CloseInfo): void {
    this.#stopTicking();
    this.#outbox.end();
    for (const { reject } of this.#pending.values())
      reject(new NotAcknowledged({ kind: 'lost', written: true }));
    this.#pending.clear();
    this.#closing.resolve(info);
  }
}

/** For callers that only ask whether the peer took it. */
export function isFailure({ reasonCode }: Acknowledgement): boolean {
  return reasonCode >= failureFrom;
}
