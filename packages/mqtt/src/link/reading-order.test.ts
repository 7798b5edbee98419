// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { ReadingOrder, ReadingPast, type Reads } from './reading-order.ts';

/** Turns that the test takes, and time that passes with every packet. */
function fixture(packetMs: number) {
  let nowMs = 0;
  let next: (() => void) | undefined;
  const order = new ReadingOrder(
    (run) => (next = run),
    () => nowMs,
  );
  const read: string[] = [];
  class Stream implements Reads {
    readonly past = new ReadingPast();
    packets = 0;
    isResting = false;
    readonly name: string;
    constructor(name: string) {
      this.name = name;
    }
    /** So many packets more have arrived. */
    give(packets: number): void {
      this.packets += packets;
      order.read(this);
    }
    readSome(packetsMax: number): boolean {
      for (let left = packetsMax; left > 0 && this.packets > 0; left -= 1) {
        this.packets -= 1;
        nowMs += packetMs;
        read.push(this.name);
      }
      this.isResting = this.packets > 0;
      return this.packets > 0;
    }
    rest(): void {
      this.isResting = true;
    }
  }
  return {
    stream: (name: string) => new Stream(name),
    /** What was read since the last call. */
    read: () => read.splice(0),
    /** False: nobody waits for a turn. */
    turn(): boolean {
      const run = next;
      next = undefined;
      run?.();
      return run !== undefined;
    },
  };
}

test('who is alone reads at once, and in pieces what is much', () => {
  const { stream, read, turn } = fixture(0.001);
  const quiet = stream('quiet');
  quiet.give(1);
  assert.deepEqual(read(), ['quiet']);
  quiet.give(1000);
  assert.ok(read().length < 100);
  assert.equal(quiet.isResting, true);
  while (turn());
  assert.deepEqual([quiet.packets, quiet.isResting], [0, false]);
});

test('a message waits for one round of the others, however much they have sent', () => {
  const { stream, read, turn } = fixture(0.02);
  const flooding = Array.from({ length: 100 }, (_, n) => stream(`flood ${n}`));
  for (const each of flooding) each.give(10_000);
  read();
  const quiet = stream('quiet');
  quiet.give(1);
  const before: string[] = [];
  while (!before.includes('quiet') && turn()) before.push(...read());
  assert.ok(before.indexOf('quiet') <= flooding.length, `after ${before.indexOf('quiet')} others`);
});

test('a turn ends when its time is over, and who was not read in it is the first in the next', () => {
  const { stream, read, turn } = fixture(0.4);
  stream('first').give(3);
  read();
  for (const name of ['a', 'b', 'c', 'd', 'e']) stream(name).give(1);
  const turns: string[] = [];
  while (turn()) turns.push(read().join(''));
  assert.deepEqual(turns, ['abc', 'de', '']);
});

test('who has been read little lately is read before all that have been read much', () => {
  const { stream, read, turn } = fixture(0.2);
  const quiet = stream('quiet');
  quiet.give(1);
  const flooding = Array.from({ length: 20 }, (_, n) => stream(`flood ${n}`));
  for (let n = 0; n < 100; n += 1) {
    for (const each of flooding) each.give(10);
    turn();
  }
  read();
  quiet.give(1);
  turn();
  assert.equal(read()[0], 'quiet');
});

test('who is read most is read all the same, while others keep coming that were read less', () => {
  const { stream, read, turn } = fixture(0.3);
  const heavy = stream('heavy');
  heavy.give(100_000);
  for (let n = 0; n < 100; n += 1) turn();
  read();
  let before = 0;
  for (let n = 0; n < 200 && !read().includes('heavy'); n += 1) {
    for (let k = 0; k < 5; k += 1) stream(`light ${n} ${k}`).give(1);
    turn();
    before = n;
  }
  assert.ok(before < 20, `not read in ${before} turns`);
});

test('a flood is forgotten after some seconds', () => {
  const past = new ReadingPast();
  past.add(400, 1_000);
  assert.equal(past.level(1_000), 9);
  assert.ok(past.level(4_000) < past.level(2_000));
  assert.equal(past.level(11_000), 0);
});

test('time is counted over all streams: a turn whose time is over reads nobody at once', () => {
  const { stream, read, turn } = fixture(5);
  stream('slow').give(1);
  const late = stream('late');
  late.give(1);
  assert.deepEqual([read(), late.isResting], [['slow'], true]);
  turn();
  assert.deepEqual([read(), late.isResting], [['late'], false]);
});

test('without turns, as in a browser, everything is read at once', () => {
  const order = new ReadingOrder(null, () => 0);
  let asked = 0;
  order.read({
    past: new ReadingPast(),
    readSome(packetsMax) {
      asked = packetsMax;
      return false;
    },
    rest: () => assert.fail('there is no next turn'),
  });
  assert.equal(asked, Infinity);
});
