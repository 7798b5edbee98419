// SPDX-License-Identifier: Apache-2.0
// Runs a target in a thread and watches it: an input that hangs, or that takes all memory, ends the thread and is found.
import { Worker } from 'node:worker_threads';
import type { Target } from '../target.ts';
import type { CampaignResult } from './campaign.ts';
import type { Finding } from './finding.ts';
import { inputBytes, Word, type WorkerReport, type WorkerTask } from './worker.ts';

const heapMegabytesMax = 768;
const lookMs = 200;
/** On a busy machine a thread may stand still by itself: what hung has to hang again, for longer. */
const confirmFactor = 5;
/** Then it is begun again, with another seed, for the rest of its time. */
const attemptsMax = 4;
const leastMs = 2000;

type Ended = WorkerReport | { readonly kind: 'hung' | 'died'; readonly finding: Finding };

const ownTargets = new URL('../targets.ts', import.meta.url).href;

/** `module` exports the target in its list `targets`. */
export async function fuzz(
  target: Target,
  seed: number,
  milliseconds: number,
  module = ownTargets,
): Promise<CampaignResult> {
  const startMs = performance.now();
  let leftMs = milliseconds;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const ended = await watch(target, { module, seed: seed + attempt, milliseconds: leftMs }, target.hangMs);
    if (ended.kind === 'campaign') return ended.result;
    if (ended.kind !== 'hung') return lost(startMs, ended.finding);
    const confirmed = await replay(target, ended.finding.input, module, confirmFactor);
    if (confirmed !== undefined) return lost(startMs, confirmed);
    leftMs = Math.max(leastMs, milliseconds - (performance.now() - startMs));
  }
  return lost(startMs, undefined);
}

/** What is wrong with this input, if anything is. */
export async function replay(
  target: Target,
  input: Uint8Array,
  module = ownTargets,
  patience = 1,
): Promise<Finding | undefined> {
  const ended = await watch(target, { module, seed: 1, milliseconds: 0, input }, target.hangMs * patience);
  return ended.kind === 'campaign' ? undefined : ended.finding;
}

function lost(startMs: number, finding: Finding | undefined): CampaignResult {
  return {
    executions: 0,
    milliseconds: performance.now() - startMs,
    blocks: 0,
    functions: 0,
    corpus: 0,
    outcomes: {},
    slowestMs: 0,
    findings: finding === undefined ? [] : [finding],
  };
}

async function watch(
  target: Target,
  task: Omit<WorkerTask, 'target' | 'shared'>,
  hangMs: number,
): Promise<Ended> {
  const shared = new SharedArrayBuffer(Word.count * 4 + target.inputBytesMax);
  const words = new Int32Array(shared, 0, Word.count);
  const current = (): Uint8Array =>
    new Uint8Array(inputBytes(shared).subarray(0, Atomics.load(words, Word.length)));
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: { ...task, target: target.name, shared } satisfies WorkerTask,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
  });
  const { promise, resolve } = Promise.withResolvers<Ended>();
  worker.on('message', (report: WorkerReport) => resolve(report));
  worker.on('error', (error: Error) =>
    resolve({
      kind: 'died',
      finding: { key: `died: ${error.message}`, description: error.stack ?? error.message, input: current() },
    }),
  );
  worker.on('exit', (code) =>
    resolve({
      kind: 'died',
      finding: { key: `exit ${code}`, description: `exit ${code}`, input: current() },
    }),
  );
  let begun = -1;
  let sinceMs = performance.now();
  const timer = setInterval(() => {
    const now = Atomics.load(words, Word.begun);
    if (now !== begun || Atomics.load(words, Word.running) === 0) {
      begun = now;
      sinceMs = performance.now();
    } else if (performance.now() - sinceMs > hangMs) {
      const description = `did not end within ${hangMs} ms`;
      resolve({ kind: 'hung', finding: { key: 'hang', description, input: current() } });
    }
  }, lookMs);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
    worker.removeAllListeners();
    await worker.terminate();
  }
}
