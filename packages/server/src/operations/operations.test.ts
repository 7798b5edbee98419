// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Event, Precedence, precedenceNames, type Domain } from '@sealpost/protocol';
import { parseExposition, sampleOf, type Family } from '@sealpost/testing';
import type { Gauges } from './gauges.ts';
import { Log } from './log.ts';
import { Operations } from './operations.ts';

const home = 'home.test' as Domain;
const stats = {
  connections: 2,
  handshakes: 1,
  sessions: 3,
  subscriptions: 4,
  retained: 0,
  dropped: 5,
  tooLarge: 0,
  outboxBytes: 6,
};

/** A domain that answers as it is told. */
function gaugesWith(changes: Partial<Gauges> = {}): Gauges {
  return {
    accounts: () => stats,
    relay: () => stats,
    peers: () => [
      { domain: 'fire.test' as Domain, isLinked: true },
      { domain: 'bank.test' as Domain, isLinked: false },
    ],
    unstoredBytes: 7,
    queued: () => Promise.resolve([{ queue: 'mailbox', lane: Precedence.flash, count: 8, since: 0 }]),
    owed: () => Promise.resolve({ notices: 9, reports: 10 }),
    probe: () => Promise.resolve(true),
    ...changes,
  };
}

function broken(): Promise<never> {
  return Promise.reject(new Error('the custody thread ended'));
}

async function opened(t: TestContext): Promise<Operations> {
  const log = new Log({ level: 'error', format: 'json' }, () => undefined);
  const operations = await Operations.open({
    domain: home,
    log,
    listen: { host: '127.0.0.1', port: 0 },
    env: {},
  });
  t.after(() => operations.close());
  return operations;
}

interface Health {
  readonly ok: boolean;
  readonly checks: Record<string, { readonly ok: boolean; readonly sentence: string }>;
}

async function health(
  { port }: Operations,
  path: '/livez' | '/readyz',
): Promise<Health & { status: number }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, ...((await response.json()) as Health) };
}

async function metrics({ port }: Operations): Promise<ReadonlyMap<string, Family>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return parseExposition(await response.text());
}

test('ready is said from the start of the domain to its end, and not before or after', async (t) => {
  const operations = await opened(t);
  assert.equal((await health(operations, '/readyz')).status, 503);
  assert.equal((await health(operations, '/livez')).status, 200);
  await operations.started(gaugesWith());
  const ready = await health(operations, '/readyz');
  assert.equal(ready.status, 200);
  assert.equal(ready.ok, true);
  for (const { sentence } of Object.values(ready.checks)) assert.match(sentence, /^[A-Z].*\.$/);
  await operations.draining();
  const draining = await health(operations, '/readyz');
  assert.equal(draining.status, 503);
  assert.match(draining.checks['listeners']?.sentence ?? '', /ending/);
  assert.equal((await health(operations, '/livez')).status, 200, 'a domain that drains is not to be killed');
});

test('a store that takes nothing makes the domain not ready; one that is silent or dead, not alive either', async (t) => {
  const full = await opened(t);
  await full.started(gaugesWith({ probe: () => Promise.resolve(false) }));
  const { status, checks } = await health(full, '/readyz');
  assert.equal(status, 503);
  assert.equal(checks['store']?.ok, false);
  assert.equal((await health(full, '/livez')).status, 200, 'mail is still delivered');
  assert.equal(sampleOf(await metrics(full), 'sealpost_store_writable'), 0);
  const dead = await opened(t);
  await dead.started(gaugesWith({ probe: broken, owed: broken, queued: broken }));
  assert.equal((await health(dead, '/readyz')).status, 503);
  assert.equal((await health(dead, '/livez')).status, 503);
  const left = await metrics(dead);
  assert.equal(sampleOf(left, 'sealpost_sessions'), 3, 'the other numbers are still there');
  assert.deepEqual(left.get('sealpost_reports_owed')?.samples, []);
});

test('many who ask at the same time are one question to the store', async (t) => {
  let asked = 0;
  const operations = await opened(t);
  await operations.started(
    gaugesWith({
      queued: () => {
        asked += 1;
        return Promise.resolve([]);
      },
    }),
  );
  await Promise.all(Array.from({ length: 10 }, () => metrics(operations)));
  assert.equal(asked, 1);
});

test('what happened is counted, by lane, event and answer', async (t) => {
  const operations = await opened(t);
  await operations.started(gaugesWith());
  const { observer } = operations;
  for (const precedence of Object.values(Precedence)) observer.accepted('account', precedence);
  observer.accepted('peer', Precedence.flash);
  observer.happened(Event.delivered, Precedence.deferred);
  observer.answered('submission', 'mailbox-unknown');
  observer.answered('request', 'topic-invalid');
  observer.peerAnswered('fire.test' as Domain, 'message', 'overloaded');
  observer.signedIn('credentials-invalid', 'ann@home.test');
  observer.committed(3, 20);
  observer.fault(new Error('x'));
  const now = await metrics(operations);
  for (const lane of precedenceNames)
    assert.equal(sampleOf(now, 'sealpost_messages_accepted_total', { from: 'account', lane }), 1, lane);
  const wanted: [string, Record<string, string>, number][] = [
    ['sealpost_messages_accepted_total', { from: 'peer', lane: 'flash' }, 1],
    ['sealpost_events_total', { event: 'delivered', lane: 'deferred' }, 1],
    ['sealpost_submissions_total', { answer: 'mailbox-unknown' }, 1],
    ['sealpost_requests_total', { answer: 'topic-invalid' }, 1],
    ['sealpost_relay_requests_total', { what: 'message', answer: 'overloaded' }, 1],
    ['sealpost_sign_ins_total', { answer: 'credentials-invalid' }, 1],
    ['sealpost_connections', { listener: 'relay' }, 2],
    ['sealpost_queued_messages', { queue: 'mailbox', lane: 'flash' }, 8],
    ['sealpost_notices_owed', {}, 9],
    ['sealpost_reports_owed', {}, 10],
    ['sealpost_unstored_bytes', {}, 7],
    ['sealpost_outbox_bytes', {}, 6],
    ['sealpost_ordinary_dropped_total', {}, 5],
    ['sealpost_peers', { link: 'down' }, 1],
    ['sealpost_peer_link_up', { peer: 'fire.test' }, 1],
    ['sealpost_faults_total', {}, 1],
  ];
  for (const [name, labels, value] of wanted) assert.equal(sampleOf(now, name, labels), value, name);
  const commits = now.get('sealpost_commit_seconds')?.samples ?? [];
  assert.equal(commits.find(({ name }) => name.endsWith('_sum'))?.value, 0.02);
  const text = JSON.stringify([...now]);
  assert.doesNotMatch(text, /ann@/, 'an account is never a label');
});

test('with ten thousand peers, only some have a series of their own', async (t) => {
  const operations = await opened(t);
  const peers = Array.from({ length: 10_000 }, (_, n) => ({
    domain: `p${n}.test` as Domain,
    isLinked: true,
  }));
  await operations.started(gaugesWith({ peers: () => peers }));
  const now = await metrics(operations);
  assert.equal(now.get('sealpost_peer_link_up')?.samples.length, 256);
  assert.equal(sampleOf(now, 'sealpost_peers', { link: 'up' }), 10_000);
});
