// SPDX-License-Identifier: Apache-2.0
// kill -9 at random points of a run, restart, and count: every message answered 0x00 has exactly one delivery outcome,
// every consigned one exactly one hand-over outcome.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { connectLink, type Link } from '@sealpost/mqtt/link';
import { connectTcp } from '@sealpost/mqtt/node';
import { Event, newMessageId } from '@sealpost/protocol';
import { Dev } from './_harness.ts';

const alarm = 'kitchen-alarm@home.test';
const desk = 'desk@fire.test';
const outstandingMax = 64;
const settleMs = 60_000;
/** One message in so many lives for a second only: some of them expire wherever they happen to be. */
const shortLivedShare = 8;

export interface TortureOptions {
  readonly messages: number;
  readonly kills: number;
  readonly seed: number;
}

export interface TortureResult {
  readonly accepted: number;
  readonly delivered: number;
  /** Expired on the way, or refused as expired by the peer. */
  readonly undelivered: number;
  readonly fetched: number;
  readonly lapsed: number;
  /** PUBLISH packets that reached the reader; a repeat after a crash is allowed. */
  readonly arrivals: number;
}

/** xorshift32: the same seed gives the same kill points. */
function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Ports that were free a moment ago: the process comes back on the same ones. */
/** Of as many ports in a row as a federation takes, below those that outgoing connections are given. */
export async function freePortBase(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 10_000);
    const ports = Array.from({ length: 8 }, (_, index) => base + index);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!(await listening)) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

async function connect(dev: Dev, address: string, filter: string, arrived: () => void): Promise<Link> {
  const { username, password } = dev.account(address);
  const link = await connectLink(await connectTcp(dev.domainOf(address).mqtt), {
    clientId: `torture-${address}`,
    username,
    password: Buffer.from(password),
    cleanStart: true,
    keepAliveSeconds: 30,
    onPublish() {
      arrived();
      return { reasonCode: 0 };
    },
  });
  await link.subscribe([{ filter, qos: 1 }]);
  return link;
}

/** Publishes what is unanswered until `left` remain, a window at a time; answers arrive in any run. */
function sendUntil(link: Link, unanswered: Set<string>, left: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waiting = [...unanswered];
  let outstanding = 0;
  const fill = (): void => {
    if (unanswered.size <= left) return resolve();
    while (outstanding < outstandingMax && waiting.length > 0) {
      const id = waiting.pop();
      if (id === undefined) return;
      outstanding += 1;
      link
        .publish({
          topic: `mail/to/${desk}`,
          payload: Buffer.from(`message ${id}`),
          qos: 1,
          retain: false,
          messageExpirySeconds: isShortLived(id) ? 1 : 3600,
          userProperties: [
            ['id', id],
            ['precedence', 'flash'],
            ['ask', 'delivered,fetched'],
          ],
        })
        .then(
          ({ reasonCode }) => {
            outstanding -= 1;
            if (reasonCode === 0) unanswered.delete(id);
            else if (reasonCode === 0x97) waiting.unshift(id);
            else reject(new Error(`refused with ${reasonCode}`));
            fill();
          },
          // The link went with the process; the next run sends it again under the same id.
          () => {},
        );
    }
  };
  fill();
  return promise;
}

/** The last digit of an id is random, and the same at every repeat. */
function isShortLived(id: string): boolean {
  return Number.parseInt(id.slice(-2), 16) % shortLivedShare === 0;
}

interface Row {
  readonly state: number;
  readonly outcome: number | null;
  readonly handover: number | null;
  readonly count: number;
}

function rows(dataDir: string, domain: string): Row[] {
  const database = new DatabaseSync(join(dataDir, domain, 'custody.sqlite'), { readOnly: true });
  try {
    const query = 'SELECT state, outcome, handover, count(*) AS count FROM message GROUP BY 1, 2, 3';
    return database.prepare(query).all() as unknown as Row[];
  } finally {
    database.close();
  }
}

function total(list: readonly Row[], matches: (row: Row) => boolean): number {
  return list.filter(matches).reduce((sum, { count }) => sum + count, 0);
}

/** One seed: sends until everything is accepted, killing the process on the way, and counts when all is settled. */
export async function torture({ messages, kills, seed }: TortureOptions): Promise<TortureResult> {
  const random = randomFrom(seed);
  const dataDir = await mkdtemp(join(tmpdir(), 'sealpost-torture-'));
  const portBase = String(await freePortBase());
  let dev: Dev | undefined;
  try {
    const unanswered = new Set<string>();
    for (let n = 0; n < messages; n += 1)
      unanswered.add(newMessageId(Date.now(), crypto.getRandomValues(new Uint8Array(10))));
    let arrivals = 0;
    for (let run = 0; ; run += 1) {
      dev = await Dev.start(dataDir, '--port-base', portBase);
      const last = run === kills;
      // Now and then nobody reads for a while: what lives for a second lapses.
      const away = random() < 0.4;
      const read = (): Promise<Link> => connect(dev as Dev, desk, 'mail/inbox/#', () => (arrivals += 1));
      if (!away) await read();
      const sender = await connect(dev, alarm, 'mail/evidence/#', () => {});
      const left = last ? 0 : Math.floor(unanswered.size * random());
      await sendUntil(sender, unanswered, left);
      if (last && away) {
        await pause(1_100);
        await read();
      }
      if (last) break;
      // Anywhere between the answer and everything that follows from it.
      await pause(random() * 20);
      await dev.end('SIGKILL');
    }
    const settled = (): boolean =>
      total(rows(dataDir, 'home.test'), ({ outcome, handover }) => isFinal(outcome, handover)) === messages;
    for (const end = Date.now() + settleMs; !settled() && Date.now() < end;) await pause(50);
    assert.equal(await dev.end(), 0);
    return { ...count(dataDir, messages), arrivals };
  } finally {
    await dev?.end('SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Delivered has its hand-over outcome, and anything else is an outcome by itself. */
function isFinal(outcome: number | null, handover: number | null): boolean {
  return outcome === Event.delivered ? handover !== null : outcome !== null;
}

/** What both stores say when everything has come to rest. */
function count(dataDir: string, messages: number): Omit<TortureResult, 'arrivals'> {
  const home = rows(dataDir, 'home.test');
  const fire = rows(dataDir, 'fire.test');
  const accepted = total(home, () => true);
  const delivered = total(home, ({ outcome }) => outcome === Event.delivered);
  const fetched = total(home, ({ handover }) => handover === Event.fetched);
  const lapsed = total(home, ({ handover }) => handover === Event.lapsed);
  const undelivered = total(home, ({ outcome }) => undeliverable.includes(outcome ?? 0));
  const picture = JSON.stringify({ home, fire });
  assert.equal(accepted, messages, `accepted ${picture}`);
  assert.equal(delivered + undelivered, messages, `delivery outcomes ${picture}`);
  assert.equal(fetched + lapsed, delivered, `hand-over outcomes ${picture}`);
  assert.equal(
    total(fire, ({ state }) => state === 7),
    fetched,
    `both sides agree ${picture}`,
  );
  assert.equal(contradictions(dataDir), 0, 'no statement contradicts another');
  return { accepted, delivered, undelivered, fetched, lapsed };
}

const undeliverable: readonly number[] = [Event.relayFailed, Event.relayRefused, Event.expired];

function contradictions(dataDir: string): number {
  const database = new DatabaseSync(join(dataDir, 'home.test', 'custody.sqlite'), { readOnly: true });
  try {
    const row = database.prepare('SELECT count(*) AS count FROM evidence WHERE contradiction = 1').get();
    return Number(row?.['count']);
  } finally {
    database.close();
  }
}
