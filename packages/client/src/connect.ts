// SPDX-License-Identifier: Apache-2.0
import { parseAddress } from '@sealpost/protocol';
import type { Address, CryptoProvider, Signer } from '@sealpost/protocol';
import { TrustStore } from '@sealpost/identity';
import type { Anchors } from '@sealpost/identity';
import type { Transport } from '@sealpost/mqtt/link';
import type { Clock, Publish } from '@sealpost/mqtt';
import { actOn } from './acting.ts';
import { Client } from './client.ts';
import { wakefulClock } from './clock.ts';
import { Connection } from './connection.ts';
import { SealpostError } from './error.ts';
import { EvidenceFeed } from './evidence-feed.ts';
import { EvidenceVerifier } from './evidence-verifier.ts';
import { Inbox } from './inbox.ts';
import { MailboxQuery } from './mailbox-query.ts';
import { MessageCheck } from './message-check.ts';
import { SendQueue } from './send-queue.ts';
import { ServerClock } from './server-clock.ts';
import { signIn } from './sign-in.ts';
import { Submission } from './submission.ts';
import { Subscriptions } from './subscriptions.ts';

export interface ConnectOptions {
  /** `local@domain`. */
  readonly account: string;
  /** Opens a connection; it is called again whenever one is lost. */
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
  /**
   * True: a lost connection ends the client, and `send` neither waits for one nor asks again what the server refused
   * for the moment. For commands that a person watches.
   */
  readonly failFast?: boolean;
  /** True: `connect` resolves at once, and the first connection is tried until there is one, as later ones are. */
  readonly startOffline?: boolean;
  /** Messages that may wait to be sent; 1,000 unless given. */
  readonly unsentMax?: number;
  /** Bytes of their bodies; 16 MiB unless given. */
  readonly unsentBytesMax?: number;
  /** Gives `connect` up; afterwards it means nothing. */
  readonly signal?: AbortSignal;
  /** Of the local machine; the server's is learnt from each CONNACK. */
  readonly clock?: Clock;
  /** 0 up to 1, for the spread of retries; not for keys. */
  readonly random?: () => number;
}

const unsentMaxDefault = 1_000;
const unsentBytesMaxDefault = 16 * 1024 * 1024;

/**
 * Signs in. Rejects with SealpostError when that does not succeed at once: `unreachable`, `undecided` when `signal`
 * fires, or what the server answered (`credentials-invalid` …).
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const account = parseAddress(options.account);
  if (!account.ok) throw new SealpostError(account.refusal);
  const { client, connection } = assemble(options, account.value);
  if (options.startOffline === true) connection.startOffline();
  else await connection.start(options.signal);
  return client;
}

function assemble(
  options: ConnectOptions,
  account: Address,
): { readonly client: Client; readonly connection: Connection } {
  const { crypto, signer, anchors, failFast = false, random = Math.random } = options;
  const clock = options.clock ?? wakefulClock;
  const serverClock = new ServerClock(clock);
  const now = (): number => serverClock.now();
  const trust = new TrustStore({ anchors, crypto, now: () => Math.floor(now() / 1000) });
  const signInOptions = {
    account,
    dial: options.dial.bind(options),
    password: options.password,
    clientId: options.clientId,
    receiveMaximum: options.receiveMaximum,
    keepAliveSeconds: options.keepAliveSeconds,
    clock,
    serverClock,
    trust,
    onPublish: (publish: Publish) => client.receive(publish),
  };
  const connection = new Connection({
    open: (signal) => signIn(signInOptions, signal),
    reconnects: !failFast,
    clock,
    random,
  });
  // First of all users: what is subscribed to is so before anything else happens on a new link.
  const subscriptions = new Subscriptions(connection);
  const verifier = new EvidenceVerifier(account, trust, crypto);
  const act = actOn(connection);
  const submission = new Submission({ account, crypto, verifier, signer, serverClock });
  const queue = new SendQueue({
    submission,
    clock,
    random,
    canSeal: () => serverClock.isKnown,
    failsFast: failFast,
    messagesMax: options.unsentMax ?? unsentMaxDefault,
    bytesMax: options.unsentBytesMax ?? unsentBytesMaxDefault,
  });
  connection.join(queue);
  const check = new MessageCheck({ account, trust, crypto, now });
  const client = new Client({
    account,
    connection,
    act,
    serverClock,
    verifier,
    submission,
    queue,
    inbox: new Inbox(connection, subscriptions, check, act),
    evidence: new EvidenceFeed(connection, subscriptions, verifier),
    query: new MailboxQuery(connection, subscriptions, crypto),
  });
  return { client, connection };
}
