// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { run } from '../src/run.ts';
import { recordingTerminal } from './recording-terminal.ts';

const launcher = fileURLToPath(new URL('../bin/sealpost.js', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly talk: string;
}

/** One command line in this process: what it wrote and how it would have ended. */
export async function sealpost(
  args: readonly string[],
  { env = {}, stdin = [], ending = new AbortController().signal }: CommandOptions = {},
): Promise<Finished> {
  const terminal = recordingTerminal();
  const code = await run(args, { terminal, env, stdin: from(stdin), ending });
  return { code, out: terminal.written.join('\n'), talk: terminal.said.join('\n') };
}

interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: readonly Uint8Array[];
  readonly ending?: AbortSignal;
}

async function* from(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** A `sealpost` process of its own, started by the launcher as npx does. */
export class Running {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly finished: Promise<Finished>;
  #talk = '';
  #wake = Promise.withResolvers<void>();

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.process = spawn(process.execPath, [launcher, ...args], {
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.finished = this.#collect();
  }

  /** The first line that fits, from the beginning of the output; rejects when the process ends without it. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.lines.find((candidate) => pattern.test(candidate));
      if (line !== undefined) return line;
      if (this.process.exitCode !== null || this.process.signalCode !== null)
        throw new Error(`ended without ${pattern}: ${this.lines.join('\n')}\n${this.#talk}`);
      await this.#wake.promise;
    }
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Finished> {
    this.process.kill(signal);
    return this.finished;
  }

  async #collect(): Promise<Finished> {
    const { stdout, stderr } = this.process;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    createInterface({ input: stdout }).on('line', (line) => {
      this.lines.push(line);
      this.#stir();
    });
    stderr.on('data', (chunk: Buffer) => (this.#talk += chunk.toString('utf8')));
    const [code] = (await once(this.process, 'close')) as [number | null];
    this.#stir();
    return { code, out: this.lines.join('\n'), talk: this.#talk };
  }

  #stir(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}
