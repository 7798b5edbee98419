// SPDX-License-Identifier: Apache-2.0
// node --conditions=sealpost-source bench/custody.ts [messages] [directory]
// What one accepted message costs: commits per second and CPU of all threads, with a given number under way at a time.
// Signing is left out: evidence is a constant of the usual size.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Event, newMessageId } from '@sealpost/protocol';
import type { Address } from '@sealpost/protocol';
import { openCustody } from '@sealpost/server';
import type { Transition } from '@sealpost/server';

const [count = '20000', parent = tmpdir()] = process.argv.slice(2);
const messages = Number(count);
const mailboxes = 10_000;
const underWayOf = [1, 8, 32, 64, 128, 256];
const sealBytes = 280;
const bodyBytes = 500;
const evidenceBytes = 260;

function acceptance(index: number): Transition {
  const id = newMessageId(Date.now(), randomBytes(10));
  const recipient = `box${index % mailboxes}@fire.test` as Address;
  const issuer = `sensor${(index * 7) % mailboxes}@city.test` as Address;
  const digest = randomBytes(32);
  const events = [Event.relayed, Event.delivered];
  const observedAt = Math.floor(Date.now() / 1000);
  return {
    kind: 'accept',
    holder: recipient,
    id,
    issuer,
    audience: recipient,
    digest,
    state: 6,
    lane: -2,
    expires: observedAt + 604_800,
    nextAt: 0,
    quiet: false,
    ask: [],
    seal: randomBytes(sealBytes),
    body: randomBytes(bodyBytes),
    evidence: { events, digest, id, recipient, observedAt, nonce: randomBytes(16) },
    notices: [],
  };
}

async function measure(underWay: number): Promise<Record<string, number>> {
  const directory = mkdtempSync(join(parent, 'sealpost-bench-'));
  const signed = randomBytes(evidenceBytes);
  const sign = (): Promise<Uint8Array> => Promise.resolve(signed);
  const custody = await openCustody({ directory, sign, report: console.error });
  const total = Math.min(messages, underWay * 2_000);
  const transitions = Array.from({ length: total }, (_, index) => acceptance(index));
  const latencies: number[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    for (let transition = transitions[next++]; transition !== undefined; transition = transitions[next++]) {
      const since = performance.now();
      await custody.commit(transition);
      latencies.push(performance.now() - since);
    }
  };
  const cpu = process.cpuUsage();
  const since = performance.now();
  await Promise.all(Array.from({ length: underWay }, one));
  const seconds = (performance.now() - since) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await custody.close();
  rmSync(directory, { recursive: true });
  latencies.sort((left, right) => left - right);
  return {
    'under way': underWay,
    'messages/s': Math.round(total / seconds),
    'CPU µs/message': Math.round((user + system) / total),
    'p50 ms': Number(latencies[total >> 1]?.toFixed(2)),
    'p99 ms': Number(latencies[Math.floor(total * 0.99)]?.toFixed(2)),
  };
}

await measure(64);
const results: Record<string, number>[] = [];
for (const underWay of underWayOf) results.push(await measure(underWay));
console.table(results);
