// SPDX-License-Identifier: Apache-2.0
// One domain as its configuration says, in a directory that `init` prepared, until it is closed.
import { staticAnchors, type Anchor, type Anchors } from '@sealpost/identity';
import { nodeSigner } from '@sealpost/identity/node';
import type { ServerLimits } from '@sealpost/mqtt/server';
import type { Domain } from '@sealpost/protocol';
import { LiveAccounts } from './accounts/live.ts';
import { AccountStore } from './accounts/store.ts';
import type { LoadedConfig } from './config/load.ts';
import { readMaterials, type Materials } from './config/materials.ts';
import { ConfigError } from './config/problem.ts';
import { originsIn } from './config/values.ts';
import { openDomain, type Listening, type RunningDomain } from './domain.ts';
import { loadEstate, type Estate } from './estate/estate.ts';
import { endingSoon } from './estate/endings.ts';
import { openListenerTls, pemOf, type TlsMaterial } from './estate/listener.ts';
import { lockDirectory } from './estate/lock.ts';
import { domainLimits, type DomainLimits, type Rate } from './limits/limits.ts';
import type { Log } from './operations/log.ts';
import { Operations } from './operations/operations.ts';

export interface Service {
  readonly running: RunningDomain<Listening>;
  /** Rejects when the domain can store nothing any more; never resolves. */
  readonly failure: Promise<never>;
  /** Of the pages for operators. */
  readonly operationsPort: number | undefined;
  /**
   * Takes over what can change while it runs, and returns one sentence for each thing that cannot. Throws a
   * ConfigError, and goes on as before, when the new configuration cannot be used.
   */
  reload(next: LoadedConfig): Promise<readonly string[]>;
  /** What was received is stored and answered, for as long as the configuration allows; then the sessions end. */
  close(): Promise<void>;
}

const accountsEveryMs = 1_000;
const endingsEveryMs = 86_400_000;
/** Read at the start only. */
const fixedKeys = [
  'domain',
  'host',
  'data',
  'listen.mqtt',
  'listen.mqtts',
  'listen.relay',
  'listen.ws',
  'listen.wss',
  'listen.origins',
  'operations.listen',
  'limits.connections',
  'limits.connections_per_address',
  'limits.account_messages_per_second',
  'limits.peer_messages_per_second',
  'limits.unstored_mib',
];

/** Throws a ConfigError when the configuration cannot be used, and the error of the socket when a port cannot. */
export async function openService(
  loaded: LoadedConfig,
  log: Log,
  env: NodeJS.ProcessEnv = {},
): Promise<Service> {
  const materials = await readMaterials(loaded);
  const { directory } = materials;
  const lock = lockDirectory(directory);
  if (lock === undefined)
    throw new ConfigError([
      {
        key: 'data',
        sentence: `Another sealpost serve runs on ${directory}; end that one first, or give this one its own data folder.`,
      },
    ]);
  try {
    const { domain, operations: pages } = loaded.config;
    const { listen } = pages;
    const operations = await Operations.open({
      domain,
      log,
      env,
      ...(listen === undefined ? {} : { listen }),
    });
    try {
      const opened = await openRunning(loaded, materials, operations);
      await operations.started(opened.running.gauges);
      return new RunningService(loaded, opened, log, () => lock.release());
    } catch (error) {
      await operations.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Opened {
  readonly operations: Operations;
  readonly estate: Estate;
  /** The listener's own certificate is for it. */
  readonly host: string;
  readonly anchors: ChangingAnchors;
  readonly accounts: LiveAccounts;
  readonly running: RunningDomain<Listening>;
  readonly tls: TlsMaterial;
  readonly failure: Promise<never>;
}

async function openRunning(
  loaded: LoadedConfig,
  materials: Materials,
  operations: Operations,
): Promise<Opened> {
  const { observer } = operations;
  const { config } = loaded;
  const { directory, peers } = materials;
  const estate = await usableEstate(directory);
  const anchors = new ChangingAnchors(estate.authority.anchor, materials.anchors);
  const accounts = new LiveAccounts(AccountStore.open(directory));
  const { promise: failure, reject: failed } = Promise.withResolvers<never>();
  // Whoever waits for it hears of it; until somebody does, it is no unhandled rejection.
  failure.catch(() => {});
  try {
    const { mqtt, mqtts, relay, ws, wss } = config.listen;
    const origins = originsIn(config.listen.origins);
    const tls = await tlsOf(materials);
    const running = await openDomain<Listening>({
      domain: config.domain,
      directory,
      signer: nodeSigner({
        certificateDer: estate.seal.certificate,
        chain: estate.seal.chain,
        privateKey: estate.seal.privateKey,
      }),
      anchors,
      accounts,
      revocations: accounts,
      signedIn: (principal) => accounts.noteSignIn(principal),
      link: pemOf(estate.link),
      tls,
      listen: {
        ...(mqtt === undefined ? {} : { mqtt }),
        ...(mqtts === undefined ? {} : { mqtts }),
        ...(relay === undefined ? {} : { relay }),
        ...(ws === undefined ? {} : { ws: { ...ws, origins } }),
        ...(wss === undefined ? {} : { wss: { ...wss, origins } }),
      },
      peers,
      limits: limitsOf(config.limits),
      observer,
      report: (error) => observer.fault(error),
      failed,
    });
    return { operations, estate, host: materials.host, anchors, accounts, running, tls, failure };
  } catch (error) {
    accounts.close();
    throw error;
  }
}

/** Keys and certificates that do not belong together are somebody's mistake, not a bug. */
async function usableEstate(directory: string): Promise<Estate> {
  try {
    return await loadEstate(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    const sentence = `The keys in ${directory} cannot be used (${messageOf(error)}); put the folder back from your copy.`;
    throw new ConfigError([{ key: 'data', sentence }]);
  }
}

function tlsOf({ tls, directory, host }: Materials): Promise<TlsMaterial> | TlsMaterial {
  return tls ?? openListenerTls(directory, host);
}

class RunningService implements Service {
  readonly running: RunningDomain<Listening>;
  readonly failure: Promise<never>;
  readonly #opened: Opened;
  readonly #log: Log;
  readonly #release: () => void;
  readonly #timers: readonly NodeJS.Timeout[];
  /** What the start has read, and no reload changes. */
  readonly #started: LoadedConfig['written'];
  #tls: TlsMaterial;
  #loaded: LoadedConfig;
  #closed: Promise<void> | undefined;

  constructor(loaded: LoadedConfig, opened: Opened, log: Log, release: () => void) {
    this.#loaded = loaded;
    this.#started = loaded.written;
    this.#log = log;
    this.#opened = opened;
    this.#release = release;
    this.running = opened.running;
    this.failure = opened.failure;
    this.#tls = opened.tls;
    this.#timers = [
      setInterval(() => this.#followAccounts(), accountsEveryMs),
      setInterval(() => this.#warnOfEndings(), endingsEveryMs),
    ];
    for (const timer of this.#timers) timer.unref();
    this.#warnOfEndings();
  }

  get operationsPort(): number | undefined {
    return this.#opened.operations.port;
  }

  reload(next: LoadedConfig): Promise<readonly string[]> {
    return this.#opened.operations.reloading(() => this.#reload(next));
  }

  async #reload(next: LoadedConfig): Promise<readonly string[]> {
    const materials = await readMaterials(next);
    const stays = fixedKeys.filter((key) => !isSame(this.#started[key], next.written[key]));
    if (stays.includes('domain') || stays.includes('data'))
      throw new ConfigError([
        {
          key: 'domain',
          sentence: `${next.file}: domain and data cannot change while it runs; end sealpost serve and start it anew.`,
        },
      ]);
    const { running, anchors, host } = this.#opened;
    this.#tls = await tlsOf({ ...materials, host });
    running.setTls(this.#tls);
    const changed = anchors.replace(materials.anchors);
    running.setPeers(materials.peers);
    for (const domain of changed) running.forgetAnchor(domain);
    this.#followAccounts();
    this.#loaded = next;
    this.#warnOfEndings();
    return stays.map((key) => `${key} has changed in ${next.file} and is taken up by the next start.`);
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const { running, accounts, operations } = this.#opened;
    await operations.draining();
    await running.close({ drainMs: this.#loaded.config.limits.drain_seconds * 1000 });
    this.#attempt(() => accounts.saveSignIns());
    accounts.close();
    this.#release();
    await operations.close();
  }

  #warnOfEndings(): void {
    const { seal, link } = this.#opened.estate;
    const own = endingSoon(
      { 'the domain seal': seal.certificate, 'the domain link': link.certificate },
      Date.now(),
    );
    for (const sentence of own) this.#warn(`${sentence}; start sealpost serve anew, which renews it.`);
    const listener = endingSoon({ 'the account listeners': this.#tls.certificate }, Date.now());
    for (const sentence of listener) this.#warn(`${sentence}; renew it, and say so with SIGHUP.`);
  }

  #warn(sentence: string): void {
    this.#log.warn(sentence, { event: 'certificate-ending' });
  }

  #followAccounts(): void {
    const { running, accounts } = this.#opened;
    this.#attempt(() => {
      if (accounts.refresh()) running.recheckSessions();
    });
    // Apart from it: a disk that takes no writes keeps nobody signed in who was disabled.
    this.#attempt(() => accounts.saveSignIns());
  }

  /** What fails here is no reason to end. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#opened.operations.observer.fault(error);
    }
  }
}

const accountBurstSeconds = 20;
const peerBurstSeconds = 10;

function rateOf(perSecond: number, burstSeconds: number): Rate {
  return { perSecond, burst: perSecond * burstSeconds };
}

function limitsOf(limits: LoadedConfig['config']['limits']): Partial<ServerLimits & DomainLimits> {
  const { accountRates, peerRates } = domainLimits;
  return {
    connections: limits.connections,
    connectionsPerAddressMax: limits.connections_per_address,
    accountRates: {
      ...accountRates,
      total: rateOf(limits.account_messages_per_second, accountBurstSeconds),
    },
    peerRates: { ...peerRates, total: rateOf(limits.peer_messages_per_second, peerBurstSeconds) },
    roomBytesMax: limits.unstored_mib * 1024 * 1024,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** The own anchor, and those of the peers as the configuration has them now. */
class ChangingAnchors implements Anchors {
  readonly #own: Anchor;
  #peers: readonly Anchor[];
  #current: Anchors;

  constructor(own: Anchor, peers: readonly Anchor[]) {
    this.#own = own;
    this.#peers = peers;
    this.#current = staticAnchors([own, ...peers]);
  }

  resolve(domain: Domain): ReturnType<Anchors['resolve']> {
    return this.#current.resolve(domain);
  }

  /** The domains whose anchor is another now, or gone. */
  replace(peers: readonly Anchor[]): readonly Domain[] {
    const before = this.#peers;
    this.#peers = peers;
    this.#current = staticAnchors([this.#own, ...peers]);
    const now = new Map(peers.map((anchor) => [anchor.domain, keysOf(anchor)]));
    return before.filter((anchor) => now.get(anchor.domain) !== keysOf(anchor)).map(({ domain }) => domain);
  }
}

function keysOf({ keyHashes }: Anchor): string {
  return keyHashes.map((hash) => Buffer.from(hash).toString('hex')).join(' ');
}
