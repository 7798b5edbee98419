// SPDX-License-Identifier: Apache-2.0
// The thread that a target runs in. It can be ended from outside when an input makes it hang.
import { parentPort, workerData } from 'node:worker_threads';
import type { Target } from '../target.ts';
import { Campaign, type CampaignResult } from './campaign.ts';
import type { Finding } from './finding.ts';

export interface WorkerTask {
  /** The module that exports `targets`, and which of them. */
  readonly module: string;
  readonly target: string;
  readonly seed: number;
  readonly milliseconds: number;
  /** Instead of a campaign: this one input. */
  readonly input?: Uint8Array;
  readonly shared: SharedArrayBuffer;
}

export type WorkerReport =
  | { readonly kind: 'campaign'; readonly result: CampaignResult }
  | { readonly kind: 'replay'; readonly finding: Finding | undefined };

/** In the shared memory: executions begun, how many are running, length of its input; then the input. */
export const Word = { begun: 0, running: 1, length: 2, count: 3 } as const;

export function inputBytes(shared: SharedArrayBuffer): Uint8Array {
  return new Uint8Array(shared, Word.count * Int32Array.BYTES_PER_ELEMENT);
}

async function work({
  module,
  target: name,
  seed,
  milliseconds,
  input,
  shared,
}: WorkerTask): Promise<WorkerReport> {
  const { targets } = (await import(module)) as { readonly targets: readonly Target[] };
  const target = targets.find((candidate) => candidate.name === name);
  if (target === undefined) throw new RangeError(`no target ${name}`);
  const words = new Int32Array(shared, 0, Word.count);
  const current = inputBytes(shared);
  const open = await target.open();
  const campaign = new Campaign(target, open, {
    seed,
    milliseconds,
    running(bytes) {
      current.set(bytes.subarray(0, current.length));
      Atomics.store(words, Word.length, Math.min(bytes.length, current.length));
      Atomics.add(words, Word.begun, 1);
      Atomics.add(words, Word.running, 1);
    },
    idle: () => void Atomics.sub(words, Word.running, 1),
  });
  process.on('uncaughtException', (error) => campaign.stray(error));
  process.on('unhandledRejection', (error) => campaign.stray(error));
  try {
    if (input !== undefined) return { kind: 'replay', finding: await campaign.replay(input) };
    return { kind: 'campaign', result: await campaign.run() };
  } finally {
    await open.close?.();
  }
}

if (parentPort !== null) {
  const report = await work(workerData as WorkerTask);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
  parentPort.postMessage(report);
}
