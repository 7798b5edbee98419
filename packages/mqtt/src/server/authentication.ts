// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../codec.ts';
import type { AuthPacket, Properties } from '../packet.ts';
import { ReasonCode } from '../reason-code.ts';
import type {
  Authenticated,
  AuthenticationExchange,
  Challenge,
  ConnectRequest,
  Denied,
  EnhancedAuthentication,
  Session,
} from './application.ts';
import type { ServerLimits } from './limits.ts';

type Step<P> = Challenge | Authenticated<P> | Denied;

const tooManySteps: Denied = { reasonCode: ReasonCode.notAuthorized, reasonString: 'too many steps' };
const failed: Denied = { reasonCode: ReasonCode.unspecifiedError };

/** What an enhanced authentication needs of the server. */
export interface AuthenticationHost<P> {
  readonly enhancedAuthentication: EnhancedAuthentication<P> | undefined;
  readonly limits: ServerLimits;
  report(error: unknown): void;
}

/** One exchange of AUTH packets: method and order are checked, steps are bounded and taken one at a time. */
export class Authentication<P> {
  readonly method: string;
  readonly #host: AuthenticationHost<P>;
  readonly #exchange: AuthenticationExchange<P>;
  #steps = 0;
  #awaitsClient = false;

  private constructor(host: AuthenticationHost<P>, method: string, exchange: AuthenticationExchange<P>) {
    this.#host = host;
    this.method = method;
    this.#exchange = exchange;
  }

  /** Undefined: the method is not known here. */
  static begin<P>(
    host: AuthenticationHost<P>,
    method: string,
    request: ConnectRequest,
    session?: Session<P>,
  ): Authentication<P> | undefined {
    const exchange = host.enhancedAuthentication?.begin(method, request, session);
    return exchange === undefined ? undefined : new Authentication(host, method, exchange);
  }

  /** The client's next AUTH [MQTT-4.12.0-3]. */
  receive(packet: AuthPacket): Promise<Step<P>> {
    if (!this.#awaitsClient) throw unexpected('AUTH out of turn');
    checkAuth(packet, ReasonCode.continueAuthentication, this.method);
    return this.step(packet.properties.authenticationData);
  }

  /** Never rejects. */
  async step(data: Uint8Array | undefined): Promise<Step<P>> {
    this.#awaitsClient = false;
    if (this.#steps++ >= this.#host.limits.authenticationStepsMax) return tooManySteps;
    try {
      // It is a view on what was received, and a step may take its time.
      const step = await this.#exchange.step(data?.slice());
      this.#awaitsClient = 'challenge' in step;
      return step;
    } catch (error) {
      this.#host.report(error);
      return failed;
    }
  }

  /** AUTH to the client: its method is that of CONNECT [MQTT-4.12.0-2], [MQTT-4.12.0-5]. */
  packet(reasonCode: number, data: Uint8Array | undefined): AuthPacket {
    const properties: Properties = { authenticationMethod: this.method };
    if (data !== undefined) properties.authenticationData = data;
    return { type: 'auth', reasonCode, properties };
  }
}

/** Reason code and method are the expected ones [MQTT-3.15.2-1], [MQTT-4.12.0-5], [MQTT-4.12.1-1]. */
export function checkAuth({ reasonCode, properties }: AuthPacket, expected: number, method: string): void {
  if (reasonCode !== expected) throw unexpected(`AUTH with reason code 0x${reasonCode.toString(16)}`);
  if (properties.authenticationMethod !== method) throw unexpected('AUTH with another method than CONNECT');
}

function unexpected(what: string): ProtocolError {
  return new ProtocolError(ReasonCode.protocolError, what);
}
