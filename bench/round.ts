// SPDX-License-Identifier: Apache-2.0
// The work that is measured: home → fire → client, with the signed evidence back at the sender.
import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { connectLink, type Link, type Publish } from '@sealpost/mqtt/link';
import { connectTcp } from '@sealpost/mqtt/node';
import { Event, makeSeal, newMessageId, toBase64Url, withChain, type Address } from '@sealpost/protocol';
import { nodeCrypto } from '@sealpost/identity/node';
import type { Dev } from '../e2e/_harness.ts';
import { signerOfAccount } from './signer.ts';

const alarm = 'kitchen-alarm@home.test' as Address;
const desk = 'desk@fire.test' as Address;
const clockTicksPerSecond = 100;
const outstandingMax = 128;

export interface Sample {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly threadMicros: ReadonlyMap<string, number>;
  readonly deliveryMs: Percentiles;
  readonly evidenceMs: Percentiles;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** What a thread of the server works on, by the name that Node gives it. */
const work: Readonly<Record<string, string>> = {
  MainThread: 'main',
  'libuv-worker': 'signatures',
  WorkerThread: 'store',
  V8Worker: 'collector and compiler',
};

/** Seconds of CPU so far, by kind of thread. */
async function cpuSeconds(pid: number): Promise<Map<string, number>> {
  const seconds = new Map<string, number>();
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const nameEnd = stat.lastIndexOf(')');
    const name = work[stat.slice(stat.indexOf('(') + 1, nameEnd)] ?? 'other';
    const fields = stat.slice(nameEnd + 2).split(' ');
    const used = (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
    seconds.set(name, (seconds.get(name) ?? 0) + used);
  }
  return seconds;
}

export function percentiles(samples: number[]): Percentiles {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Counts what arrives and resolves at the last one. */
class Arrivals {
  readonly times = new Map<string, number>();
  readonly #expected: number;
  readonly #all = Promise.withResolvers<void>();

  constructor(expected: number) {
    this.#expected = expected;
  }

  get all(): Promise<void> {
    return this.#all.promise;
  }

  add(id: string): void {
    this.times.set(id, performance.now());
    if (this.times.size === this.#expected) this.#all.resolve();
  }
}

export function connect(
  dev: Dev,
  address: string,
  onPublish: (publish: Publish) => void,
  clientId = `bench-${address}`,
): Promise<Link> {
  const { username, password } = dev.account(address);
  return connectTcp(dev.domainOf(address).mqtt).then((transport) =>
    connectLink(transport, {
      clientId,
      username,
      password: Buffer.from(password),
      cleanStart: true,
      keepAliveSeconds: 60,
      receiveMaximum: 1000,
      onPublish(publish) {
        onPublish(publish);
        return { reasonCode: 0 };
      },
    }),
  );
}

export function idOf({ userProperties }: Publish): string {
  return userProperties.find(([name]) => name === 'id')?.[1] ?? '';
}

export type Kind = 'stock' | 'origin';

async function prepare(dev: Dev, kind: Kind, count: number): Promise<{ id: string; publish: Publish }[]> {
  const signer = kind === 'origin' ? await signerOfAccount(dev.account(alarm)) : undefined;
  const now = Math.floor(Date.now() / 1000);
  const prepared: { id: string; publish: Publish }[] = [];
  for (let n = 0; n < count; n += 1) {
    const id = newMessageId(Date.now(), nodeCrypto.randomBytes(10));
    const body = Buffer.from(`Reading ${n}: ${'all is well in the kitchen. '.repeat(10)}`);
    const userProperties: [string, string][] = [];
    if (signer === undefined)
      userProperties.push(['id', id], ['precedence', 'priority'], ['ask', 'delivered']);
    else {
      const seal = await makeSeal({
        claims: {
          issuer: alarm,
          audience: desk,
          issuedAt: now,
          expires: now + 3600,
          id,
          precedence: 0,
          class: 'ordinary',
          ask: [Event.delivered],
        },
        contentType: 'text/plain;charset=utf-8',
        body,
        signer,
        crypto: nodeCrypto,
      });
      const chain = n === 0 ? signer.chain : [];
      userProperties.push(['seal', toBase64Url(withChain(seal.bytes, chain))]);
    }
    prepared.push({
      id,
      publish: { topic: `mail/to/${desk}`, payload: body, qos: 1, retain: false, userProperties },
    });
  }
  return prepared;
}

/** Messages without an answer yet. */
class Outstanding {
  #count = 0;
  #wake: (() => void) | undefined;

  opened(): void {
    this.#count += 1;
  }

  answered(): void {
    this.#count -= 1;
    this.#wake?.();
  }

  async below(limit: number): Promise<void> {
    while (this.#count >= limit) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

async function send(
  link: Link,
  prepared: readonly { id: string; publish: Publish }[],
  perSecond: number,
): Promise<Map<string, number>> {
  const sentAt = new Map<string, number>();
  const window = new Outstanding();
  const began = performance.now();
  for (const [index, { id, publish }] of prepared.entries()) {
    if (perSecond > 0) {
      const wait = began + (index * 1000) / perSecond - performance.now();
      if (wait > 1) await pause(wait);
    }
    await window.below(outstandingMax);
    window.opened();
    sentAt.set(id, performance.now());
    void link.publish(publish).then(({ reasonCode }) => {
      if (reasonCode !== 0) throw new Error(`refused with ${reasonCode}`);
      window.answered();
    });
    // The first origin seal carries its certificate: the others follow once it is known.
    if (index === 0) await window.below(1);
  }
  return sentAt;
}

/** One sender, one reader in the other domain; `count` messages, until the last evidence is back. `perSecond` 0: as fast as the window allows. */
export async function round(dev: Dev, kind: Kind, perSecond: number, count: number): Promise<Sample> {
  const taken = new Arrivals(count);
  const told = new Arrivals(count);
  const reader = await connect(dev, desk, (publish) => taken.add(idOf(publish)));
  await reader.subscribe([{ filter: 'mail/inbox/#', qos: 1 }]);
  const sender = await connect(dev, alarm, ({ topic }) => told.add(topic.split('/')[2] ?? ''));
  await sender.subscribe([{ filter: 'mail/evidence/#', qos: 1 }]);
  const prepared = await prepare(dev, kind, count);
  const pid = dev.process.pid ?? 0;
  const cpuBefore = await cpuSeconds(pid);
  const began = performance.now();
  const sentAt = await send(sender, prepared, perSecond);
  await Promise.all([taken.all, told.all]);
  const seconds = (performance.now() - began) / 1000;
  const threadMicros = new Map<string, number>();
  for (const [name, used] of await cpuSeconds(pid))
    threadMicros.set(name, ((used - (cpuBefore.get(name) ?? 0)) * 1e6) / count);
  reader.end();
  sender.end();
  const since = (arrivals: Arrivals): Percentiles =>
    percentiles([...arrivals.times].map(([id, at]) => at - (sentAt.get(id) ?? at)));
  return {
    perSecond: count / seconds,
    cpuMicros: [...threadMicros.values()].reduce((sum, micros) => sum + micros, 0),
    threadMicros,
    deliveryMs: since(taken),
    evidenceMs: since(told),
  };
}
