// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../codec.ts';
import { isUtf8 } from '../codec/text.ts';
import { PacketStream, type PacketReader } from '../link/packet-stream.ts';
import type { ReadingOrder } from '../link/reading-order.ts';
import type { Transport, TransportInfo } from '../link/transport.ts';
import type {
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  Packet,
  Properties,
  ProtocolVersion,
  Will,
} from '../packet.ts';
import { isReasonCodeOf, refusalCode } from '../packet-reason-codes.ts';
import { connectReturnCode, ReasonCode } from '../reason-code.ts';
import type { Authenticated, Challenge, ConnectRequest, Denied } from './application.ts';
import { Authentication, type AuthenticationHost } from './authentication.ts';
import { isTooLong } from './routing.ts';
import type { SignedInBy } from './reauthentication.ts';
import type { ServerSession, SessionHost } from './session.ts';

/** What a handshake needs of the server. */
export interface HandshakeHost<P> extends SessionHost<P>, AuthenticationHost<P> {
  readonly openConnections: number;
  readonly readingOrder: ReadingOrder;
  newClientId(): string;
  /** Ends what must end for this client and returns the session to open, with whether it existed; undefined: full. */
  sessionFor(
    account: string,
    clientId: string,
    cleanStart: boolean,
    principal: P,
    will: Will | undefined,
  ): { session: ServerSession<P>; present: boolean } | undefined;
  handshakeOver(handshake: Handshake<P>): void;
}

/** A CONNECT that is being answered. */
interface Attempt<P> {
  readonly connect: ConnectPacket;
  readonly clientId: string;
  readonly request: ConnectRequest;
  readonly authentication: Authentication<P> | undefined;
}

/** From the first byte to CONNACK. The connection is not read between CONNECT and CONNACK, except for the client's AUTH. */
export class Handshake<P> implements PacketReader {
  readonly #host: HandshakeHost<P>;
  readonly #info: TransportInfo;
  readonly #established: () => void;
  readonly #stream: PacketStream;
  readonly #deadlineMs: number;
  /** Of the client, once its CONNECT is read. */
  #maximumPacketSize = Infinity;
  #attempt: Attempt<P> | undefined;
  #over = false;

  constructor(host: HandshakeHost<P>, transport: Transport, info: TransportInfo, established: () => void) {
    const { clock, codec, limits, readingOrder } = host;
    this.#host = host;
    this.#info = info;
    this.#established = established;
    this.#deadlineMs = clock.now() + limits.handshakeMs;
    this.#stream = new PacketStream({
      transport,
      codec,
      clock,
      order: readingOrder,
      decoder: { role: 'server', maximumPacketSize: limits.connectBytesMax },
      reader: this,
    });
  }

  /** The decoder lets nothing but CONNECT pass; while it is being answered, AUTH and DISCONNECT may follow [MQTT-3.1.2-30]. */
  receive(packet: Packet): void {
    const attempt = this.#attempt;
    if (attempt === undefined) this.#receiveConnect(packet);
    else if (packet.type === 'auth' && attempt.authentication !== undefined)
      this.#receiveAuth(packet, attempt, attempt.authentication);
    else if (packet.type === 'disconnect') this.#end();
    else throw new ProtocolError(ReasonCode.protocolError, `${packet.type} before CONNACK`);
  }

  #receiveConnect(packet: Packet): void {
    if (packet.type !== 'connect')
      throw new ProtocolError(ReasonCode.protocolError, 'CONNECT is the first packet');
    this.#stream.hold();
    this.#maximumPacketSize = packet.properties.maximumPacketSize ?? Infinity;
    this.#admit(packet).catch((error: unknown) => this.#fail(error, packet.version));
  }

  #receiveAuth(packet: AuthPacket, attempt: Attempt<P>, authentication: Authentication<P>): void {
    const step = authentication.receive(packet);
    this.#stream.hold();
    step
      .then((result) => this.#proceed(attempt, result))
      .catch((error: unknown) => this.#fail(error, attempt.connect.version));
  }

  #fail(error: unknown, version: ProtocolVersion): void {
    this.#host.report(error);
    this.#refuse(ReasonCode.serverUnavailable, version);
  }

  /** A CONNACK is owed to nobody who did not get as far as telling its version [MQTT-3.1.4-1], [MQTT-3.1.4-2]. */
  failed(error: ProtocolError | Error): void {
    const { version } = this.#stream.decoder;
    const known = error instanceof ProtocolError;
    if (!known) this.#host.report(error);
    const reasonCode = known ? handshakeCode(error) : ReasonCode.unspecifiedError;
    if (version === 5 || (version === 4 && reasonCode === ReasonCode.unsupportedProtocolVersion))
      this.#refuse(reasonCode, version, { reasonString: error.message });
    else this.#end();
  }

  closed(): void {
    this.#finish();
  }

  tick(nowMs: number): void {
    if (nowMs < this.#deadlineMs) return;
    const { version } = this.#stream.decoder;
    if (this.#stream.held && version !== undefined) this.#refuse(ReasonCode.serverUnavailable, version);
    else this.abort();
  }

  abort(): void {
    this.#stream.transport.destroy();
    this.#finish();
  }

  async #admit(connect: ConnectPacket): Promise<void> {
    const { version } = connect;
    const objection = this.#objection(connect);
    if (objection !== undefined) {
      this.#refuse(objection, version);
      return;
    }
    const clientId = connect.clientId.length === 0 ? this.#host.newClientId() : connect.clientId;
    const request = this.#request(connect, clientId);
    const { authenticationMethod: method, authenticationData } = connect.properties;
    const authentication =
      method === undefined ? undefined : Authentication.begin(this.#host, method, request);
    const attempt = { connect, clientId, request, authentication };
    this.#attempt = attempt;
    if (method === undefined) this.#proceed(attempt, await this.#host.application.authenticate(request));
    else if (authentication === undefined) this.#refuse(ReasonCode.badAuthenticationMethod, version);
    else this.#proceed(attempt, await authentication.step(authenticationData)); // [MQTT-4.12.0-1]
  }

  #proceed(attempt: Attempt<P>, step: Challenge | Authenticated<P> | Denied): void {
    if (this.#over) return;
    const { connect, authentication } = attempt;
    const { version } = connect;
    if ('challenge' in step) this.#challenge(step, authentication);
    else if (!('principal' in step)) this.#deny(step, version);
    else if (!this.#willAllowed(connect, step.principal)) this.#refuse(ReasonCode.notAuthorized, version);
    else this.#open(attempt, step);
  }

  /** [MQTT-4.12.0-2]; then the client is read on. */
  #challenge({ challenge }: Challenge, authentication: Authentication<P> | undefined): void {
    const packet = authentication?.packet(ReasonCode.continueAuthentication, challenge);
    if (packet === undefined || !this.#fits(packet, 5)) {
      this.#refuse(ReasonCode.packetTooLarge, 5);
      return;
    }
    this.#stream.send(packet, 5);
    this.#stream.release();
  }

  /** What needs no application to be refused. */
  #objection({ version, clientId, cleanStart, will }: ConnectPacket): number | undefined {
    const { limits, openConnections } = this.#host;
    if (openConnections >= limits.connections) return ReasonCode.serverBusy;
    if (clientId.length === 0 && version === 4 && !cleanStart) return ReasonCode.clientIdentifierNotValid; // [MQTT3-3.1.3-8]
    if (clientId.length > limits.clientIdLengthMax) return ReasonCode.clientIdentifierNotValid;
    if (will === undefined) return undefined;
    if (will.properties.payloadFormat === 1 && !isUtf8(will.payload)) return ReasonCode.payloadFormatInvalid;
    return isTooLong(will.topic, limits) ? ReasonCode.topicNameInvalid : undefined;
  }

  #request(connect: ConnectPacket, clientId: string): ConnectRequest {
    const { username, password, version, cleanStart, will, properties } = connect;
    return {
      clientId,
      version,
      cleanStart,
      transport: this.#info,
      userProperties: properties.userProperties ?? [],
      ...(username === undefined ? undefined : { username }),
      ...(password === undefined ? undefined : { password }),
      ...(will === undefined ? undefined : { will }),
    };
  }

  /** A reserved topic is the application's to judge, in `authenticate` and when the Will fires. */
  #willAllowed({ will }: ConnectPacket, principal: P): boolean {
    const { application } = this.#host;
    return (
      will === undefined ||
      application.reserves(will.topic) ||
      application.authorize(principal, 'publish', will.topic)
    );
  }

  #open({ connect, clientId, request, authentication }: Attempt<P>, verdict: Authenticated<P>): void {
    const { version, properties } = connect;
    const { principal, account, userProperties, authenticationData, responseInformation } = verdict;
    const keepAliveSeconds = this.#keepAliveSeconds(connect, verdict);
    const sessionExpirySeconds = this.#sessionExpirySeconds(connect);
    const answer = this.#connackProperties(connect, keepAliveSeconds, sessionExpirySeconds);
    if (connect.clientId.length === 0) answer.assignedClientId = clientId; // [MQTT-3.1.3-7], [MQTT-3.2.2-16]
    if (authentication !== undefined) answer.authenticationMethod = authentication.method; // [MQTT-4.12.0-5]
    if (authenticationData !== undefined) answer.authenticationData = authenticationData;
    const whole: Properties = { ...answer };
    if (userProperties !== undefined) whole.userProperties = userProperties;
    if (properties.requestResponseInformation === 1 && responseInformation !== undefined)
      whole.responseInformation = responseInformation; // [MQTT-3.1.2-28]
    const connack = this.#connack(ReasonCode.success, version, [whole, answer]);
    if (connack === undefined) {
      this.#refuse(ReasonCode.packetTooLarge, version);
      return;
    }
    const opened = this.#host.sessionFor(account, clientId, connect.cleanStart, principal, connect.will);
    if (opened === undefined) {
      this.#refuse(ReasonCode.quotaExceeded, version);
      return;
    }
    this.#finish();
    opened.session.open({
      stream: this.#stream,
      version,
      principal,
      keepAliveSeconds,
      sessionExpirySeconds,
      will: connect.will,
      signedInBy: authentication === undefined ? undefined : signedInBy(authentication.method, request),
      // [MQTT-3.2.2-2], [MQTT-3.2.2-3]
      connack: { ...connack, sessionPresent: opened.present },
      peer: {
        receiveMaximum: properties.receiveMaximum ?? 0xffff,
        maximumPacketSize: properties.maximumPacketSize,
        topicAliasMaximum: properties.topicAliasMaximum ?? 0,
        wantsProblemInformation: properties.requestProblemInformation !== 0,
      },
    });
    this.#stream.release();
  }

  /** Version 4 cannot be told another value than its own. */
  #keepAliveSeconds(
    { version, keepAliveSeconds }: ConnectPacket,
    { keepAliveMax }: Authenticated<P>,
  ): number {
    if (version === 4) return keepAliveSeconds;
    const secondsMax = Math.min(keepAliveMax ?? 0xffff, this.#host.limits.keepAliveSecondsMax);
    return keepAliveSeconds === 0 ? secondsMax : Math.min(keepAliveSeconds, secondsMax);
  }

  #sessionExpirySeconds({ version, cleanStart, properties }: ConnectPacket): number {
    const { sessionExpirySecondsMax } = this.#host.limits;
    if (version === 4) return cleanStart ? 0 : sessionExpirySecondsMax;
    return Math.min(properties.sessionExpirySeconds ?? 0, sessionExpirySecondsMax);
  }

  #connackProperties(
    connect: ConnectPacket,
    keepAliveSeconds: number,
    sessionExpirySeconds: number,
  ): Properties {
    const { limits } = this.#host;
    const answer: Properties = {
      receiveMaximum: limits.receiveMaximum,
      maximumPacketSize: limits.packetBytesMax,
      topicAliasMaximum: limits.topicAliasMaximum,
    };
    if (keepAliveSeconds !== connect.keepAliveSeconds) answer.serverKeepAliveSeconds = keepAliveSeconds;
    if (sessionExpirySeconds !== (connect.properties.sessionExpirySeconds ?? 0))
      answer.sessionExpirySeconds = sessionExpirySeconds;
    return answer;
  }

  #deny(
    { reasonCode, reasonString, serverReference, userProperties }: Denied,
    version: ProtocolVersion,
  ): void {
    this.#refuse(refusalCode('connack', reasonCode), version, {
      ...(serverReference === undefined ? undefined : { serverReference }),
      ...(reasonString === undefined ? undefined : { reasonString }),
      ...(userProperties === undefined ? undefined : { userProperties }),
    });
  }

  /**
   * CONNACK, then the connection ends [MQTT-3.2.2-7]; session present is 0 [MQTT-3.2.2-6]. It ends without one where
   * 3.1.1 has no return code for the reason [MQTT3-3.2.2-6], or the client has no room for it.
   */
  #refuse(reasonCode: number, version: ProtocolVersion, properties: Properties = {}): void {
    if (this.#over) return;
    if (version === 5 || connectReturnCode(reasonCode) !== undefined) {
      const { userProperties: _dropped, ...rest } = properties;
      const connack = this.#connack(reasonCode, version, [properties, rest, {}]);
      if (connack !== undefined) this.#stream.send(connack, version);
    }
    this.#end();
  }

  /** With the first of the properties that fit the client [MQTT-3.1.2-24], [MQTT-3.2.2-19], [MQTT-3.2.2-20]. */
  #connack(
    reasonCode: number,
    version: ProtocolVersion,
    forms: readonly Properties[],
  ): ConnackPacket | undefined {
    return forms
      .map((properties): ConnackPacket => ({
        type: 'connack',
        sessionPresent: false,
        reasonCode,
        properties,
      }))
      .find((connack) => this.#fits(connack, version));
  }

  /** A text of the application may be longer than MQTT allows. */
  #fits(packet: ConnackPacket | AuthPacket, version: ProtocolVersion): boolean {
    try {
      return this.#host.codec.encode(packet, version).length <= this.#maximumPacketSize;
    } catch (error) {
      this.#host.report(error);
      return false;
    }
  }

  #end(): void {
    this.#stream.end();
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#host.handshakeOver(this);
    this.#established();
  }
}

/** What only an open connection can do wrong is here a packet that comes too early. */
function handshakeCode({ reasonCode }: ProtocolError): number {
  return isReasonCodeOf('connack', reasonCode, 'server') ? reasonCode : ReasonCode.protocolError;
}

function signedInBy(
  method: string,
  { password: _password, will: _will, ...request }: ConnectRequest,
): SignedInBy {
  return { method, request };
}
