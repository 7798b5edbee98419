// SPDX-License-Identifier: Apache-2.0
import { Precedence, domainOf, fromBase64Url, parseAddress, utf8 } from '@sealpost/protocol';
import type { Address, CryptoProvider, Signer } from '@sealpost/protocol';
import { TrustStore } from '@sealpost/identity';
import type { Anchors } from '@sealpost/identity';
import { ConnectRefused, connectLink } from '@sealpost/mqtt/link';
import type { Link, Transport } from '@sealpost/mqtt/link';
import { systemClock } from '@sealpost/mqtt';
import type { Acknowledgement, Clock, Publish, UserProperties } from '@sealpost/mqtt';
import { codeOf, notTaken, property, refusalOf } from './acknowledgement.ts';
import { actOn } from './acting.ts';
import { Client } from './client.ts';
import { SealpostError } from './error.ts';
import { EvidenceFeed } from './evidence-feed.ts';
import { EvidenceVerifier } from './evidence-verifier.ts';
import { Inbox } from './inbox.ts';
import { MailboxQuery } from './mailbox-query.ts';
import { MessageCheck } from './message-check.ts';
import { Submission } from './submission.ts';
import { Subscriptions } from './subscriptions.ts';

export interface ConnectOptions {
  /** `local@domain`. */
  readonly account: string;
  /** Opens the connection; it is called once. */
  dial(): Promise<Transport>;
  readonly crypto: CryptoProvider;
  /** What is known for certain about the domains you write to and hear from, your own included. */
  readonly anchors: Anchors;
  /** Absent when the connection itself proves the account by a client certificate. */
  readonly password?: string;
  /** With it every message is sealed by your own key; without it your domain seals and says how it knew you. */
  readonly signer?: Signer;
  /** Chosen by the server unless given. */
  readonly clientId?: string;
  /** Messages the server may have on their way to you that you have not taken; 32 unless given. */
  readonly receiveMaximum?: number;
  readonly keepAliveSeconds?: number;
  readonly clock?: Clock;
}

const receiveMaximumDefault = 32;
const keepAliveDefaultSeconds = 60;
/** The leaf and the authority that issued it. */
const sealChainMax = 2;
/** Room for a body, its seal with certificates, and the server's words. */
const packetBytesMax = 131_072;

/** Signs in. Rejects with SealpostError: `unreachable`, or what the server answered (`credentials-invalid` …). */
export async function connect(options: ConnectOptions): Promise<Client> {
  const account = parseAddress(options.account);
  if (!account.ok) throw new SealpostError(account.refusal);
  const clock = options.clock ?? systemClock;
  let client: Client | undefined;
  // The session is new and has no subscription yet, so nothing can come before the client exists.
  const receive = (publish: Publish): Acknowledgement | Promise<Acknowledgement> =>
    client?.receive(publish) ?? notTaken('undecided');
  const link = await openLink(options, account.value, receive);
  const { userProperties } = link.connack;
  const clockOffsetMs = offsetOf(property(userProperties, 'time'), clock.now());
  const trust = new TrustStore({
    anchors: options.anchors,
    crypto: options.crypto,
    now: () => Math.floor((clock.now() + clockOffsetMs) / 1000),
  });
  await admitDomainSeal(trust, userProperties, account.value);
  client = assemble(options, account.value, link, trust, clock, clockOffsetMs);
  return client;
}

function assemble(
  options: ConnectOptions,
  account: Address,
  link: Link,
  trust: TrustStore,
  clock: Clock,
  clockOffsetMs: number,
): Client {
  const { crypto, signer } = options;
  const now = (): number => clock.now() + clockOffsetMs;
  const subscriptions = new Subscriptions(link);
  const verifier = new EvidenceVerifier(account, trust, crypto);
  const act = actOn(link);
  return new Client({
    account,
    link,
    act,
    clockOffsetMs,
    verifier,
    submission: new Submission({ link, account, crypto, verifier, signer, now }),
    inbox: new Inbox(subscriptions, new MessageCheck({ account, trust, crypto, now }), act),
    evidence: new EvidenceFeed(subscriptions, verifier),
    query: new MailboxQuery(link, subscriptions, crypto),
  });
}

async function openLink(
  options: ConnectOptions,
  account: Address,
  onPublish: (publish: Publish) => Acknowledgement | Promise<Acknowledgement>,
): Promise<Link> {
  const transport = await dialled(options);
  const { password, clientId, receiveMaximum, keepAliveSeconds, clock } = options;
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
      clock: clock ?? systemClock,
      onPublish,
    });
  } catch (error) {
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

async function dialled({ dial }: ConnectOptions): Promise<Transport> {
  try {
    return await dial();
  } catch (error) {
    throw new SealpostError({ code: 'unreachable', cause: String(error) });
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

function offsetOf(time: string | undefined, localMs: number): number {
  return time !== undefined && /^[0-9]{1,16}$/.test(time) ? Number(time) - localMs : 0;
}
