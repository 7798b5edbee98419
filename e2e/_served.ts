// SPDX-License-Identifier: Apache-2.0
// Domains as an operator has them: prepared by `sealpost init`, run by `sealpost serve`, each in a process of its own.
import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { parseDomain } from '@sealpost/protocol';
import { initDomain } from '@sealpost/server';
import { root, sealpost, temporaryDirectory, type Finished } from './_harness.ts';

const main = join(root, 'packages/cli/src/main.ts');

export interface Place {
  readonly host: string;
  readonly port: number;
}

interface Ready {
  readonly domain: string;
  readonly mqtt: Place;
  readonly mqtts: Place;
  readonly relay: Place;
  readonly wss?: Place;
}

/** What `sealpost init` made. */
export class Prepared {
  readonly domain: string;
  readonly directory: string;
  readonly file: string;
  /** `sha256:…` */
  readonly anchor: string;
  readonly caFile: string;

  private constructor(domain: string, directory: string, { file, anchor }: { file: string; anchor: string }) {
    this.domain = domain;
    this.directory = directory;
    this.file = file;
    this.anchor = anchor;
    this.caFile = join(directory, 'data/tls-authority.pem');
  }

  static async init(domain: string): Promise<Prepared> {
    const directory = await temporaryDirectory();
    const parsed = parseDomain(domain);
    assert.ok(parsed.ok);
    const made = await initDomain({ domain: parsed.value, directory, host: 'localhost', isLocal: true });
    assert.ok(made !== undefined);
    return new Prepared(domain, directory, made);
  }

  /** An `account` command for this domain; what it wrote. */
  account(...args: string[]): Promise<string> {
    return done(['account', ...args, '--config', this.file]);
  }

  /** A password account with the password `open sesame`. */
  async person(address: string, ...more: string[]): Promise<void> {
    const args = ['account', 'add', address, '--config', this.file, '--password-file', '-', ...more];
    succeeded(args, await sealpost(args, `${password}\n`));
  }

  async addPeer(peer: Prepared, relay?: Place, anchor = peer.anchor): Promise<void> {
    const address = relay === undefined ? '' : `address = "${relay.host}:${relay.port}"\n`;
    await appendFile(this.file, `\n[[peer]]\ndomain = "${peer.domain}"\n${address}anchor = "${anchor}"\n`);
  }

  async edit(change: (text: string) => string): Promise<void> {
    await writeFile(this.file, change(await readFile(this.file, 'utf8')));
  }
}

export const password = 'open sesame';

/** Runs a command that must succeed. */
export async function done(args: readonly string[]): Promise<string> {
  return succeeded(args, await sealpost(args));
}

function succeeded(args: readonly string[], { code, stdout, stderr }: Finished): string {
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

const freePorts = ['mqtt', 'mqtts', 'relay'].flatMap((name) => ['--set', `listen.${name}=127.0.0.1:0`]);

/** A running `sealpost serve`. */
export class Served {
  readonly ready: Ready;
  readonly process: ChildProcessWithoutNullStreams;
  readonly #log: Log;

  private constructor(process: ChildProcessWithoutNullStreams, ready: Ready, log: Log) {
    this.process = process;
    this.ready = ready;
    this.#log = log;
  }

  static async start(t: TestContext, { file }: Pick<Prepared, 'file'>, ...more: string[]): Promise<Served> {
    const args = ['--conditions=sealpost-source', main, 'serve', '--json', '--config', file, ...freePorts];
    const child = spawn(process.execPath, [...args, ...more]);
    const log = new Log(child.stderr);
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([
      once(lines, 'line').then(([line]) => line as string),
      once(child, 'exit').then(([code]) => assert.fail(`serve ended with ${code}: ${log.text}`)),
    ]);
    const served = new Served(child, JSON.parse(first) as Ready, log);
    t.after(() => served.end());
    return served;
  }

  /** The next line of the log that fits. */
  logged(pattern: RegExp): Promise<string> {
    return this.#log.next(pattern);
  }

  hangUp(): void {
    this.process.kill('SIGHUP');
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode;
    const exited = once(this.process, 'exit');
    this.process.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}

/** Lines of a running program, taken in order. */
class Log {
  readonly #lines: string[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(stream: NodeJS.ReadableStream) {
    createInterface({ input: stream }).on('line', (line) => {
      this.#lines.push(line);
      const { resolve } = this.#wake;
      this.#wake = Promise.withResolvers();
      resolve();
    });
  }

  get text(): string {
    return this.#lines.join('\n');
  }

  async next(pattern: RegExp): Promise<string> {
    for (;;) {
      const index = this.#lines.findIndex((line) => pattern.test(line));
      if (index !== -1) return this.#lines.splice(0, index + 1).at(-1) ?? '';
      await this.#wake.promise;
    }
  }
}
