// SPDX-License-Identifier: Apache-2.0
// The OpenSSL command line as an oracle.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { requireTool } from '@sealpost/testing';
import { encodePem } from '../src/node/index.ts';

export interface Verdict {
  readonly ok: boolean;
  readonly output: string;
}

export interface OpenSsl {
  run(...parameters: readonly string[]): Promise<Verdict>;
  /** Writes a PEM file and returns its path. */
  file(...certificates: readonly Uint8Array[]): Promise<string>;
}

/** Undefined, and the test skipped, where the program is missing. */
export async function openSsl(t: TestContext): Promise<OpenSsl | undefined> {
  const program = requireTool(t, 'openssl', 'openssl');
  if (program === undefined) return undefined;
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-openssl-'));
  t.after(() => rm(directory, { recursive: true }));
  let files = 0;
  return {
    run: (...parameters) =>
      new Promise((resolve) => {
        execFile(program, parameters, (error, stdout, stderr) =>
          resolve({ ok: error === null, output: stdout + stderr }),
        );
      }),
    file: async (...certificates) => {
      const path = join(directory, `${files++}.pem`);
      await writeFile(path, encodePem(certificates));
      return path;
    },
  };
}

/** What it says of the chain of a TLS client, at a time; the self-signature of the authority included. */
export async function openSslVerdict(
  tool: OpenSsl,
  leafDer: Uint8Array,
  authorityDer: Uint8Array,
  at: number,
): Promise<Verdict> {
  const [leafFile, authorityFile] = await Promise.all([tool.file(leafDer), tool.file(authorityDer)]);
  const verify = ['verify', '-purpose', 'sslclient', '-attime', `${at}`, '-check_ss_sig'];
  return tool.run(...verify, '-CAfile', authorityFile, leafFile);
}
