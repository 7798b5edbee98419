// SPDX-License-Identifier: Apache-2.0
// The composition root of one domain: what it is made of, and what is connected to what.
import { join } from 'node:path';
import { TrustStore, type Anchors, type TrustedCertificate } from '@sealpost/identity';
import { nodeCrypto } from '@sealpost/identity/node';
import { listenTcp, listenTls, listenWebSocket, type Listener, type TlsListener } from '@sealpost/mqtt/node';
import { createMqttServer, type ServerLimits } from '@sealpost/mqtt/server';
import {
  Precedence,
  accept,
  describeError,
  domainOf,
  makeEvidence,
  refuse,
  type Address,
  type Domain,
  type Result,
  type Signer,
} from '@sealpost/protocol';
import { noRevocations, type Accounts, type Revocations } from './accounts/account.ts';
import { SignIn, type Principal } from './accounts/sign-in.ts';
import { CertificateArchive } from './certificates/archive.ts';
import { Housekeeping } from './custody/housekeeping.ts';
import { openCustody, roomDefault } from './custody/open.ts';
import { Delivery } from './delivery/delivery.ts';
import { Dispositions } from './delivery/disposition.ts';
import { Outcomes } from './delivery/outcomes.ts';
import { Trace } from './delivery/trace.ts';
import type { TlsMaterial } from './estate/listener.ts';
import { Admission } from './evidence/admission.ts';
import { Notices } from './evidence/notices.ts';
import { Statements } from './evidence/statement.ts';
import { Front } from './front/front.ts';
import type { Observer } from './observe/observer.ts';
import { nobody } from './observe/several.ts';
import type { Gauges } from './operations/gauges.ts';
import { ConnectionGate } from './limits/connection-gate.ts';
import { Intake } from './limits/intake.ts';
import { domainLimits, type DomainLimits } from './limits/limits.ts';
import { SignInThrottle } from './limits/sign-in-throttle.ts';
import { Dialler, peerReceiveMaximum } from './relay/dialler.ts';
import { Inbound } from './relay/inbound.ts';
import { PeerLinks } from './relay/peer-links.ts';
import type { PeerAddress, Sink } from './relay/link.ts';
import { RelayFront } from './relay/relay-front.ts';
import { Relay } from './relay/relay.ts';
import { systemClock, type Clock } from './schedule/clock.ts';
import { Deadlines } from './schedule/deadlines.ts';
import { Expiry } from './schedule/expiry.ts';
import { freeBytes } from './sqlite/durable-file.ts';
import type { RoomLimits } from './sqlite/room.ts';
import { Submission, type Route } from './submission/submission.ts';

export interface Endpoint {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

export interface WebEndpoint extends Endpoint {
  /** Pages that may connect: `https://mail.example`. Clients that are no browsers name no origin and need none. */
  readonly origins: readonly string[];
}

/** What is absent is not offered. */
export interface Listening {
  /** Without TLS: passwords are taken on loopback only. */
  readonly mqtt?: Endpoint;
  readonly mqtts?: Endpoint;
  readonly relay?: Endpoint;
  /** MQTT over WebSocket: plain on loopback only, or with the TLS certificate of `mqtts`. */
  readonly ws?: WebEndpoint;
  readonly wss?: WebEndpoint;
}

export interface Peer {
  readonly domain: Domain;
  /** Absent: the peer dials us. */
  readonly dial?: { readonly host: string; readonly port: number };
}

export interface DomainOptions<L extends Listening = Listening> {
  readonly domain: Domain;
  /** Holds the store and the certificates of stored seals; one process at a time. */
  readonly directory: string;
  /** The domain-seal key. Not the TLS key. */
  readonly signer: Signer;
  readonly anchors: Anchors;
  readonly accounts: Accounts;
  /** Nothing is revoked without it. */
  readonly revocations?: Revocations;
  /** Told of every sign-in. */
  signedIn?(principal: Principal): void;
  /** The domain's link certificate, for the relay listener and for dialling. */
  readonly link: TlsMaterial;
  /** The account listener's TLS certificate: never from the identity authority. */
  readonly tls: TlsMaterial;
  readonly listen: L;
  readonly peers: readonly Peer[];
  /** Of the account listeners, where they differ from what is usual. */
  readonly limits?: Partial<ServerLimits & DomainLimits>;
  readonly clock?: Clock;
  /** Nobody watches without it. */
  readonly observer?: Observer;
  /** What is to be left of the disk; for tests of a full one. */
  readonly room?: RoomLimits;
  /** Faults that concern no peer: storage, bugs. Without message content and passwords. */
  report(error: unknown): void;
  /**
   * Nothing can be stored any more: the disk failed, the store is damaged, or another process took it over. Called once;
   * the process should end, so that another begins with what is on the disk.
   */
  failed?(error: Error): void;
}

/** The ports that were asked for, with the number each got. */
export type RunningDomain<L extends Listening = UsualListening> = Running & L;

type UsualListening = Required<Pick<Listening, 'mqtt' | 'mqtts' | 'relay'>> & Pick<Listening, 'ws' | 'wss'>;

interface Running {
  readonly domain: Domain;
  /** Dials a peer whose address was not known at the start. */
  dial(peer: PeerAddress): void;
  /** The whole list: links to whoever is not on it any more end, and mail for it waits until it expires. */
  setPeers(peers: readonly Peer[]): void;
  /** The anchor of this domain is another now: what the old one proved is forgotten, and its link ends. */
  forgetAnchor(domain: Domain): void;
  /** The account listeners present this from the next connection on. Throws when key and certificate do not fit. */
  setTls(tls: TlsMaterial): void;
  /** Ends the sessions whose account or credential is not good any more. */
  recheckSessions(): void;
  /** How it stands. Cheap, except for what is asked of the store. */
  readonly gauges: Gauges;
  /** With `drainMs`, what was received is stored and answered first, for so long at most. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

const accountReceiveMaximum = 64;
const notAuthorised = describeError('not-allowed').mqtt;
const credentialGone = 'The account or the credential of this session is not good any more.';

export async function openDomain<L extends Listening>(options: DomainOptions<L>): Promise<RunningDomain<L>> {
  const { accounts, anchors, directory, domain, signer, revocations = noRevocations } = options;
  const report = guarded((error) => options.report(error));
  const observer = options.observer ?? nobody;
  const clock = options.clock ?? systemClock;
  const crypto = nodeCrypto;
  const { chain } = signer;

  const trust = new TrustStore({ anchors, crypto, now: () => Math.floor(clock.now() / 1000) });
  const own = await trust.admit(chain, domain);
  if (!own.ok) throw new Error(`the seal certificate of ${domain} is not valid: ${own.refusal.code}`);
  const archive = await CertificateArchive.open(join(directory, 'certificates'), trust);
  await archive.keep(own.value);
  const custody = await openCustody({
    directory,
    sign: async (statement, haste) => (await makeEvidence({ statement, signer, haste })).bytes,
    report: (error) => {
      report(error);
      options.failed?.(error);
    },
    ...(options.observer === undefined ? {} : { observer }),
    ...(options.room === undefined ? {} : { room: options.room }),
  });

  const statements = new Statements(clock, crypto.randomBytes);
  const chainOf = (hash: Uint8Array): readonly Uint8Array[] => trust.known(hash)?.chain ?? [];
  const notices = new Notices({ custody, crypto, clock, chainOf, report });
  const admission = new Admission({ domain, crypto, trust, custody, notices });
  const outcomes: Outcomes = new Outcomes({
    domain,
    custody,
    statements,
    notices,
    chain,
    reportTo: (peer, owed) => relay.reportTo(peer, owed),
    left: (mailbox, id) => delivery.left(mailbox, id),
  });
  const relay = new Relay({
    custody,
    crypto,
    admission,
    statements,
    notices,
    clock,
    chain,
    random: Math.random,
    chainOf: (hash) => archive.chainOf(hash),
    report,
  });
  const delivery = new Delivery({
    crypto,
    custody,
    clock,
    outcomes,
    certificateOf: (hash, issuerDomain) => archive.find(hash, issuerDomain),
    report,
  });
  const expiry = new Expiry({
    custody,
    outcomes,
    statements,
    notices,
    chain,
    askStatus: (peer, row) => relay.askStatus(peer, row),
    admit: (peer, signed) => admission.admit(peer, signed),
    consigned: (mailbox) => delivery.refresh(mailbox),
    report,
  });
  const housekeeping = new Housekeeping({ custody, certificates: archive, clock, report });
  const deadlines = new Deadlines({ clock, sweep: (nowMs) => expiry.sweep(nowMs), report });

  const peers = new Map(options.peers.map((peer) => [peer.domain, peer]));
  const resolve = (recipient: Address): Result<Route> => {
    const recipientDomain = domainOf(recipient);
    if (recipientDomain !== domain)
      return peers.has(recipientDomain)
        ? accept<Route>({
            kind: 'peer',
            domain: recipientDomain,
            isReady: (lane) => relay.isReady(recipientDomain, lane),
          })
        : refuse('peer-unknown');
    const account = accounts.find(recipient);
    return account === undefined ? refuse('mailbox-unknown') : accept<Route>({ kind: 'mailbox', account });
  };

  // What a message brings along must not fill the room that is left for what was begun; without room it is refused anyway.
  const { spareBytes } = options.room ?? roomDefault;
  const keepCertificate = async (certificate: TrustedCertificate): Promise<Result<void>> => {
    if (await archive.isKept(certificate)) return accept();
    if (freeBytes(directory) < spareBytes) return refuse('storage-full', 'for a certificate');
    await archive.keep(certificate);
    return accept();
  };

  const limits = { ...domainLimits, ...options.limits };
  const intake = new Intake({ limits, clock, random: Math.random });
  const gate = new ConnectionGate(limits, clock);
  // Whoever crowds the account listeners keeps no peer out.
  const relayGate = new ConnectionGate(limits, clock);
  const submission = new Submission({
    domain,
    crypto,
    trust,
    signer,
    custody,
    statements,
    notices,
    clock,
    intake,
    revocations,
    resolve,
    keepCertificate,
    accepted(message, route, state) {
      deadlines.note(state === 2 ? message.heldUntilMs : message.seal.claims.expires * 1000);
      if (route.kind === 'peer') relay.accepted(route.domain, message, state === 4 ? 4 : 3);
      else if (state === 6) delivery.arrived(message);
    },
  });
  const inbound = new Inbound({
    domain,
    crypto,
    trust,
    signer,
    accounts,
    custody,
    statements,
    admission,
    clock,
    intake,
    keepCertificate,
    accepted(message, state) {
      deadlines.note(state === 2 ? message.heldUntilMs : message.seal.claims.expires * 1000);
      if (state === 6) delivery.arrived(message);
    },
    observer,
    report,
  });

  const linkEvents = {
    linkUp(peer: Domain, sink: Sink): void {
      const wasLinked = relay.isLinked(peer);
      relay.linkUp(peer, sink);
      if (!wasLinked) observer.linkUp(peer);
      expiry.askUnconfirmed(peer).catch(report);
    },
    linkDown(peer: Domain, sink: Sink, reason: string): void {
      const wasLinked = relay.isLinked(peer);
      relay.linkDown(peer, sink);
      if (wasLinked && !relay.isLinked(peer)) observer.linkDown(peer, reason);
    },
  };
  const signIn = new SignIn({
    domain,
    accounts,
    revocations,
    trust,
    sha256: crypto.sha256,
    throttle: new SignInThrottle(limits, clock),
    signedIn: (principal) => options.signedIn?.(principal),
  });
  const front = new Front({
    signIn,
    submission,
    intake,
    delivery,
    dispositions: new Dispositions(custody, outcomes),
    notices,
    trace: new Trace({ custody, crypto, chainOf }),
    statements,
    signer,
    crypto,
    clock,
    observer,
    report,
  });
  const accountServer = createMqttServer<Principal>({
    application: front,
    receivePolicy: front,
    limits: { receiveMaximum: accountReceiveMaximum, ...options.limits },
    clock,
    urgentRank: Precedence.immediate,
    report,
  });
  const relayServer = createMqttServer<Domain>({
    application: new RelayFront({
      domain,
      trust,
      signer,
      clock,
      inbound,
      isPeer: (peer) => peers.has(peer),
      ...linkEvents,
    }),
    // Custody repeats what was not answered; a session beyond its connection would do it a second time [RELAY-3].
    limits: { receiveMaximum: peerReceiveMaximum, sessionExpirySecondsMax: 0 },
    clock,
    urgentRank: Precedence.immediate,
    report,
  });

  const listeners: Listener[] = [];
  const accountTls: TlsListener[] = [];
  const links = new PeerLinks({
    dialler: (peer) =>
      new Dialler(peer, {
        domain,
        trust,
        signer,
        clock,
        inbound,
        tls: options.link,
        random: Math.random,
        report: (error) => observer.linkFailed(peer.domain, error),
        ...linkEvents,
      }),
    sessions: () => relayServer.sessions(),
    report,
  });
  let closed: Promise<void> | undefined;
  const close: Running['close'] = ({ drainMs = 0 } = {}) => (closed ??= closeAll(drainMs));
  const closeAll = async (drainMs: number): Promise<void> => {
    // A listener is closed once its connections are; the servers end those.
    const listening = listeners.map((listener) => listener.close());
    if (drainMs > 0) await Promise.all([accountServer.drain(drainMs), relayServer.drain(drainMs)]);
    await Promise.all([
      links.stop(),
      accountServer.close(),
      relayServer.close(),
      deadlines.stop(),
      housekeeping.stop(),
      ...listening,
    ]);
    await custody.close();
  };

  try {
    const { mqtt, mqtts, relay: relayAt, ws, wss }: Listening = options.listen;
    const listening = async <T extends Listener>(opening: Promise<T>): Promise<T> => {
      const listener = await opening;
      listeners.push(listener);
      return listener;
    };
    const plain = mqtt && (await listening(listenTcp(accountServer, { ...mqtt, gate })));
    const secure =
      mqtts && (await listening(listenTls(accountServer, { ...mqtts, gate, tls: tlsOptions(options.tls) })));
    if (secure !== undefined) accountTls.push(secure);
    const web = ws && (await listening(listenWebSocket(accountServer, { ...ws, gate })));
    const secureWeb =
      wss &&
      (await listening(listenWebSocket(accountServer, { ...wss, gate, tls: tlsOptions(options.tls) })));
    if (secureWeb !== undefined) accountTls.push(secureWeb);
    const toPeers =
      relayAt &&
      (await listening(
        listenTls(relayServer, { ...relayAt, gate: relayGate, tls: tlsOptions(options.link) }),
      ));
    deadlines.note(clock.now());
    links.set(options.peers);
    const at = {
      ...(mqtt && plain && { mqtt: { host: mqtt.host, port: plain.port } }),
      ...(mqtts && secure && { mqtts: { host: mqtts.host, port: secure.port } }),
      ...(relayAt && toPeers && { relay: { host: relayAt.host, port: toPeers.port } }),
      ...(ws && web && { ws: { ...ws, port: web.port } }),
      ...(wss && secureWeb && { wss: { ...wss, port: secureWeb.port } }),
    };
    housekeeping.start();
    return {
      domain,
      // The same names as in `listen`.
      ...(at as L),
      gauges: {
        accounts: () => accountServer.stats,
        relay: () => relayServer.stats,
        peers: () => [...peers.keys()].map((peer) => ({ domain: peer, isLinked: relay.isLinked(peer) })),
        queued: (limit) => custody.queued(limit),
        owed: (limit) => custody.owed(limit),
        probe: () => custody.probe(),
        get unstoredBytes() {
          return custody.pendingBytes;
        },
      },
      dial: (peer) => links.dial(peer),
      setPeers(list) {
        peers.clear();
        for (const peer of list) peers.set(peer.domain, peer);
        links.set(list);
      },
      forgetAnchor(changed) {
        trust.forget(changed);
        links.drop(changed);
      },
      setTls: (tls) => accountTls.forEach((listener) => listener.present(tlsOptions(tls))),
      recheckSessions() {
        for (const session of accountServer.sessions())
          if (!signIn.isStillGood(session.principal)) session.end(notAuthorised, credentialGone);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Reporting is the last resort of everything else: it never throws. */
function guarded(report: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    try {
      report(error);
    } catch {
      // There is nobody left to tell.
    }
  };
}

function tlsOptions({ certificate, key }: TlsMaterial): { cert: string; key: string } {
  return { cert: certificate, key };
}
