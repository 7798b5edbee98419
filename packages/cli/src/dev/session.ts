// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openFederation } from '@sealpost/server';
import type { Federation } from '@sealpost/server';
import { devPlan } from './plan.ts';
import { writeProfiles } from './profiles.ts';
import { removeDevRecord, writeDevRecord } from './record.ts';

export interface DevOptions {
  readonly data?: string;
  readonly portBase?: number;
  readonly env: NodeJS.ProcessEnv;
  log(line: string): void;
}

/** Two domains that run, their profiles on disk, and the record that lets other commands find them. */
export interface DevSession {
  readonly dataDir: string;
  /** Nobody named the data folder, so it goes with the session. */
  readonly isTemporary: boolean;
  readonly federation: Federation;
  /** Rejects when a domain can store nothing any more; never resolves. */
  readonly failure: Promise<never>;
  /** A temporary data folder is deleted; one that was named stays. */
  close(): Promise<void>;
}

export async function openDevSession({ data, portBase, env, log }: DevOptions): Promise<DevSession> {
  const dataDir = data === undefined ? await mkdtemp(join(tmpdir(), 'sealpost-dev-')) : resolve(data);
  const removeData = (): Promise<void> =>
    data === undefined ? rm(dataDir, { recursive: true, force: true }) : Promise.resolve();
  const { promise: failure, reject: failed } = Promise.withResolvers<never>();
  // Whoever waits for it hears of it; until somebody does, it is no unhandled rejection.
  failure.catch(() => {});
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const federation = await openFederation({
      directory: dataDir,
      domains: await devPlan(dataDir),
      log,
      failed,
      ...(portBase === undefined ? {} : { portBase }),
    });
    await writeProfiles(dataDir, federation);
    if (!(await writeDevRecord(env, { dataDir, pid: process.pid })))
      log(`other commands need --data ${dataDir}`);
    return {
      dataDir,
      isTemporary: data === undefined,
      federation,
      failure,
      close: async () => {
        await removeDevRecord(env, process.pid);
        await federation.close();
        await removeData();
      },
    };
  } catch (error) {
    await removeData();
    throw error;
  }
}
