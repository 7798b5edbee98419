// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsyncQueue } from './async-queue.ts';

test('values come out in the order they went in, before and after somebody asks', async () => {
  const queue = new AsyncQueue<number>(8);
  queue.push(1);
  const early = [queue.next(), queue.next()];
  queue.push(2);
  assert.deepEqual(await Promise.all(early), [
    { done: false, value: 1 },
    { done: false, value: 2 },
  ]);
});

test('a full queue refuses, and takes again when there is room', async () => {
  const queue = new AsyncQueue<number>(2);
  assert.deepEqual([queue.push(1), queue.push(2), queue.push(3)], [true, true, false]);
  await queue.next();
  assert.equal(queue.push(3), true);
});

test('an end lets the queued values out first, and tells its error once', async () => {
  const queue = new AsyncQueue<number>(2);
  queue.push(1);
  queue.end(new Error('gone'));
  assert.equal(queue.push(2), false);
  assert.deepEqual(await queue.next(), { done: false, value: 1 });
  await assert.rejects(queue.next(), /gone/);
  assert.deepEqual(await queue.next(), { done: true, value: undefined });
});

test('an end wakes the one who waits', async () => {
  const failing = new AsyncQueue<number>(1);
  const rejected = assert.rejects(failing.next(), /gone/);
  failing.end(new Error('gone'));
  await rejected;
  const ending = new AsyncQueue<number>(1);
  const next = ending.next();
  ending.end();
  assert.deepEqual(await next, { done: true, value: undefined });
});

test('leaving the loop leaves the queued values to be drained', async () => {
  const queue = new AsyncQueue<number>(4);
  for (const value of [1, 2, 3]) queue.push(value);
  for await (const value of queue) if (value === 1) break;
  assert.deepEqual(queue.drain(), [2, 3]);
  assert.equal(queue.push(4), false);
});

test('a second consumer is a mistake and hears so', async () => {
  const queue = new AsyncQueue<number>(1);
  const first = queue.next();
  await assert.rejects(queue.next(), TypeError);
  queue.push(1);
  assert.deepEqual(await first, { done: false, value: 1 });
});
