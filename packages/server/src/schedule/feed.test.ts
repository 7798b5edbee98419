// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Precedence } from '@sealpost/protocol';
import { Feed, type Position } from './feed.ts';

interface Row extends Position {
  readonly id: number;
}

const lanes: readonly Precedence[] = [-4, -2, 0, 2, 4, 6];

function before(a: Position, b: Position): boolean {
  return a.lane > b.lane || (a.lane === b.lane && a.seq < b.seq);
}

/** A queue on disk and a sink that takes what it is offered when told to. */
class Bench {
  readonly stored: Row[] = [];
  readonly offered: Row[] = [];
  inSink = 0;
  readonly feed: Feed<Row>;
  isCrowded = false;
  largestPage = 0;
  #loads: (() => void)[] = [];

  constructor(room: number) {
    this.feed = new Feed<Row>({
      load: (limit, after) =>
        new Promise((resolve) => {
          this.largestPage = Math.max(this.largestPage, limit);
          const page = this.stored
            .filter((row) => after === undefined || before(after, row))
            .sort((a, b) => (before(a, b) ? -1 : 1))
            .slice(0, limit);
          this.#loads.push(() => resolve(page));
        }),
      key: (row) => String(row.id),
      hasRoom: (urgent) => this.inSink < (urgent ? room * 4 : room),
      isCrowded: (urgent) => this.isCrowded && !urgent,
      offer: (row) => {
        this.offered.push(row);
        this.inSink += 1;
      },
      clock: { after: () => assert.fail('nothing is to be tried again') },
      report: (error) => assert.fail(String(error)),
    });
  }

  /** Lets the read that is under way return, and everything that follows from it. */
  async finishLoads(): Promise<void> {
    const waiting = this.#loads.splice(0);
    for (const finish of waiting) finish();
    await new Promise(setImmediate);
  }

  arrive(row: Row): void {
    this.stored.push(row);
    this.feed.arrived(row);
  }

  /** The sink's oldest offer is acknowledged and leaves the queue. */
  take(): void {
    const row = this.offered.find((candidate) => this.stored.includes(candidate));
    if (row === undefined) return;
    this.stored.splice(this.stored.indexOf(row), 1);
    this.inSink -= 1;
    this.feed.release(String(row.id));
  }
}

test('[DELIV-5] whatever the order of arrivals, reads and acknowledgements, every row is offered exactly once', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('arrive' as const), lane: fc.constantFrom(...lanes) }),
    fc.record({ do: fc.constantFrom('take' as const, 'load' as const, 'crowd' as const, 'thin' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 300 }),
      fc.integer({ min: 1, max: 70 }),
      async (steps, room) => {
        const bench = new Bench(room);
        bench.feed.restart();
        let id = 0;
        for (const action of steps) {
          if (action.do === 'arrive') {
            id += 1;
            bench.arrive({ id, seq: id, lane: 'lane' in action ? action.lane : -2 });
          } else if (action.do === 'take') bench.take();
          else if (action.do !== 'load') bench.isCrowded = action.do === 'crowd';
          else await bench.finishLoads();
        }
        for (let round = 0; bench.stored.length > 0; round += 1) {
          assert.ok(round < 2_000, 'rows were left behind');
          await bench.finishLoads();
          bench.take();
        }
        const ids = bench.offered.map((row) => row.id);
        assert.equal(new Set(ids).size, ids.length, 'a row was offered twice');
        assert.equal(ids.length, id, 'a row was never offered');
      },
    ),
    { numRuns: 100 },
  );
});

test('rows that wait are offered most urgent first', async () => {
  const bench = new Bench(1_000);
  for (let id = 1; id <= 30; id += 1)
    bench.stored.push({ id, seq: id, lane: lanes[id % lanes.length] ?? -2 });
  bench.feed.restart();
  await bench.finishLoads();
  const ordered = [...bench.offered].sort((a, b) => (before(a, b) ? -1 : 1));
  assert.deepEqual(bench.offered, ordered);
});

test('an urgent row does not wait for room', async () => {
  const bench = new Bench(1);
  bench.feed.restart();
  await bench.finishLoads();
  bench.arrive({ id: 1, seq: 1, lane: -2 });
  bench.arrive({ id: 2, seq: 2, lane: -2 });
  bench.arrive({ id: 3, seq: 3, lane: 4 });
  assert.deepEqual(
    bench.offered.map((row) => row.id),
    [1, 3],
  );
});

test('where all sinks together hold too much, one row at a time is read and offered, and what is urgent at once', async () => {
  const bench = new Bench(10);
  bench.isCrowded = true;
  for (let id = 1; id <= 20; id += 1) bench.stored.push({ id, seq: id, lane: 0 });
  bench.feed.restart();
  await bench.finishLoads();
  assert.deepEqual([bench.inSink, bench.largestPage], [1, 1]);
  bench.arrive({ id: 21, seq: 21, lane: 4 });
  assert.equal(bench.inSink, 2);
  bench.take();
  bench.take();
  await bench.finishLoads();
  assert.equal(bench.inSink, 1);
});

test('what was written to a session that is away is not offered again when it returns', async () => {
  const bench = new Bench(10);
  bench.feed.restart();
  await bench.finishLoads();
  bench.arrive({ id: 1, seq: 1, lane: 0 });
  bench.feed.pause();
  bench.arrive({ id: 2, seq: 2, lane: 0 });
  bench.feed.resume();
  await bench.finishLoads();
  assert.deepEqual(
    bench.offered.map((row) => row.id),
    [1, 2],
  );
});

test('a page that could not be read is asked for again after a while', async () => {
  const offered: number[] = [];
  const reported: unknown[] = [];
  const later: (() => void)[] = [];
  let failures = 2;
  const feed = new Feed<Row>({
    load: () =>
      failures-- > 0
        ? Promise.reject(new Error('the disk failed'))
        : Promise.resolve([{ id: 1, lane: 0, seq: 1 }]),
    key: (row) => String(row.id),
    hasRoom: () => true,
    offer: (row) => offered.push(row.id),
    clock: { after: (_delayMs, run) => (later.push(run), () => undefined) },
    report: (error) => reported.push(error),
  });
  feed.reread();
  for (let turn = 0; turn < 3; turn++) {
    await new Promise(setImmediate);
    // Nothing is asked of a failing store in between.
    feed.pump();
    later.shift()?.();
  }
  await new Promise(setImmediate);
  assert.deepEqual([offered, reported.length, later.length], [[1], 2, 0]);
});
