// SPDX-License-Identifier: Apache-2.0
// node --conditions=sealpost-source bench/storage.ts [messages] [directory]
// What looking after the store costs: checks by size, and commits (one after the other) while something else goes on.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { Event, newMessageId } from '@sealpost/protocol';
import type { Address } from '@sealpost/protocol';
import { openCustody } from '@sealpost/server';
import type { Transition } from '@sealpost/server';

const [count = '200000', parent = tmpdir()] = process.argv.slice(2);
const messages = Number(count);
const longAgo = Math.floor(Date.now() / 1000) - 420 * 86_400;
const measuredCommits = 3_000;

type Acceptance = Transition & { readonly kind: 'accept' };

function acceptance(observedAt: number): Acceptance {
  const id = newMessageId(Date.now(), randomBytes(10));
  const recipient = 'desk@fire.test' as Address;
  const digest = randomBytes(32);
  return {
    kind: 'accept',
    holder: recipient,
    id,
    issuer: 'sensor@city.test' as Address,
    audience: recipient,
    digest,
    state: 6,
    lane: -2,
    expires: observedAt + 3600,
    nextAt: 0,
    quiet: false,
    ask: [],
    seal: randomBytes(280),
    body: randomBytes(500),
    evidence: {
      events: [Event.relayed, Event.delivered],
      digest,
      id,
      recipient,
      observedAt,
      nonce: randomBytes(16),
    },
    notices: [],
  };
}

const directory = mkdtempSync(join(parent, 'sealpost-bench-'));
const file = join(directory, 'custody.sqlite');
const evidence = randomBytes(260);
const custody = await openCustody({
  directory,
  sign: () => Promise.resolve(evidence),
  report: console.error,
});

async function fill(total: number, observedAt: number, isLapsed: boolean): Promise<void> {
  for (let left = total; left > 0; left -= 256) {
    const batch = Array.from({ length: Math.min(left, 256) }, () => acceptance(observedAt));
    await Promise.all(batch.map((message) => custody.commit(message)));
    if (isLapsed) await Promise.all(batch.map((message) => custody.commit(lapse(message))));
  }
}

function lapse({ holder, id, evidence: first }: Acceptance): Transition {
  return { kind: 'lapse', holder, id, evidence: { ...first, events: [Event.lapsed] }, notices: [] };
}

const results: Record<string, number | string>[] = [];

async function commits(during: string, isOver: () => boolean = () => false): Promise<void> {
  const latencies: number[] = [];
  for (let n = 0; n < measuredCommits && !isOver(); n++) {
    const since = performance.now();
    await custody.commit(acceptance(Math.floor(Date.now() / 1000)));
    latencies.push(performance.now() - since);
  }
  latencies.sort((left, right) => left - right);
  const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
  results.push({
    during,
    commits: latencies.length,
    'p50 ms': at(0.5),
    'p99 ms': at(0.99),
    'log MiB': mebibytes(`${file}-wal`),
  });
}

function mebibytes(path: string): string {
  return (statSync(path).size / 1024 / 1024).toFixed(1);
}

/** In a thread, as a second connection. */
function elsewhere(sql: string): Worker {
  const code = `
    const { DatabaseSync } = require('node:sqlite');
    const db = new DatabaseSync(${JSON.stringify(file)}, { readOnly: true });
    db.exec(${JSON.stringify(sql)});
    require('node:worker_threads').parentPort.on('message', () => process.exit());
    require('node:worker_threads').parentPort.postMessage('done');`;
  return new Worker(code, { eval: true });
}

await fill(messages / 2, Math.floor(Date.now() / 1000), false);
await fill(messages / 2, longAgo, true);
await commits('nothing else');

let pruned = 0;
const pruning = setInterval(() => {
  custody.prune(Math.floor(Date.now() / 1000)).then(({ deleted }) => (pruned += deleted), console.error);
}, 100);
await commits('forgetting, a step every 100 ms');
clearInterval(pruning);

let hasBackup = false;
const backup = elsewhere(`VACUUM INTO '${directory}/backup.sqlite'`);
backup.on('message', () => (hasBackup = true));
await commits('a backup', () => hasBackup);
await backup.terminate();

const reader = elsewhere('BEGIN; SELECT count(*) FROM meta;');
await new Promise((resolve) => reader.once('message', resolve));
await commits('a reader that stays');
await commits('a reader that stays');
await reader.terminate();
await commits('the reader gone');
console.table(results);
console.log(`forgotten meanwhile: ${pruned} rows`);
await custody.close();

const checks = ['quick_check', 'integrity_check'].map((check) => {
  const db = new DatabaseSync(file, { readOnly: true });
  const since = performance.now();
  db.prepare(`PRAGMA ${check}`).all();
  const milliseconds = Math.round(performance.now() - since);
  db.close();
  return { check, 'file MiB': mebibytes(file), ms: milliseconds };
});
console.table(checks);
rmSync(directory, { recursive: true });
