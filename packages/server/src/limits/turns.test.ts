// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@sealpost/testing';
import { Turns } from './turns.ts';

test('so many run at once, and the most urgent of those who wait goes next', async () => {
  const turns = new Turns({ atOnceMax: 2, waitMsMax: 1000, clock: new FakeClock() });
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string, rank: number): Promise<string | undefined> =>
    turns.run(rank, () => {
      began.push(name);
      return new Promise((resolve) => ends.set(name, () => resolve(name)));
    });
  const all = [work('a', 0), work('b', 0), work('low', -2), work('flash', 4), work('later flash', 4)];
  assert.deepEqual(began, ['a', 'b']);
  for (const [name, next] of [
    ['b', 'flash'],
    ['a', 'later flash'],
    ['flash', 'low'],
  ] as const) {
    const before = began.length;
    ends.get(name)?.();
    while (began.length === before) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(began.at(-1), next);
  }
  for (const name of ['later flash', 'low']) ends.get(name)?.();
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'low', 'flash', 'later flash']);
});

test('work that fails gives its turn on', async () => {
  const turns = new Turns({ atOnceMax: 1, waitMsMax: 1000, clock: new FakeClock() });
  const failing = turns.run(0, () => Promise.reject(new Error('no')));
  const next = turns.run(0, async () => 'done');
  await assert.rejects(failing, /no/);
  assert.equal(await next, 'done');
});

test('who waits too long behind others is sent away with nothing done', async () => {
  const clock = new FakeClock();
  const turns = new Turns({ atOnceMax: 1, waitMsMax: 1000, clock });
  const first = Promise.withResolvers<string>();
  const running = turns.run(0, () => first.promise);
  let begun = false;
  const waiting = turns.run(-2, async () => (begun = true));
  clock.advance(1001);
  const urgent = turns.run(4, async () => 'urgent');
  first.resolve('first');
  assert.deepEqual(await Promise.all([running, waiting, urgent]), ['first', undefined, 'urgent']);
  assert.equal(begun, false);
});
