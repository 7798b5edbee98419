// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('so many run at once, and the most urgent of those who wait goes next', async () => {
  const turns = new Turns(2);
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string, rank: number): Promise<string> =>
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
  const turns = new Turns(1);
  const failing = turns.run(0, () => Promise.reject(new Error('no')));
  const next = turns.run(0, async () => 'done');
  await assert.rejects(failing, /no/);
  assert.equal(await next, 'done');
});
