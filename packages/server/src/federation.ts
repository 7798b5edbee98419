// SPDX-License-Identifier: Apache-2.0
// Several domains in one process, on loopback, with every key they need made on the first start: for development and
// for tests. What is made stays in the directory and is used again.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { staticAnchors, type Anchors } from '@sealpost/identity';
import {
  createTlsAuthority,
  loadCredential,
  loadTlsAuthority,
  nodeSigner,
  saveCredential,
  saveTlsAuthority,
  type TlsAuthority,
} from '@sealpost/identity/node';
import {
  Precedence,
  parseAddress,
  parseDomain,
  type AccountKind,
  type Address,
  type Domain,
  type PrecedenceName,
  type Result,
} from '@sealpost/protocol';
import { accountsOf, type Account } from './accounts/account.ts';
import { hashPassword } from './accounts/password.ts';
import { unlimitedRates } from './limits/limits.ts';
import { openDomain, type Endpoint, type RunningDomain } from './domain.ts';
import { openEstate, type Estate } from './estate/estate.ts';
import { pemOf } from './estate/listener.ts';
import { made } from './estate/made.ts';
import { EventLog } from './operations/event-log.ts';
import { Log } from './operations/log.ts';
import { systemClock } from './schedule/clock.ts';

/** What the owner of a mailbox lets senders claim. */
export interface GrantPlan {
  readonly upTo: PrecedenceName;
  readonly kind?: AccountKind;
  /** An address or a domain. */
  readonly from?: string;
}

export interface AccountPlan {
  readonly address: string;
  readonly kind: AccountKind;
  /** The highest precedence its own messages may travel with. */
  readonly ceiling: PrecedenceName;
  readonly password: string;
  readonly grants?: readonly GrantPlan[];
  /** Make a key and a certificate, for origin seals and for signing in without a password. */
  readonly originKey?: boolean;
}

export interface DomainPlan {
  readonly domain: string;
  readonly accounts: readonly AccountPlan[];
}

export interface FederationOptions {
  /** Made if need be; one process at a time. */
  readonly directory: string;
  /** Four ports a domain from here on: MQTT, MQTT over TLS, relay, MQTT over WebSocket. Free ports without it. */
  readonly portBase?: number;
  readonly domains: readonly DomainPlan[];
  /** Pages that may connect over WebSocket, `http://localhost:5173`: none unless given. */
  readonly origins?: readonly string[];
  /** What a domain's log says from `warn` on, a line each: faults, links that fail or end. Not while they close. */
  log?(line: string): void;
  /** As of a domain. */
  failed?(error: Error): void;
}

export interface FederationDomain {
  readonly domain: string;
  readonly mqtt: Endpoint;
  readonly mqtts: Endpoint & { readonly caFile: string };
  readonly relay: Endpoint;
  /** MQTT over WebSocket, without TLS. */
  readonly ws?: Endpoint;
  /** The certificate of the domain's authority, for whoever wants to verify by themselves. */
  readonly authorityFile: string;
}

export interface FederationAccount {
  readonly address: string;
  readonly kind: AccountKind;
  readonly username: string;
  readonly password: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface Federation {
  readonly domains: readonly FederationDomain[];
  readonly accounts: readonly FederationAccount[];
  close(): Promise<void>;
}

const loopback = '127.0.0.1';
const portsPerDomain = 4;

/** Rejects with the error of the socket when a port is in use; nothing is left running then. */
export async function openFederation(options: FederationOptions): Promise<Federation> {
  const { directory } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const tlsAuthority = await made(
    () => loadTlsAuthority(directory),
    () => createTlsAuthority(),
    (authority) => saveTlsAuthority(directory, authority),
  );
  const prepared: Prepared[] = [];
  for (const plan of options.domains) prepared.push(await prepare(directory, plan));
  const anchors = staticAnchors(prepared.map(({ estate }) => estate.authority.anchor));
  const running: RunningDomain[] = [];
  let isClosing = false;
  const log = (line: string): void => {
    if (!isClosing) options.log?.(line);
  };
  const close = async (): Promise<void> => {
    isClosing = true;
    await Promise.all(running.map((domain) => domain.close()));
  };
  try {
    // One after the other: each dials those that already listen, so every pair has one link.
    for (const [index, own] of prepared.entries())
      running.push(await start(own, index, { options, log, anchors, tlsAuthority, prepared, running }));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    domains: running.map((domain, index) => ({
      domain: domain.domain,
      mqtt: domain.mqtt,
      mqtts: { ...domain.mqtts, caFile: join(directory, 'tls-authority.pem') },
      relay: domain.relay,
      ...(domain.ws === undefined ? {} : { ws: { host: domain.ws.host, port: domain.ws.port } }),
      authorityFile: join(prepared[index]?.estate.directory ?? directory, 'authority.pem'),
    })),
    accounts: prepared.flatMap(({ accounts }) => accounts.map(({ shown }) => shown)),
    close,
  };
}

interface PreparedAccount {
  readonly account: Account;
  readonly shown: FederationAccount;
}

interface Prepared {
  readonly estate: Estate;
  readonly accounts: readonly PreparedAccount[];
}

async function prepare(root: string, plan: DomainPlan): Promise<Prepared> {
  const domain = planned(parseDomain(plan.domain), plan.domain);
  const directory = join(root, domain);
  const estate = await openEstate(directory, domain);
  const accounts: PreparedAccount[] = [];
  for (const account of plan.accounts) {
    const prepared = await prepareAccount(directory, account);
    accounts.push(prepared);
    const { address, kind } = prepared.account;
    if (account.originKey === true)
      await made(
        () => loadCredential(directory, address),
        () => estate.authority.issueAccount({ address, kind }),
        (issued) => saveCredential(directory, address, issued),
      );
  }
  return { estate, accounts };
}

async function prepareAccount(directory: string, plan: AccountPlan): Promise<PreparedAccount> {
  const address = planned(parseAddress(plan.address), plan.address);
  const { kind, password } = plan;
  const record = await hashPassword(Buffer.from(password));
  const account: Account = {
    address,
    kind,
    ceiling: Precedence[plan.ceiling],
    grants: (plan.grants ?? []).map(({ upTo, kind: of, from }) => ({
      upTo: Precedence[upTo],
      ...(of === undefined ? {} : { kind: of }),
      ...(from === undefined ? {} : { from: from as Address | Domain }),
    })),
    passwords: [{ id: record.split('$')[3] ?? '', record }],
  };
  const shown: FederationAccount = {
    address,
    kind,
    username: address,
    password,
    ...(plan.originKey === true
      ? { certFile: join(directory, `${address}.pem`), keyFile: join(directory, `${address}.key`) }
      : {}),
  };
  return { account, shown };
}

interface Surroundings {
  readonly options: FederationOptions;
  log(line: string): void;
  readonly anchors: Anchors;
  readonly tlsAuthority: TlsAuthority;
  readonly prepared: readonly Prepared[];
  readonly running: readonly RunningDomain[];
}

async function start(
  { estate: { domain, directory, seal, link }, accounts }: Prepared,
  index: number,
  { options, log, anchors, tlsAuthority, prepared, running }: Surroundings,
): Promise<RunningDomain> {
  const { portBase, origins = [], failed } = options;
  const lines = new Log({ level: 'warn', format: 'text' }, (line) => log(`${domain}: ${line}`));
  const observer = new EventLog(lines, systemClock);
  const base = portBase === undefined ? undefined : portBase + index * portsPerDomain;
  const at = (offset: number, host: string = loopback): Endpoint => ({
    host,
    port: base === undefined ? 0 : base + offset,
  });
  return openDomain({
    // Whoever tries it out has few accounts, and may want many clients.
    limits: { ...unlimitedRates, sessionsPerAccount: Infinity },
    domain,
    directory,
    signer: nodeSigner({
      certificateDer: seal.certificate,
      chain: seal.chain,
      privateKey: seal.privateKey,
    }),
    anchors,
    accounts: accountsOf(accounts.map(({ account }) => account)),
    link: pemOf(link),
    tls: pemOf(await tlsAuthority.issueServerCertificate()),
    listen: { mqtt: at(0), mqtts: at(1, 'localhost'), relay: at(2), ws: { ...at(3), origins } },
    peers: prepared
      .map(({ estate }) => estate.domain)
      .filter((other) => other !== domain)
      .map((other) => {
        const listening = running.find((candidate) => candidate.domain === other);
        return listening === undefined ? { domain: other } : { domain: other, dial: listening.relay };
      }),
    observer,
    report: (error) => observer.fault(error),
    failed: (error) => failed?.(error),
  });
}

/** A plan is code: a bad name in it is a bug of whoever wrote it. */
function planned<T>(parsed: Result<T>, text: string): T {
  if (!parsed.ok) throw new RangeError(`${text}: ${parsed.refusal.code}`);
  return parsed.value;
}
