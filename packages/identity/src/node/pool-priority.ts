// SPDX-License-Identifier: Apache-2.0
// libuv's pool makes and checks the signatures. Where there are no more processors than threads with work, those that
// read, decide and store come first: what is urgent passes through them, and is signed there and not in the pool. A thread
// inherits its priority from the one that starts it, and lowering one's own needs no privilege: so a thread of our own
// lowers its own, starts the pool by its first work for it, and ends.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { getPriority, setPriority } from 'node:os';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const mark = 'starts the pool of Node';
const own = 0;
const niceMore = 10;
const niceMax = 19;

/**
 * Starts Node's pool with a lower priority than the program's own threads. Without effect once the pool has been used,
 * and on systems where a priority is that of the whole process.
 */
export async function startPoolAtLowerPriority(): Promise<void> {
  if (process.platform !== 'linux') return;
  await once(new Worker(new URL(import.meta.url), { workerData: mark, execArgv: [] }), 'exit');
}

if (!isMainThread && workerData === mark) {
  setPriority(own, Math.min(niceMax, getPriority(own) + niceMore));
  randomBytes(1, () => undefined);
}
