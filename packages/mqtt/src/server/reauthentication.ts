// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '../link/connection.ts';
import type { AuthPacket, UserProperties } from '../packet.ts';
import { refusalCode } from '../packet-reason-codes.ts';
import { ReasonCode } from '../reason-code.ts';
import type { Authenticated, Challenge, ConnectRequest, Denied, Session } from './application.ts';
import { Authentication, checkAuth, type AuthenticationHost } from './authentication.ts';

/** How an open connection was signed in, when that was by a method. */
export interface SignedInBy {
  readonly method: string;
  /** Without password and Will. */
  readonly request: ConnectRequest;
}

export interface ReauthenticationOptions<P> {
  readonly host: AuthenticationHost<P>;
  readonly connection: Connection;
  readonly session: Session<P>;
  readonly signedInBy: SignedInBy;
  readonly now: () => number;
  /** Who the client is from now on; of the same account. */
  renewed(principal: P): void;
}

/** §4.12.1: an open connection signs in again, while everything else on it goes on. */
export class Reauthentication<P> {
  readonly #options: ReauthenticationOptions<P>;
  #current: Authentication<P> | undefined;
  #deadlineMs = Infinity;

  constructor(options: ReauthenticationOptions<P>) {
    this.#options = options;
  }

  receive(packet: AuthPacket): void {
    const step = this.#current === undefined ? this.#begin(packet) : this.#current.receive(packet);
    void step?.then((result) => this.#answer(result));
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#deadlineMs)
      this.#refuse({ reasonCode: ReasonCode.notAuthorized, reasonString: 'not signed in again in time' });
  }

  #begin(packet: AuthPacket): Promise<Challenge | Authenticated<P> | Denied> | undefined {
    const { host, signedInBy, session, now } = this.#options;
    checkAuth(packet, ReasonCode.reAuthenticate, signedInBy.method);
    this.#current = Authentication.begin(host, signedInBy.method, signedInBy.request, session);
    if (this.#current === undefined) {
      this.#refuse({ reasonCode: ReasonCode.badAuthenticationMethod });
      return undefined;
    }
    this.#deadlineMs = now() + host.limits.handshakeMs;
    return this.#current.step(packet.properties.authenticationData);
  }

  #answer(step: Challenge | Authenticated<P> | Denied): void {
    const { connection, session } = this.#options;
    if (connection.isClosed) return;
    if ('challenge' in step) this.#send(ReasonCode.continueAuthentication, step.challenge);
    else if (!('principal' in step)) this.#refuse(step);
    else if (step.account !== session.account) this.#refuse({ reasonCode: ReasonCode.notAuthorized });
    else {
      this.#options.renewed(step.principal);
      this.#send(ReasonCode.success, step.authenticationData, step.userProperties);
      this.#current = undefined;
      this.#deadlineMs = Infinity;
    }
  }

  /** User properties are left out where the client has no room for them [MQTT-3.15.2-3] or no wish [MQTT-3.1.2-29]. */
  #send(reasonCode: number, data: Uint8Array | undefined, userProperties?: UserProperties): void {
    const { connection } = this.#options;
    if (this.#current === undefined) return;
    const packet = this.#current.packet(reasonCode, data);
    const told =
      userProperties !== undefined &&
      connection.peer.wantsProblemInformation &&
      connection.sendIfFits({ ...packet, properties: { ...packet.properties, userProperties } });
    if (!told && !connection.sendIfFits(packet))
      connection.disconnect(ReasonCode.packetTooLarge, 'AUTH does not fit');
  }

  /** [MQTT-4.12.1-2]. */
  #refuse({ reasonCode, reasonString }: Denied): void {
    this.#options.connection.disconnect(refusalCode('disconnect', reasonCode), reasonString);
  }
}
