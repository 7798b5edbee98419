// SPDX-License-Identifier: Apache-2.0
// One attempt to reach the own domain: dial, CONNECT, and what the CONNACK says.
import { Precedence, domainOf, fromBase64Url, utf8 } from '@sealpost/protocol';
import type { Address } from '@sealpost/protocol';
import type { TrustStore } from '@sealpost/identity';
import { ConnectRefused, connectLink } from '@sealpost/mqtt/link';
import type { Link, PublishHandler, Transport } from '@sealpost/mqtt/link';
import type { Clock, UserProperties } from '@sealpost/mqtt';
import { codeOf, property, refusalOf } from './acknowledgement.ts';
import { orAborted } from './cancellation.ts';
import { SealpostError } from './error.ts';
import type { ServerClock } from './server-clock.ts';

export interface SignInOptions {
  readonly account: Address;
  readonly dial: () => Promise<Transport>;
  readonly password: string | undefined;
  readonly clientId: string | undefined;
  readonly receiveMaximum: number | undefined;
  readonly keepAliveSeconds: number | undefined;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly trust: TrustStore;
  readonly onPublish: PublishHandler;
}

const receiveMaximumDefault = 32;
const keepAliveDefaultSeconds = 60;
/** The leaf and the authority that issued it. */
const sealChainMax = 2;
/** Room for a body, its seal with certificates, and the server's words. */
const packetBytesMax = 131_072;

/** Rejects with SealpostError: `unreachable`, what the server answered, or `undecided` when `signal` fires. */
export async function signIn(options: SignInOptions, signal: AbortSignal): Promise<Link> {
  const transport = await dialled(options, signal);
  const abort = (): void => transport.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const sentAtMs = options.clock.now();
    const link = await orAborted(open(transport, options), signal);
    const { userProperties } = link.connack;
    options.serverClock.learn(property(userProperties, 'time'), sentAtMs);
    // Nothing was subscribed to yet, so nothing that this certificate has signed can come before it is known.
    await admitDomainSeal(options.trust, userProperties, options.account);
    return link;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function dialled({ dial }: SignInOptions, signal: AbortSignal): Promise<Transport> {
  const dialling = dial();
  try {
    return await orAborted(dialling, signal);
  } catch (error) {
    // Nobody waits for it any more when it comes about after all.
    dialling.then(
      (transport) => transport.destroy(),
      () => undefined,
    );
    if (error instanceof SealpostError) throw error;
    throw new SealpostError({ code: 'unreachable', cause: String(error) });
  }
}

async function open(transport: Transport, options: SignInOptions): Promise<Link> {
  const { account, password, clientId, receiveMaximum, keepAliveSeconds, clock, onPublish } = options;
  try {
    return await connectLink(transport, {
      clientId: clientId ?? '',
      username: account,
      ...(password === undefined ? {} : { password: utf8(password) }),
      cleanStart: true,
      sessionExpirySeconds: 0,
      keepAliveSeconds: keepAliveSeconds ?? keepAliveDefaultSeconds,
      receiveMaximum: receiveMaximum ?? receiveMaximumDefault,
      maximumPacketSize: packetBytesMax,
      userProperties: [],
      urgentRank: Precedence.immediate,
      clock,
      onPublish,
    });
  } catch (error) {
    transport.destroy();
    if (!(error instanceof ConnectRefused))
      throw new SealpostError({ code: 'unreachable', cause: String(error) });
    const { reasonCode, reasonString, userProperties } = error;
    const refusal = refusalOf({
      reasonCode,
      userProperties,
      ...(reasonString === undefined ? {} : { reasonString }),
    });
    throw new SealpostError(refusal ?? { code: codeOf(reasonCode) });
  }
}

/** The own domain's seal certificate, learnt at sign-in, so that its evidence may come without certificates. */
async function admitDomainSeal(
  trust: TrustStore,
  properties: UserProperties,
  account: Address,
): Promise<void> {
  const chain: Uint8Array[] = [];
  for (const text of (property(properties, 'domain-seal') ?? '').split('.').slice(0, sealChainMax)) {
    const der = fromBase64Url(text);
    if (der !== undefined && der.length > 0) chain.push(der);
  }
  // A certificate that our anchor does not vouch for is simply not admitted: what it signs will not verify.
  if (chain.length > 0) await trust.admit(chain, domainOf(account));
}
