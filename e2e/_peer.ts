// SPDX-License-Identifier: Apache-2.0
// One domain under test in this process, and domains around it that do whatever a test tells them to.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parseCertificate, staticAnchors } from '@sealpost/identity';
import {
  createAuthority,
  createTlsAuthority,
  encodePem,
  nodeCrypto,
  type Authority,
  type Credential,
} from '@sealpost/identity/node';
import { connectLink, type Acknowledgement, type Link, type Publish } from '@sealpost/mqtt/link';
import { connectTls } from '@sealpost/mqtt/node';
import {
  Precedence,
  decodeEvidence,
  encodeCbor,
  fromBase64Url,
  makeEvidence,
  parseDomain,
  toBase64Url,
  verifyEvidence,
  withChain,
  type AccountKind,
  type Domain,
  type Event,
  type Seal,
  type Signer,
  type Statement,
} from '@sealpost/protocol';
import {
  accountsOf,
  hashPassword,
  nobody,
  openDomain,
  type Account,
  type DomainOptions,
  type RunningDomain,
} from '@sealpost/server';
import { temporaryDirectory, type Dev } from './_harness.ts';
import { address, signerFrom } from './_seals.ts';

export const password = 'correct horse battery staple';
const passwordRecord = hashPassword(Buffer.from(password));

export function domain(text: string): Domain {
  const parsed = parseDomain(text);
  if (!parsed.ok) throw new TypeError(text);
  return parsed.value;
}

/** A domain with its keys, and nothing that runs. */
export interface Estate {
  readonly domain: Domain;
  readonly authority: Authority;
  readonly seal: Signer;
  readonly link: Credential;
}

export async function estate(name: string): Promise<Estate> {
  const authority = await createAuthority(domain(name));
  const [seal, link] = await Promise.all([authority.issueDomainSeal(), authority.issueDomainLink()]);
  return { domain: authority.domain, authority, seal: signerFrom(seal), link };
}

export function account(text: string, kind: AccountKind, more: Partial<Account> = {}): Promise<Account> {
  return passwordRecord.then((record) => ({
    address: address(text),
    kind,
    ceiling: Precedence.flash,
    grants: [],
    passwords: [{ id: 'x', record }],
    ...more,
  }));
}

/** The system's clock, and how much it is put forward. */
export class ShiftedClock {
  shiftMs = 0;

  now(): number {
    return Date.now() + this.shiftMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), 2 ** 31 - 1));
    timer.unref();
    return () => clearTimeout(timer);
  }
}

/** Home.test with its accounts, over anchors that a test chose. */
export class Home implements Pick<Dev, 'account' | 'domainOf'> {
  readonly estate: Estate;
  readonly running: RunningDomain;
  readonly clock: ShiftedClock;
  /** What the domain reported, one line each. */
  readonly faults: readonly string[];
  readonly #caFile: string;

  private constructor(
    own: Estate,
    running: RunningDomain,
    clock: ShiftedClock,
    faults: readonly string[],
    caFile: string,
  ) {
    this.estate = own;
    this.running = running;
    this.clock = clock;
    this.faults = faults;
    this.#caFile = caFile;
  }

  static async open(
    t: TestContext,
    others: readonly Estate[],
    accounts: readonly Account[],
    kept: Pick<DomainOptions, 'limits' | 'room'> & { directory?: string; own?: Estate } = {},
  ): Promise<Home> {
    const directory = kept.directory ?? (await temporaryDirectory());
    const own = kept.own ?? (await estate('home.test'));
    const clock = new ShiftedClock();
    const faults: string[] = [];
    const tls = await (await createTlsAuthority()).issueServerCertificate();
    const running = await openDomain({
      domain: own.domain,
      directory,
      signer: own.seal,
      anchors: staticAnchors([own, ...others].map(({ authority }) => authority.anchor)),
      accounts: accountsOf(accounts),
      link: { certificate: encodePem(own.link.chain), key: own.link.privateKey },
      tls: { certificate: encodePem(tls.chain), key: tls.privateKey },
      listen: {
        mqtt: { host: '127.0.0.1', port: 0 },
        mqtts: { host: '127.0.0.1', port: 0 },
        relay: { host: '127.0.0.1', port: 0 },
      },
      peers: others.map((other) => ({ domain: other.domain })),
      clock,
      ...(kept.limits === undefined ? {} : { limits: kept.limits }),
      ...(kept.room === undefined ? {} : { room: kept.room }),
      observer: { ...nobody, linkFailed: (_peer, error) => faults.push(String(error)) },
      report: (error) => faults.push(String(error)),
    });
    t.after(() => running.close());
    return new Home(own, running, clock, faults, join(directory, 'no-ca.pem'));
  }

  account(text: string): ReturnType<Dev['account']> {
    return { address: text, kind: '', username: text, password, certFile: '', keyFile: '' };
  }

  domainOf(): ReturnType<Dev['domainOf']> {
    const { domain: name, mqtt, mqtts } = this.running;
    return { domain: name, mqtt, mqtts: { ...mqtts, caFile: this.#caFile } };
  }
}

/** A PUBLISH of the domain under test, and its answer, given when the test likes. */
export interface Offer {
  readonly publish: Publish;
  answer(acknowledgement: Acknowledgement): void;
}

export interface Introduction {
  readonly clientId?: string;
  /** What TLS presents; null: nothing. */
  readonly link?: Credential | null;
  /** Unix milliseconds, as text. */
  readonly time?: string;
  readonly domainSeal?: string;
  readonly sessionExpirySeconds?: number;
}

export function introductionOf({ seal }: Pick<Estate, 'seal'>): string {
  return seal.chain.map(toBase64Url).join('.');
}

/** A peer on the relay listener of the domain under test. */
export class Peer {
  readonly link: Link;
  readonly estate: Estate;
  readonly #offers: Offer[];
  readonly #waiting: ((offer: Offer) => void)[];

  private constructor(own: Estate, link: Link, offers: Offer[], waiting: ((offer: Offer) => void)[]) {
    this.estate = own;
    this.link = link;
    this.#offers = offers;
    this.#waiting = waiting;
  }

  /** Rejects with ConnectRefused. Does not subscribe. */
  static async connect(t: TestContext, own: Estate, home: Home, as: Introduction = {}): Promise<Peer> {
    const { host, port } = home.running.relay;
    const credential = as.link === undefined ? own.link : as.link;
    const transport = await connectTls({
      host,
      port,
      tls: {
        rejectUnauthorized: false,
        ...(credential === null ? {} : { cert: encodePem(credential.chain), key: credential.privateKey }),
      },
    });
    const offers: Offer[] = [];
    const waiting: ((offer: Offer) => void)[] = [];
    const link = await connectLink(transport, {
      clientId: as.clientId ?? own.domain,
      cleanStart: true,
      sessionExpirySeconds: as.sessionExpirySeconds ?? 0,
      keepAliveSeconds: 30,
      receiveMaximum: 256,
      userProperties: [
        ['time', as.time ?? String(home.clock.now())],
        ['domain-seal', as.domainSeal ?? introductionOf(own)],
      ],
      onPublish: (publish) =>
        new Promise((answer) => {
          const offer = { publish, answer };
          const next = waiting.shift();
          if (next === undefined) offers.push(offer);
          else next(offer);
        }),
    });
    t.after(() => link.end());
    return new Peer(own, link, offers, waiting);
  }

  /** With its subscription, as a dialler should. */
  static async linked(t: TestContext, own: Estate, home: Home): Promise<Peer> {
    const peer = await Peer.connect(t, own, home);
    assert.deepEqual(await peer.link.subscribe([{ filter: 'mail/relay/#', qos: 1 }]), [1]);
    return peer;
  }

  /** The next thing the domain under test asks. */
  next(): Promise<Offer> {
    const offer = this.#offers.shift();
    if (offer !== undefined) return Promise.resolve(offer);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get unread(): readonly Offer[] {
    return this.#offers;
  }

  async end(): Promise<void> {
    this.link.end();
    await this.link.closed;
  }

  publish(topic: string, payload: string | Uint8Array, properties: Publish['userProperties'] = []) {
    return this.link.publish({
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      retain: false,
      userProperties: properties,
    });
  }

  relay(seal: string, body: string | Uint8Array): Promise<Acknowledgement> {
    return this.publish('mail/relay/message', body, [['seal', seal]]);
  }

  status(seal: string): Promise<Acknowledgement> {
    return this.publish('mail/relay/status', '', [['seal', seal]]);
  }

  evidence(...signed: readonly Uint8Array[]): Promise<Acknowledgement> {
    return this.publish('mail/relay/evidence', encodeCbor(signed));
  }

  /** What this domain may say about a message that was offered to it. */
  async says(seal: Seal, events: readonly Event[], more: Partial<Statement> = {}): Promise<Uint8Array> {
    return sign(this.estate.seal, seal, events, more);
  }
}

export async function sign(
  signer: Signer,
  { claims, digest }: Seal,
  events: readonly Event[],
  more: Partial<Statement> = {},
): Promise<Uint8Array> {
  const statement: Statement = {
    events,
    digest,
    id: claims.id,
    recipient: claims.audience,
    observedAt: Math.floor(Date.now() / 1000),
    nonce: nodeCrypto.randomBytes(16),
    ...more,
  };
  const { bytes } = await makeEvidence({ statement, signer });
  return bytes;
}

/** A PUBACK that carries evidence, with the signer's certificates if asked for. */
export function answerWith(
  signed: Uint8Array,
  reasonCode = 0,
  chain: readonly Uint8Array[] = [],
): Acknowledgement {
  return { reasonCode, userProperties: [['evidence', toBase64Url(withChain(signed, chain))]] };
}

export function propertyOf(
  { userProperties = [] }: { readonly userProperties?: Publish['userProperties'] },
  name: string,
): string | undefined {
  return userProperties.find(([key]) => key === name)?.[1];
}

/** The statement in an answer, once it has verified as one that the domain under test may make. */
export async function statementOf(
  acknowledgement: Acknowledgement,
  home: Home,
  senderDomain: Domain,
): Promise<Statement> {
  const signed = fromBase64Url(propertyOf(acknowledgement, 'evidence') ?? '');
  assert.ok(signed !== undefined && signed.length > 0, 'no evidence');
  const evidence = decodeEvidence(signed, nodeCrypto);
  assert.ok(evidence.ok);
  const [leaf] = home.estate.seal.chain;
  assert.ok(leaf);
  const certificate = parseCertificate(leaf, nodeCrypto);
  assert.ok(certificate.ok);
  const verified = await verifyEvidence(evidence.value, certificate.value, { senderDomain }, nodeCrypto);
  assert.ok(verified.ok, verified.ok ? '' : verified.refusal.code);
  return evidence.value.statement;
}
