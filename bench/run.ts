// SPDX-License-Identifier: Apache-2.0
// Whole processes in one run: home → fire → client, with the signed evidence back at the sender.
//   npm run bench -- [--messages 4000] [--rounds 3]
// Quote the ratios: a shared machine's absolute figures say little.
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Dev } from '../e2e/_harness.ts';
import { percentiles, round, type Percentiles, type Sample } from './round.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '3' },
  },
});
const messages = Number(values.messages);
const rounds = Number(values.rounds);

/** Wall time of one Ed25519 verification through the thread pool, one after the other: the unit of everything else. */
async function verificationMicros(): Promise<number> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const message = Buffer.alloc(500, 7);
  const signature = sign(null, message, privateKey);
  const count = 2_000;
  const began = process.cpuUsage();
  for (let n = 0; n < count; n += 1) verify(null, message, publicKey, signature);
  const { user, system } = process.cpuUsage(began);
  return (user + system) / count;
}

async function fsyncMicros(directory: string): Promise<number> {
  const file = await open(join(directory, 'fsync'), 'w');
  const block = Buffer.alloc(4096, 1);
  const count = 200;
  const began = performance.now();
  for (let n = 0; n < count; n += 1) {
    await file.write(block);
    await file.datasync();
  }
  await file.close();
  return ((performance.now() - began) * 1000) / count;
}

function median(values: number[]): number {
  return percentiles(values).p50;
}

/** Median µs a message, by kind of thread. */
function showThreads(samples: readonly Sample[]): string {
  const names = [...(samples[0]?.threadMicros.keys() ?? [])];
  const parts = names.map(
    (name) => [name, median(samples.map((s) => s.threadMicros.get(name) ?? 0))] as const,
  );
  return parts
    .filter(([, micros]) => micros >= 1)
    .map(([name, micros]) => `${name} ${micros.toFixed(0)} µs`)
    .join(', ');
}

function show({ p50, p99 }: Percentiles): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
}

const dataDir = await mkdtemp(join(tmpdir(), 'sealpost-bench-'));
const dev = await Dev.start(dataDir);
try {
  await round(dev, 'stock', 0, Math.min(messages, 1000));
  const verification = await verificationMicros();
  const fsync = await fsyncMicros(dataDir);
  console.log(
    `one Ed25519 verification: ${verification.toFixed(0)} µs of CPU; one fsync: ${fsync.toFixed(0)} µs`,
  );
  for (const kind of ['stock', 'origin'] as const) {
    const full: Sample[] = [];
    for (let n = 0; n < rounds; n += 1) full.push(await round(dev, kind, 0, messages));
    const perSecond = median(full.map((sample) => sample.perSecond));
    const cpu = median(full.map((sample) => sample.cpuMicros));
    const half = await round(dev, kind, perSecond / 2, Math.min(messages, 2000));
    console.log(
      `${kind}: ${perSecond.toFixed(0)} messages/s, ${cpu.toFixed(0)} µs of server CPU each ` +
        `(both domains) = ${(cpu / verification).toFixed(1)} verifications; at half load ` +
        `delivery ${show(half.deliveryMs)}, evidence back ${show(half.evidenceMs)}`,
    );
    console.log(`  of it ${showThreads(full)}`);
  }
} finally {
  await dev.end();
  await rm(dataDir, { recursive: true, force: true });
}
