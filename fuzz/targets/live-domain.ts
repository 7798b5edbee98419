// SPDX-License-Identifier: Apache-2.0
// A domain that listens, one that it has a link to, and a third that only knows how to misbehave.
import { AssertionError } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Client } from '@sealpost/client';
import { staticAnchors, type Anchors } from '@sealpost/identity';
import {
  createAuthority,
  createTlsAuthority,
  encodePem,
  nodeCrypto,
  nodeSigner,
  type Authority,
  type Credential,
  type TlsAuthority,
} from '@sealpost/identity/node';
import { connectTls } from '@sealpost/mqtt/node';
import {
  Precedence,
  parseAddress,
  parseDomain,
  type Address,
  type Domain,
  type Signer,
} from '@sealpost/protocol';
import { accountsOf, hashPassword, openDomain, type RunningDomain } from '@sealpost/server';

export const password = 'correct horse battery staple';
export const mallory = addressOf('mallory@home.test');
/** May connect over WebSocket. */
export const page = 'https://mail.home.test';
export const desk = addressOf('desk@home.test');
const alice = addressOf('alice@home.test');
const chief = addressOf('chief@fire.test');

export function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new TypeError(text);
  return parsed.value;
}

export function domainOf(text: string): Domain {
  const parsed = parseDomain(text);
  if (!parsed.ok) throw new TypeError(text);
  return parsed.value;
}

export function signerOf({ certificate, chain, privateKey }: Credential): Signer {
  return nodeSigner({ certificateDer: certificate, chain, privateKey });
}

export function pem({ chain, privateKey }: Credential): { certificate: string; key: string } {
  return { certificate: encodePem(chain), key: privateKey };
}

interface Estate {
  readonly domain: Domain;
  readonly authority: Authority;
  readonly seal: Signer;
  readonly link: Credential;
}

async function estate(name: string): Promise<Estate> {
  const authority = await createAuthority(domainOf(name));
  const [seal, link] = await Promise.all([authority.issueDomainSeal(), authority.issueDomainLink()]);
  return { domain: authority.domain, authority, seal: signerOf(seal), link };
}

/** Errors that a peer cannot be blamed for. */
function isBug(error: unknown): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError, AssertionError].some(
    (kind) => error instanceof kind,
  );
}

export class LiveDomain {
  readonly home: RunningDomain;
  readonly evil: Estate;
  /** Mallory's own certificate and key. */
  readonly credential: Credential;
  readonly #fire: RunningDomain;
  readonly #directory: string;
  readonly #anchors: Anchors;
  readonly #bugs: unknown[];
  readonly #clients: Client[] = [];
  readonly #accepted = new Set<string>();
  #mallory: Client | undefined;
  #alice: Client | undefined;

  private constructor(parts: {
    home: RunningDomain;
    fire: RunningDomain;
    evil: Estate;
    credential: Credential;
    directory: string;
    anchors: Anchors;
    bugs: unknown[];
  }) {
    this.home = parts.home;
    this.evil = parts.evil;
    this.credential = parts.credential;
    this.#fire = parts.fire;
    this.#directory = parts.directory;
    this.#anchors = parts.anchors;
    this.#bugs = parts.bugs;
  }

  static async open(): Promise<LiveDomain> {
    const directory = await mkdtemp(join(tmpdir(), 'sealpost-fuzz-'));
    const [home, fire, evil] = await Promise.all(['home.test', 'fire.test', 'evil.test'].map(estate));
    if (home === undefined || fire === undefined || evil === undefined) throw new TypeError('estates');
    const anchors = staticAnchors([home, fire, evil].map(({ authority }) => authority.anchor));
    const tlsAuthority = await createTlsAuthority();
    const bugs: unknown[] = [];
    const start = (own: Estate, addresses: readonly Address[], peers: readonly Domain[]) =>
      startDomain({
        own,
        addresses,
        peers,
        anchors,
        tlsAuthority,
        directory: join(directory, own.domain),
        bugs,
      });
    const running = await start(home, [mallory, desk, alice], [fire.domain, evil.domain]);
    const other = await start(fire, [chief], [home.domain]);
    other.dial({ domain: home.domain, ...running.relay });
    const credential = await home.authority.issueAccount({ address: mallory, kind: 'person' });
    const live = new LiveDomain({ home: running, fire: other, evil, credential, directory, anchors, bugs });
    await live.#welcome();
    return live;
  }

  /** A message that mallory was told is accepted. */
  accepted(id: string): void {
    if (this.#accepted.size < 10_000) this.#accepted.add(id);
  }

  /** The readers take what comes, for as long as the target is open. */
  async #welcome(): Promise<void> {
    this.#alice = await this.#client(this.home, alice);
    this.#mallory = await this.#client(this.home, mallory);
    for (const [domain, address] of [
      [this.home, desk],
      [this.#fire, chief],
    ] as const) {
      const client = await this.#client(domain, address);
      read(client).catch((error: unknown) => this.#bugs.push(error));
    }
  }

  async #client({ mqtts }: RunningDomain, account: Address): Promise<Client> {
    const client = await connect({
      account,
      password,
      crypto: nodeCrypto,
      anchors: this.#anchors,
      dial: () => connectTls({ ...mqtts, tls: { rejectUnauthorized: false } }),
    });
    this.#clients.push(client);
    return client;
  }

  /** Mail still goes through, what was accepted has an outcome, and nothing was reported that is a bug. */
  async check(): Promise<void> {
    const [bug] = this.#bugs;
    if (bug !== undefined) throw bug;
    for (const to of [desk, chief]) {
      const sent = await this.#alice?.send({ to, body: 'Still there?', ask: ['delivered', 'fetched'] });
      await sent?.until('fetched');
    }
    for (const id of this.#accepted) {
      await this.#expectOutcome(id);
      this.#accepted.delete(id);
    }
    if (this.#bugs.length > 0) throw this.#bugs[0];
  }

  /** Held, due and in doubt are states that end by themselves; what is unknown was lost. */
  async #expectOutcome(id: string): Promise<void> {
    const trace = await this.#mallory?.trace(id);
    if (trace?.evidence.every(({ verified }) => verified.ok) !== true || trace.evidence.length === 0)
      throw new Error(`no good evidence for ${id}, which was accepted`);
    const rests = ['held', 'due', 'in doubt', 'relayed'].includes(trace.state);
    if (!rests && trace.outcome === undefined) throw new Error(`${id} is ${trace.state} and has no outcome`);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all([this.home.close(), this.#fire.close()]);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function read(client: Client): Promise<void> {
  try {
    for await (const message of client.messages()) message.taken();
  } catch (error) {
    // The streams end with the client.
    if (!/closed/.test(String(error))) throw error;
  }
}

async function startDomain(parts: {
  readonly own: Estate;
  readonly addresses: readonly Address[];
  readonly peers: readonly Domain[];
  readonly anchors: Anchors;
  readonly tlsAuthority: TlsAuthority;
  readonly directory: string;
  readonly bugs: unknown[];
}): Promise<RunningDomain> {
  const { own, addresses, peers, anchors, tlsAuthority, directory, bugs } = parts;
  const record = await hashPassword(Buffer.from(password));
  const listen = { host: '127.0.0.1', port: 0 };
  const web = { ...listen, origins: [page] };
  return openDomain({
    domain: own.domain,
    directory,
    signer: own.seal,
    anchors,
    accounts: accountsOf(
      addresses.map((address) => ({
        address,
        kind: 'person' as const,
        ceiling: Precedence.flash,
        grants: [{ upTo: Precedence.flash }],
        passwords: [{ id: 'p', record }],
      })),
    ),
    link: pem(own.link),
    tls: pem(await tlsAuthority.issueServerCertificate()),
    listen: { mqtt: listen, mqtts: listen, relay: listen, ws: web, wss: web },
    peers: peers.map((domain) => ({ domain })),
    report: (error) => {
      if (isBug(error) && bugs.length < 10) bugs.push(error);
    },
  });
}
