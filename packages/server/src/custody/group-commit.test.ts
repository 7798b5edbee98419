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
  const batches: { lanes: number[]; done(): void }[] = [];
  const pool: (() => void)[] = [];
  const hastes: Haste[] = [];
  const written = { wake: (): void => undefined };
  const commits = new GroupCommit({
    write: (batch) =>
      new Promise((resolve) => {
        batches.push({
          lanes: batch.map(laneOf),
          done: () => resolve(batch.map(() => ({ kind: 'applied' }) as never)),
        });
        written.wake();
      }),
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
