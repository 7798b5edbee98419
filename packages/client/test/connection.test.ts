// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ErrorCode } from '@sealpost/protocol';
import { FakeClock } from '@sealpost/testing';
import { actOn } from '../src/acting.ts';
import type { ClientState } from '../src/client-state.ts';
import { Connection } from '../src/connection.ts';
import { SealpostError } from '../src/error.ts';
import { Subscriptions } from '../src/subscriptions.ts';
import { FakeLink, numberedId, settled } from './fake-link.ts';

type Attempt = 'link' | { readonly code: ErrorCode; readonly retryAfterSeconds?: number };

/** A server that answers each attempt as the script says, then always with a link. */
function scripted(script: Attempt[], reconnects = true) {
  const clock = new FakeClock();
  const links: FakeLink[] = [];
  const attemptsAtMs: number[] = [];
  const denied = new Set<string>();
  const startMs = clock.now();
  const connection = new Connection({
    reconnects,
    clock,
    random: () => 0.5,
    open() {
      attemptsAtMs.push(clock.now() - startMs);
      const attempt = script.shift() ?? 'link';
      if (attempt !== 'link') return Promise.reject(new SealpostError(attempt));
      links.push(new FakeLink(denied));
      return Promise.resolve(links.at(-1) as FakeLink);
    },
  });
  const heard: string[] = [];
  connection.join({
    up: () => heard.push('up'),
    down: () => heard.push('down'),
    over: ({ code }, isOnPurpose) => heard.push(`over ${code} ${isOnPurpose ? 'on purpose' : ''}`.trim()),
  });
  /** Moves on to the next attempt and lets it finish. */
  const retry = async (): Promise<void> => {
    const { state } = connection.line;
    assert.equal(state.kind, 'reconnecting');
    if (state.kind === 'reconnecting') clock.advance(state.retryAtMs - clock.now());
    await settled();
  };
  return { clock, connection, links, heard, attemptsAtMs, denied, retry };
}

test('a lost link is dialled again, at growing intervals, until it is there', async () => {
  const down = { code: 'unreachable' } as const;
  const { connection, links, heard, attemptsAtMs, retry } = scripted(['link', down, down, down]);
  await connection.start();
  links[0]?.lose({ byPeer: true, reasonCode: 0x8b });
  await settled();
  const { state } = connection.line;
  assert.equal(state.kind === 'reconnecting' ? state.reason.code : state.kind, 'unreachable');
  while (connection.line.state.kind === 'reconnecting') await retry();
  assert.equal(connection.line.state.kind, 'connected');
  assert.deepEqual(heard, ['up', 'down', 'up']);
  assert.deepEqual(attemptsAtMs, [0, 375, 1_125, 2_625, 5_625]);
  await connection.close();
});

test('a server that takes every connection and drops it at once is not hammered', async () => {
  const { clock, connection, links, attemptsAtMs, retry } = scripted([]);
  await connection.start();
  for (let index = 0; index < 3; index++) {
    links.at(-1)?.lose();
    await settled();
    await retry();
  }
  assert.deepEqual(attemptsAtMs, [0, 375, 1_125, 2_625]);
  clock.advance(10_000);
  links.at(-1)?.lose();
  await settled();
  const lostAtMs = clock.now();
  const { state } = connection.line;
  assert.equal(state.kind === 'reconnecting' ? state.retryAtMs - lostAtMs : 0, 375);
  await connection.close();
});

test('what no repetition mends ends it, and what the server asks for is waited', async () => {
  const busy = { code: 'overloaded', retryAfterSeconds: 30 } as const;
  const { connection, links, heard, attemptsAtMs, retry } = scripted([
    'link',
    busy,
    { code: 'credentials-invalid' },
  ]);
  await connection.start();
  links[0]?.lose();
  await settled();
  await retry();
  await retry();
  assert.ok((attemptsAtMs[2] ?? 0) - (attemptsAtMs[1] ?? 0) >= 30_000);
  assert.equal((await connection.closed)?.code, 'credentials-invalid');
  assert.equal(connection.line.state.kind, 'closed');
  assert.deepEqual(heard, ['up', 'down', 'over credentials-invalid']);
  await assert.rejects(connection.linked(), { code: 'credentials-invalid' });
});

test('a client id that somebody else took over is not taken back', async () => {
  const { connection, links } = scripted([]);
  await connection.start();
  links[0]?.lose({ byPeer: true, reasonCode: 0x8e });
  assert.equal((await connection.closed)?.code, 'not-allowed');
});

test('the first attempt fails fast unless it may start offline', async () => {
  const down = { code: 'unreachable' } as const;
  const first = scripted([down]);
  await assert.rejects(first.connection.start(), { code: 'unreachable' });
  assert.equal((await first.connection.closed)?.code, 'unreachable');
  const { connection, retry } = scripted([down, down]);
  connection.startOffline();
  assert.equal(connection.line.state.kind, 'connecting');
  await settled();
  await retry();
  await retry();
  assert.equal(connection.line.state.kind, 'connected');
  await connection.close();
  assert.equal(await connection.closed, undefined);
});

test('a client that fails fast does not come back', async () => {
  const { connection, links, heard } = scripted([], false);
  await connection.start();
  links[0]?.lose();
  assert.equal((await connection.closed)?.code, 'unreachable');
  assert.deepEqual(heard, ['up', 'down', 'over unreachable']);
});

test('closing while it waits, and cancelling the start, leave no timer and no link behind', async () => {
  const { connection, links, clock, heard } = scripted([]);
  await connection.start();
  links[0]?.lose();
  await settled();
  assert.equal(clock.pending, 1);
  await connection.close();
  assert.equal(clock.pending, 0);
  assert.deepEqual(heard.at(-1), 'over unreachable on purpose');
  const opening = Promise.withResolvers<FakeLink>();
  const late = new FakeLink();
  const pending = new Connection({
    reconnects: true,
    clock,
    random: () => 0,
    open: () => opening.promise,
  });
  const abort = new AbortController();
  const started = assert.rejects(pending.start(abort.signal), { code: 'undecided' });
  abort.abort();
  await started;
  opening.resolve(late);
  await late.closed;
  assert.equal(pending.link, undefined);
});

test('states are told to who asks, the latest to who is slow, and the last one ends it', async () => {
  const { connection, links, retry } = scripted([]);
  await connection.start();
  const states = connection.line.states();
  const next = async (): Promise<ClientState['kind'] | undefined> => (await states.next()).value?.kind;
  assert.equal(await next(), 'connected');
  const lost = next();
  links[0]?.lose();
  assert.equal(await lost, 'reconnecting');
  await retry();
  links[1]?.lose();
  await settled();
  await connection.close();
  assert.equal(await next(), 'closed');
  assert.equal((await states.next()).done, true);
  const abort = new AbortController();
  const other = scripted([]);
  await other.connection.start();
  const cancelled = other.connection.line.states(abort.signal);
  await cancelled.next();
  const over = cancelled.next();
  abort.abort();
  assert.equal((await over).done, true);
  await other.connection.close();
});

test('subscriptions are made again on every link, before anything else, and a refusal is told', async () => {
  const { connection, links, retry, denied } = scripted([]);
  const subscriptions = new Subscriptions(connection);
  const refused: string[] = [];
  void subscriptions.open('early', { qos: 1 });
  await connection.start();
  await subscriptions.open('a', { qos: 1, refused: ({ code }) => void refused.push(code) });
  await subscriptions.open('b', { qos: 0 });
  subscriptions.close('b');
  assert.deepEqual(links[0]?.filters, ['early', 'a', 'b']);
  links[0]?.lose();
  await settled();
  await retry();
  assert.deepEqual(links[1]?.filters, ['early', 'a']);
  assert.deepEqual(refused, []);
  denied.add('a');
  links[1]?.lose();
  await settled();
  await retry();
  assert.deepEqual(refused, ['not-allowed']);
  links[2]?.lose();
  await settled();
  await retry();
  assert.deepEqual(links[3]?.filters, ['early']);
  await connection.close();
});

test('an act whose answer was lost with its link is done again, until it is answered or cancelled', async () => {
  const { connection, links, retry } = scripted([]);
  const act = actOn(connection);
  await connection.start();
  const acting = act(numberedId(1), 'acknowledge');
  await settled();
  assert.equal(links[0]?.offered.length, 1);
  links[0]?.lose();
  await settled();
  await retry();
  links[1]?.offered[0]?.answer({ reasonCode: 0 });
  await acting;
  const abort = new AbortController();
  const cancelled = assert.rejects(act(numberedId(2), 'open', abort.signal), { code: 'undecided' });
  abort.abort();
  await cancelled;
  await connection.close();
  await assert.rejects(act(numberedId(3), 'open'), { code: 'unreachable' });
});
