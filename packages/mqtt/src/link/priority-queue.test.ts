// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { creditSlots, PriorityQueue } from './priority-queue.ts';

interface Item {
  readonly rank: number;
  readonly sequence: number;
}

const urgentRank = 2;
const push = fc.integer({ min: -4, max: 6 });
const take = fc.constant('take' as const);

test('order: highest rank first, first in first out, but for one slot in sixteen below urgent', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(push, take), { maxLength: 300 }), (steps) => {
      const queue = new PriorityQueue<Item>(urgentRank);
      let waiting: Item[] = [];
      let sequence = 0;
      let slotsSinceCredit = creditSlots;
      for (const step of steps) {
        if (step !== 'take') {
          const item = { rank: step, sequence: sequence++ };
          queue.push(item);
          waiting.push(item);
          continue;
        }
        const peeked = queue.peek();
        const taken = queue.take();
        assert.equal(taken, peeked);
        const top = Math.max(...waiting.map(({ rank }) => rank));
        if (taken === undefined) {
          assert.equal(waiting.length, 0);
          continue;
        }
        if (taken.rank < top) {
          assert.ok(top < urgentRank, 'urgent is never delayed');
          assert.ok(slotsSinceCredit >= creditSlots - 1, 'at most one slot in sixteen');
          slotsSinceCredit = 0;
        } else slotsSinceCredit++;
        const older = waiting.some(({ rank, sequence }) => rank === taken.rank && sequence < taken.sequence);
        assert.ok(!older, 'first in, first out');
        waiting = waiting.filter((item) => item !== taken);
        assert.equal(queue.length, waiting.length);
      }
    }),
    { numRuns: 500 },
  );
});

test('a lower rank gets its share under a flood, an urgent flood excepted', () => {
  for (const [flood, share] of [
    [0, 2],
    [urgentRank, 0],
  ] as const) {
    const queue = new PriorityQueue<Item>(urgentRank);
    for (let sequence = 0; sequence < 100; sequence++) queue.push({ rank: flood, sequence });
    for (let sequence = 100; sequence < 110; sequence++) queue.push({ rank: -2, sequence });
    const first = Array.from({ length: 32 }, () => queue.take()?.rank);
    assert.equal(first.filter((rank) => rank === -2).length, share);
  }
});

test('the credit goes to who waited longest below the highest rank', () => {
  const queue = new PriorityQueue<Item>(urgentRank);
  queue.push({ rank: -4, sequence: 0 });
  queue.push({ rank: -2, sequence: 1 });
  for (let sequence = 2; sequence < 40; sequence++) queue.push({ rank: 0, sequence });
  const ranks = Array.from({ length: 16 }, () => queue.take()?.rank);
  assert.deepEqual(ranks, [...Array<number>(15).fill(0), -4]);
});

test('what is removed is gone, the rest keeps its order', () => {
  const queue = new PriorityQueue<Item>(urgentRank);
  for (let sequence = 0; sequence < 10; sequence++) queue.push({ rank: sequence % 3, sequence });
  const removed = queue.remove(({ sequence }) => sequence % 2 === 0);
  assert.equal(removed.length, 5);
  const left: number[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) left.push(item.sequence);
  assert.deepEqual(left, [5, 1, 7, 3, 9]);
  assert.equal(queue.length, 0);
});
