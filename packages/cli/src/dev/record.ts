// SPDX-License-Identifier: Apache-2.0
import { lstat, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a running `sealpost dev` of this user keeps its data, so that `--as` needs no more words. */
export interface DevRecord {
  readonly dataDir: string;
  readonly pid: number;
}

const userId = process.getuid?.() ?? 0;
const recordName = new RegExp(`^sealpost-dev-${userId}-([1-9][0-9]{0,9})\\.json$`);

function recordFolder(env: NodeJS.ProcessEnv): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  return runtime === undefined || runtime === '' ? tmpdir() : runtime;
}

function recordFile(env: NodeJS.ProcessEnv, pid: number): string {
  return join(recordFolder(env), `sealpost-dev-${userId}-${pid}.json`);
}

/** One file per process. False when it cannot be written, as when somebody else has put one there on purpose. */
export async function writeDevRecord(env: NodeJS.ProcessEnv, { dataDir, pid }: DevRecord): Promise<boolean> {
  const file = recordFile(env, pid);
  try {
    await removeLeftovers(env);
    await rm(file, { force: true });
    // `wx`: never through a link or into a file that appeared in between.
    await writeFile(file, `${JSON.stringify({ dataDir })}\n`, { mode: 0o600, flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

/** Of those that run, the one that was started last. */
export async function readDevRecord(env: NodeJS.ProcessEnv): Promise<DevRecord | undefined> {
  const running = (await recordedPids(env)).filter(isRunning);
  const records = await Promise.all(running.map((pid) => readRecord(recordFile(env, pid), pid)));
  const [newest] = records
    .filter((found) => found !== undefined)
    .toSorted((left, right) => right.writtenAtMs - left.writtenAtMs);
  return newest === undefined ? undefined : { dataDir: newest.dataDir, pid: newest.pid };
}

export function removeDevRecord(env: NodeJS.ProcessEnv, pid: number): Promise<void> {
  return rm(recordFile(env, pid), { force: true });
}

async function recordedPids(env: NodeJS.ProcessEnv): Promise<number[]> {
  const names = await readdir(recordFolder(env)).catch(() => []);
  return names.flatMap((name) => {
    const pid = recordName.exec(name)?.[1];
    return pid === undefined ? [] : [Number(pid)];
  });
}

async function readRecord(
  file: string,
  pid: number,
): Promise<(DevRecord & { writtenAtMs: number }) | undefined> {
  try {
    const status = await lstat(file);
    if (!status.isFile() || status.uid !== userId) return undefined;
    const { dataDir } = JSON.parse(await readFile(file, 'utf8')) as Partial<DevRecord>;
    return typeof dataDir === 'string' ? { dataDir, pid, writtenAtMs: status.mtimeMs } : undefined;
  } catch {
    return undefined;
  }
}

/** A process that was killed leaves its record behind. */
async function removeLeftovers(env: NodeJS.ProcessEnv): Promise<void> {
  const ended = (await recordedPids(env)).filter((pid) => !isRunning(pid));
  await Promise.all(ended.map((pid) => removeDevRecord(env, pid).catch(() => undefined)));
}

/** Of this user: a number that now belongs to somebody else's process is not the one that was recorded. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
