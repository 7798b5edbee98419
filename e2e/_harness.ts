// SPDX-License-Identifier: Apache-2.0
// Helpers of the stories: a federation in a process of its own, and somebody else's clients around it.
import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';

export const root = new URL('../', import.meta.url).pathname;
const main = join(root, 'packages/cli/src/main.ts');
const nodeArguments = ['--conditions=sealpost-source', main];

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface DevAccount {
  readonly address: string;
  readonly kind: string;
  readonly username: string;
  readonly password: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Ready {
  readonly ready: true;
  readonly dataDir: string;
  readonly domains: {
    readonly domain: string;
    readonly mqtt: Endpoint;
    readonly mqtts: Endpoint & { readonly caFile: string };
  }[];
  readonly accounts: DevAccount[];
}

/** `sealpost dev --json` in a process of its own. */
export class Dev {
  readonly ready: Ready;
  readonly process: ChildProcessWithoutNullStreams;

  private constructor(process: ChildProcessWithoutNullStreams, ready: Ready) {
    this.process = process;
    this.ready = ready;
  }

  static async start(dataDir: string, ...more: string[]): Promise<Dev> {
    const child = spawn(process.execPath, [...nodeArguments, 'dev', '--json', '--data', dataDir, ...more]);
    let errors = '';
    child.stderr.on('data', (chunk) => (errors += chunk));
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([
      once(lines, 'line').then(([line]) => line as string),
      once(child, 'exit').then(([code]) => assert.fail(`dev ended with ${code}: ${errors}`)),
    ]);
    return new Dev(child, JSON.parse(first) as Ready);
  }

  account(address: string): DevAccount {
    const account = this.ready.accounts.find((candidate) => candidate.address === address);
    assert.ok(account, `no account ${address}`);
    return account;
  }

  domainOf(address: string): Ready['domains'][number] {
    const domain = this.ready.domains.find((candidate) => address.endsWith(`@${candidate.domain}`));
    assert.ok(domain, `no domain of ${address}`);
    return domain;
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode;
    const exited = once(this.process, 'exit');
    this.process.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}

/** A federation for one story, with a data directory that goes with it. */
export async function federation(t: TestContext, ...more: string[]): Promise<Dev> {
  const dataDir = await temporaryDirectory();
  const dev = await Dev.start(dataDir, ...more);
  t.after(() => dev.end());
  return dev;
}

const directories: string[] = [];

/**
 * Removed when this process ends: the hooks of a test run in the order in which they were made, so one made here would
 * run while what uses the directory is still open.
 */
export async function temporaryDirectory(): Promise<string> {
  if (directories.length === 0)
    process.once('exit', () => {
      for (const path of directories) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    });
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-e2e-'));
  directories.push(directory);
  return directory;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, in the folder of the project. */
export function run(program: string, args: readonly string[], input?: string): Promise<Finished> {
  return runIn(root, program, args, input);
}

export async function runIn(
  cwd: string,
  program: string,
  args: readonly string[],
  input?: string,
): Promise<Finished> {
  const child = spawn(program, args, { cwd });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdin.end(input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export function sealpost(args: readonly string[], input?: string): Promise<Finished> {
  return run(process.execPath, [...nodeArguments, ...args], input);
}

/** Arguments as one would type them; single quotes keep what they hold together. */
export function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** Connection arguments of mosquitto's clients, by password on loopback. */
function mosquittoArguments(dev: Pick<Dev, 'account' | 'domainOf'>, address: string): string[] {
  const { username, password } = dev.account(address);
  const { host, port } = dev.domainOf(address).mqtt;
  return ['-h', host, '-p', String(port), '-u', username, '-P', password];
}

export function mosquittoPub(dev: Dev, from: string, line: string): Promise<Finished> {
  return run('mosquitto_pub', [...mosquittoArguments(dev, from), ...words(line)]);
}

/** mosquitto_sub that has its subscription; its output line by line. */
export class MosquittoSub {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  readonly #waiting: ((line: string) => void)[] = [];

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
  }

  static async start(
    t: TestContext,
    dev: Pick<Dev, 'account' | 'domainOf'>,
    address: string,
    line: string,
  ): Promise<MosquittoSub> {
    // -d adds mosquitto's own lines, among them the one that says the subscription is there; into a pipe it would
    // hold them back.
    const child = spawn('stdbuf', [
      '-oL',
      'mosquitto_sub',
      '-d',
      ...mosquittoArguments(dev, address),
      ...words(line),
    ]);
    t.after(() => child.kill());
    const subscriber = new MosquittoSub(child);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once('exit', (code) => reject(new Error(`mosquitto_sub ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('Subscribed (mid')) resolve();
      else if (!line.startsWith('Client ')) subscriber.#arrived(line);
    });
    await promise;
    return subscriber;
  }

  #arrived(line: string): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#lines.push(line);
    else waiting(line);
  }

  /** The next message, formatted as -F said. */
  next(): Promise<string> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get unread(): readonly string[] {
    return this.#lines;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill();
    await exited;
  }
}

/** What arrived at an MQTT.js client. */
export interface Arrived {
  readonly topic: string;
  readonly text: string;
  readonly payload: Buffer;
  readonly properties: Readonly<Record<string, string | string[]>>;
  readonly retain: boolean;
}

/** MQTT.js: another implementation that shows reason codes and properties. */
export class JsClient {
  readonly client: MqttClient;
  readonly #arrived: Arrived[] = [];
  readonly #waiting: ((arrived: Arrived) => void)[] = [];
  readonly #answers = new Map<number, Acknowledged>();

  private constructor(client: MqttClient) {
    this.client = client;
    // MQTT.js shows what a PUBACK says only here.
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'puback') this.#answers.set(packet.messageId ?? 0, packet);
    });
    client.on('message', (topic, payload, packet) => {
      const properties = { ...packet.properties?.userProperties };
      this.#take({ topic, payload, text: payload.toString(), properties, retain: packet.retain });
    });
  }

  static async connect(
    t: TestContext,
    dev: Pick<Dev, 'account' | 'domainOf'>,
    address: string,
    options: IClientOptions = {},
  ): Promise<JsClient> {
    const { username, password } = dev.account(address);
    const { host, port } = dev.domainOf(address).mqtt;
    const client = await connectAsync({
      host,
      port,
      username,
      password,
      protocolVersion: 5,
      reconnectPeriod: 0,
      ...options,
    });
    t.after(() => client.endAsync(true));
    client.on('error', () => {});
    return new JsClient(client);
  }

  #take(arrived: Arrived): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(arrived);
    else waiting(arrived);
  }

  next(): Promise<Arrived> {
    const arrived = this.#arrived.shift();
    if (arrived !== undefined) return Promise.resolve(arrived);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get unread(): readonly Arrived[] {
    return this.#arrived;
  }

  /** A PUBLISH and its answer; a refusal is an answer too. */
  async publish(
    topic: string,
    body: string | Buffer,
    properties: Record<string, string | string[]> = {},
    more: Record<string, unknown> = {},
  ): Promise<{ reasonCode: number; reasonString?: string; properties: Record<string, string | string[]> }> {
    // An empty userProperties makes MQTT.js send nothing at all.
    const said = Object.keys(properties).length > 0 ? { userProperties: properties } : {};
    const options = { qos: 1 as const, properties: { ...said, ...more } };
    const { promise, resolve } = Promise.withResolvers<number>();
    this.client.publish(topic, body, options, () => resolve(messageId));
    const messageId = this.client.getLastMessageId();
    const { reasonCode = 0, properties: answered } = this.#answers.get(await promise) ?? {};
    return {
      reasonCode,
      ...(answered?.reasonString === undefined ? {} : { reasonString: answered.reasonString }),
      properties: { ...answered?.userProperties },
    };
  }
}

interface Acknowledged {
  readonly reasonCode?: number;
  readonly properties?: {
    readonly reasonString?: string;
    readonly userProperties?: Record<string, string | string[]>;
  };
}
