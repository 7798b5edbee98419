// SPDX-License-Identifier: Apache-2.0
// More than the server can do: what becomes of each lane, of what is urgent, of memory, and of the time after it.
//   npm run load -- [--seconds 60] [--times 10] [--clients 100] [--idle 5000]
// Everything runs on this machine, the clients beside the server. Quote the ratios.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Link, Publish } from '@sealpost/mqtt/link';
import type { PrecedenceName } from '@sealpost/protocol';
import { Dev } from '../e2e/_harness.ts';
import type { Answers, Flood } from './load-flood.ts';
import { connect, percentiles, round, type Percentiles } from './round.ts';

const alarm = 'kitchen-alarm@home.test';
const desk = 'desk@fire.test';
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    times: { type: 'string', default: '10' },
    clients: { type: 'string', default: '100' },
    idle: { type: 'string', default: '5000' },
  },
});
const [seconds, times, clients, idle] = [values.seconds, values.times, values.clients, values.idle].map(
  Number,
) as [number, number, number, number];

/** What a message in the room costs beside its bytes is counted in; the rest is V8's slack. */
const roomMiB = 64;
const slack = 3;
const domains = 2;
const boundMiB = roomMiB * slack * domains;
const tickMs = 20;
const flashEveryMs = 200;

function publishOf(precedence: PrecedenceName, text: string): Publish {
  return {
    topic: `mail/to/${desk}`,
    payload: Buffer.from(text),
    qos: 1,
    retain: false,
    messageExpirySeconds: 300,
    userProperties: [['precedence', precedence]],
  };
}

async function rssMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** Sends urgent messages, each named by its text, and knows how long each took to arrive. */
class Flashes {
  readonly tookMs: number[] = [];
  refused = 0;
  readonly #sentAt = new Map<string, number>();

  arrived({ payload }: Publish): void {
    const text = Buffer.from(payload).toString();
    const sentAt = this.#sentAt.get(text);
    if (sentAt === undefined) return;
    this.#sentAt.delete(text);
    this.tookMs.push(performance.now() - sentAt);
  }

  get missing(): number {
    return this.#sentAt.size - this.refused;
  }

  async send(link: Link, name: string, forMs: number): Promise<void> {
    const until = performance.now() + forMs;
    for (let n = 0; performance.now() < until; n += 1) {
      const text = `${name} ${n}`;
      this.#sentAt.set(text, performance.now());
      void link.publish(publishOf('flash', text)).then(({ reasonCode }) => {
        if (reasonCode !== 0) this.refused += 1;
      });
      await pause(flashEveryMs);
    }
  }
}

async function flashAlone(flashes: Flashes, link: Link, name: string): Promise<Percentiles> {
  flashes.tookMs.length = 0;
  await flashes.send(link, name, 8_000);
  while (flashes.missing > 0) await pause(tickMs);
  return percentiles(flashes.tookMs);
}

/** The flood's own process, signed in and waiting. */
async function prepareFlood(dev: Dev, perSecond: number): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'load-flood.ts'), { execArgv: process.execArgv });
  const { username, password } = dev.account(alarm);
  const { host, port } = dev.domainOf(alarm).mqtt;
  const asked: Flood = {
    host,
    port,
    username,
    password,
    to: desk,
    clients,
    perSecond: perSecond * times,
    forMs: seconds * 1000,
  };
  child.send(asked);
  await once(child, 'message');
  return child;
}

function show({ p50, p99 }: Percentiles): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
}

function showAnswers({ lanes, sent, tookMs }: Answers, perSecond: number): void {
  const offered = sent / (tookMs / 1000);
  console.log(
    `offered ${offered.toFixed(0)}/s, ${(offered / perSecond).toFixed(1)} times the sustainable ${perSecond.toFixed(0)}/s, for ${(tookMs / 1000).toFixed(0)} s by ${clients} clients:`,
  );
  for (const { lane, accepted, refused, bare } of lanes) {
    const codes = Object.entries(bare).map(([code, count]) => `${count} with 0x${Number(code).toString(16)}`);
    console.log(
      `  ${lane}: ${accepted} accepted, ${refused} refused (${((100 * refused) / (accepted + refused)).toFixed(0)} %), ` +
        `without retry-after: ${codes.join(', ') || 'none'}`,
    );
  }
}

async function overload(dev: Dev, perSecond: number): Promise<void> {
  const pid = dev.process.pid ?? 0;
  const flashes = new Flashes();
  const reader = await connect(dev, desk, (publish) => flashes.arrived(publish), 'reader');
  await reader.subscribe([{ filter: 'mail/inbox/#', qos: 1 }]);
  const urgent = await connect(dev, alarm, () => {}, 'urgent');
  const floodProcess = await prepareFlood(dev, perSecond);
  const before = await flashAlone(flashes, urgent, 'before');
  const rssBefore = await rssMiB(pid);
  let rssMax = rssBefore;
  const watching = setInterval(() => void rssMiB(pid).then((rss) => (rssMax = Math.max(rssMax, rss))), 250);
  flashes.tookMs.length = 0;
  const answered = once(floodProcess, 'message') as Promise<[Answers]>;
  floodProcess.send('go');
  await flashes.send(urgent, 'during', seconds * 1000);
  const [answers] = await answered;
  const ended = performance.now();
  while (flashes.missing > 0 && performance.now() - ended < 60_000) await pause(tickMs);
  clearInterval(watching);
  const during = percentiles(flashes.tookMs);
  showAnswers(answers, perSecond);
  console.log(
    `  flash: ${flashes.tookMs.length} arrived, ${flashes.refused} refused, ${flashes.missing} missing; ` +
      `alone ${show(before)}; in the flood ${show(during)}; p50 ${(during.p50 / before.p50).toFixed(1)} times, p99 ${(during.p99 / before.p99).toFixed(1)} times`,
  );
  console.log(
    `  memory: ${rssBefore.toFixed(0)} MiB before, ${rssMax.toFixed(0)} MiB at most, ${rssMax - rssBefore <= boundMiB ? 'within' : 'BEYOND'} the bound of ${boundMiB} MiB more`,
  );
  for (let waited = 0; ; waited += 1) {
    const after = await flashAlone(flashes, urgent, `after ${waited}`);
    const isBack = after.p50 <= before.p50 * 2;
    if (!isBack && waited < 5) continue;
    const secondsAfter = (performance.now() - ended) / 1000;
    console.log(
      `  ${isBack ? 'recovered' : 'NOT recovered'} ${secondsAfter.toFixed(0)} s after it: flash ${show(after)}`,
    );
    break;
  }
  floodProcess.send('end');
  await once(floodProcess, 'exit');
  for (const link of [reader, urgent]) link.end();
}

async function idleConnections(dev: Dev): Promise<void> {
  const pid = dev.process.pid ?? 0;
  const before = await rssMiB(pid);
  const links: Link[] = [];
  const began = performance.now();
  const batch = 25;
  for (let n = 0; n < idle; n += batch)
    links.push(
      ...(await Promise.all(
        Array.from({ length: batch }, (_, k) => connect(dev, desk, () => {}, `idle-${n + k}`)),
      )),
    );
  const tookSeconds = (performance.now() - began) / 1000;
  // Garbage of the handshakes is not what an idle connection costs.
  await pause(30_000);
  const each = ((await rssMiB(pid)) - before) / links.length;
  const [first] = links;
  const answer = await first?.publish({ ...publishOf('routine', 'still there'), topic: `mail/to/${desk}` });
  console.log(
    `${links.length} idle connections, made at ${(links.length / tookSeconds).toFixed(0)}/s (each checks a password): ${(each * 1024).toFixed(1)} KiB each; one of them sends: 0x${(answer?.reasonCode ?? 255).toString(16)}`,
  );
  for (const link of links) link.end();
}

async function withDev(story: (dev: Dev) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sealpost-load-'));
  const dev = await Dev.start(dataDir);
  try {
    await story(dev);
  } finally {
    await dev.end();
    await rm(dataDir, { recursive: true, force: true });
  }
}

if (seconds > 0)
  await withDev(async (dev) => {
    await round(dev, 'stock', 0, 1_000);
    const { perSecond } = await round(dev, 'stock', 0, 3_000);
    await overload(dev, perSecond);
  });
if (idle > 0) await withDev(idleConnections);
