// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event, Precedence, newMessageId, type Haste, type Statement } from '@sealpost/protocol';
import { nodeCrypto } from '@sealpost/identity/node';
import { GroupCommit, type Written } from './group-commit.ts';
import type { Transition } from './transition.ts';

const digest = new Uint8Array(32);

/** A step that carries evidence. */
function step(lane: Precedence): Transition {
  const id = newMessageId(Date.now(), nodeCrypto.randomBytes(10));
  return {
    kind: 'end',
    holder: 'desk@fire.test',
    id,
    state: 8,
    evidence: { id, digest, events: [Event.fetched], reason: String(lane) } as unknown as Statement,
  } as unknown as Transition;
}

function laneOf({ transition }: Written): number {
  return 'evidence' in transition ? Number(transition.evidence.reason) : NaN;
}

/** A store that writes when the test says so, and a pool that signs when it does. */
function fixture() {
  const batches: { lanes: number[]; done(written?: number): void }[] = [];
  const hurried = { times: 0 };
  const pool: (() => void)[] = [];
  const hastes: Haste[] = [];
  const written = { wake: (): void => undefined };
  const commits = new GroupCommit({
    write: (batch) =>
      new Promise((resolve) => {
        batches.push({
          lanes: batch.map(laneOf),
          done: (count = batch.length) =>
            resolve(batch.map((_, index) => (index < count ? ({ kind: 'applied' } as never) : undefined))),
        });
        written.wake();
      }),
    hurry: () => (hurried.times += 1),
    sign: (_statement, haste) => {
      hastes.push(haste);
      const { promise, resolve } = Promise.withResolvers<Uint8Array>();
      if (haste === 'at-once') resolve(digest);
      else pool.push(() => resolve(digest));
      return promise;
    },
  });
  return {
    commits,
    hastes,
    hurried,
    signAll: () => pool.splice(0).forEach((sign) => sign()),
    async nextBatch() {
      while (batches.length === 0) await new Promise<void>((resolve) => (written.wake = resolve));
      return batches.shift()!;
    },
  };
}

test('what is urgent is signed at once and does not wait until the others of its batch are', async () => {
  const { commits, hastes, signAll, nextBatch } = fixture();
  const routine = [1, 2, 3].map(() => commits.commit(step(Precedence.routine), Precedence.routine));
  const flash = commits.commit(step(Precedence.flash), Precedence.flash);
  const first = await nextBatch();
  assert.deepEqual(first.lanes, [Precedence.flash]);
  assert.deepEqual(hastes, ['in-turn', 'in-turn', 'in-turn', 'at-once']);
  first.done();
  await flash;
  signAll();
  const second = await nextBatch();
  assert.deepEqual(second.lanes, Array(3).fill(Precedence.routine));
  second.done();
  await Promise.all(routine);
});

test('a batch that is full for others has room for what is urgent', async () => {
  const { commits, signAll, nextBatch } = fixture();
  const first = commits.commit(step(Precedence.routine), Precedence.routine);
  signAll();
  const writing = await nextBatch();
  const waiting = Array.from({ length: 200 }, () =>
    commits.commit(step(Precedence.routine), Precedence.routine),
  );
  const flash = commits.commit(step(Precedence.flash), Precedence.flash);
  signAll();
  writing.done();
  await first;
  const next = await nextBatch();
  assert.equal(next.lanes[0], Precedence.flash);
  next.done();
  await flash;
  for (let left = waiting.length - (next.lanes.length - 1); left > 0;) {
    signAll();
    const batch = await nextBatch();
    left -= batch.lanes.length;
    batch.done();
  }
  await Promise.all(waiting);
});

test('the batch in front of something urgent is cut short, and what it left undone is written again in its order', async () => {
  const { commits, signAll, hurried, nextBatch } = fixture();
  const lanes = [Precedence.priority, Precedence.priority, Precedence.routine, Precedence.deferred];
  const answered: number[] = [];
  const note = (lane: number) => (): void => void answered.push(lane);
  const others = lanes.map((lane) => commits.commit(step(lane), lane).then(note(lane)));
  signAll();
  const cut = await nextBatch();
  assert.equal(hurried.times, 0);
  const flash = commits.commit(step(Precedence.flash), Precedence.flash).then(note(Precedence.flash));
  await new Promise(setImmediate);
  assert.equal(hurried.times, 1);
  cut.done(1);
  const next = await nextBatch();
  assert.deepEqual(next.lanes, [Precedence.flash, ...lanes.slice(1)]);
  next.done();
  await Promise.all([flash, ...others]);
  assert.deepEqual(answered, [Precedence.priority, Precedence.flash, ...lanes.slice(1)]);
});

test('few go along with what is urgent, and they do go on however much of it there is', async () => {
  const { commits, signAll, nextBatch } = fixture();
  const begin = commits.commit(step(Precedence.routine), Precedence.routine);
  signAll();
  const first = await nextBatch();
  const routine = Array.from({ length: 40 }, () =>
    commits.commit(step(Precedence.routine), Precedence.routine),
  );
  let left = routine.length;
  signAll();
  let writing = first;
  for (let n = 0; left > 0; n += 1) {
    assert.ok(n <= routine.length, 'nothing but what is urgent is written');
    const flash = commits.commit(step(Precedence.flash), Precedence.flash);
    await new Promise(setImmediate);
    writing.done();
    writing = await nextBatch();
    const [head, ...rest] = writing.lanes;
    assert.equal(head, Precedence.flash);
    assert.ok(rest.length > 0 && rest.length < 20, `${rest.length} go along`);
    left -= rest.length;
    if (left === 0) writing.done();
    else void flash;
  }
  await Promise.all([begin, ...routine]);
});

test('answers are given in pieces, what is urgent first, so that each is not the work of all', async () => {
  const { commits, signAll, nextBatch } = fixture();
  const turns: string[][] = [[]];
  const commit = (lane: Precedence) =>
    commits.commit(step(lane), lane).then(() => turns.at(-1)?.push(String(lane)));
  const first = commit(Precedence.routine);
  signAll();
  const writing = await nextBatch();
  const all = Array.from({ length: 60 }, () => commit(Precedence.routine));
  signAll();
  await new Promise(setImmediate);
  writing.done();
  await first;
  const batch = await nextBatch();
  turns.push([]);
  batch.done();
  while (turns.flat().length < 61) {
    await new Promise(setImmediate);
    turns.push([]);
  }
  assert.ok(turns.every((turn) => turn.length <= 16));
  await Promise.all(all);
});

test('batches are small while urgent messages come, and large again after', async () => {
  const { commits, signAll, nextBatch } = fixture();
  const all: Promise<unknown>[] = [commits.commit(step(Precedence.flash), Precedence.flash)];
  const sizes: number[] = [];
  for (let n = 0; n < 275; n += 1) {
    const batch = await nextBatch();
    sizes.push(batch.lanes.length);
    for (let k = 0; k < batch.lanes.length + 40; k += 1)
      if (all.length < 6_000) all.push(commits.commit(step(Precedence.routine), Precedence.routine));
    signAll();
    await new Promise(setImmediate);
    batch.done();
  }
  const [first = 0, second = 0] = sizes;
  assert.equal(first, 1);
  assert.ok(second <= 16 && Math.max(...sizes.slice(0, 250)) <= 16);
  assert.ok(Math.max(...sizes.slice(260)) > 16, String(sizes.slice(250)));
});
