// SPDX-License-Identifier: Apache-2.0
import { lstat, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the running `sealpost dev` of this user keeps its data, so that `--as` needs no more words. */
export interface DevRecord {
  readonly dataDir: string;
  readonly pid: number;
}

const userId = process.getuid?.() ?? 0;

function recordFile(env: NodeJS.ProcessEnv): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  return join(runtime === undefined || runtime === '' ? tmpdir() : runtime, `sealpost-dev-${userId}.json`);
}

/** The last one started wins. False when the file belongs to somebody else, who may have put it there on purpose. */
export async function writeDevRecord(env: NodeJS.ProcessEnv, record: DevRecord): Promise<boolean> {
  const file = recordFile(env);
  try {
    await rm(file, { force: true });
    // `wx`: never through a link or into a file that appeared in between.
    await writeFile(file, `${JSON.stringify(record)}\n`, { mode: 0o600, flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

export async function readDevRecord(env: NodeJS.ProcessEnv): Promise<DevRecord | undefined> {
  const file = recordFile(env);
  try {
    const status = await lstat(file);
    if (!status.isFile() || status.uid !== userId) return undefined;
    const { dataDir, pid } = JSON.parse(await readFile(file, 'utf8')) as Partial<DevRecord>;
    return typeof dataDir === 'string' && typeof pid === 'number' ? { dataDir, pid } : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the record unless a later `sealpost dev` has replaced it. */
export async function removeDevRecord(env: NodeJS.ProcessEnv): Promise<void> {
  const record = await readDevRecord(env);
  if (record?.pid === process.pid) await rm(recordFile(env), { force: true });
}
