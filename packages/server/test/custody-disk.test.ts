// SPDX-License-Identifier: Apache-2.0
// Custody on file systems that are really full, or really read-only.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import test from 'node:test';
import { handOver, lapse, sampleAcceptance, sampleRecipient, smallExt4, smallTmpfs } from '@sealpost/testing';
import type { Acceptance, Store } from '@sealpost/testing';
import { closeAll, openAt } from './custody-place.ts';

const mebibyte = 1024 * 1024;
/** No margin: it is the write itself that fails. */
const room = { spareBytes: 0, keptBytes: 16 * mebibyte };
const refused = { kind: 'refused', code: 'storage-full' };

function large(): Acceptance {
  return sampleAcceptance({ body: Buffer.alloc(20_000, 1) });
}

async function count(custody: Store): Promise<number> {
  const counts = await custody.outcomes();
  return counts.reduce((sum, one) => sum + one.count, 0);
}

interface Answered {
  readonly accepted: Acceptance[];
  readonly refused: Acceptance[];
}

/** Accepts in batches of sixteen until something is refused; every answer is one of the two that a sender may get. */
async function acceptUntilRefused(custody: Store): Promise<Answered> {
  const answered: Answered = { accepted: [], refused: [] };
  while (answered.refused.length === 0) {
    const batch = Array.from({ length: 16 }, large);
    const results = await Promise.all(batch.map((message) => custody.commit(message)));
    for (const [index, result] of results.entries()) {
      if (result.kind !== 'applied') assert.deepEqual(result, refused);
      (result.kind === 'applied' ? answered.accepted : answered.refused).push(batch[index] as Acceptance);
    }
  }
  return answered;
}

async function assertNothingOf(custody: Store, messages: readonly Acceptance[]): Promise<void> {
  for (const { holder, id, issuer } of messages) {
    assert.equal(await custody.stored(holder, id), undefined);
    assert.deepEqual(await custody.timeline(issuer, id), []);
  }
}

test('a disk with little room takes nothing new, and everything that was taken is finished', async (t) => {
  const disk = smallTmpfs(t, 48, closeAll);
  if (disk === undefined) return;
  const custody = await openAt(disk.directory, {
    room: { spareBytes: 20 * mebibyte, keptBytes: 4 * mebibyte },
  });
  const answered = await acceptUntilRefused(custody);
  assert.equal(await count(custody), answered.accepted.length);
  await assertNothingOf(custody, answered.refused);
  const [one, other, third, ...rest] = answered.accepted as [Acceptance, Acceptance, Acceptance, Acceptance];
  const mixed = await Promise.all(
    [large(), handOver(one), handOver(other)].map((each) => custody.commit(each)),
  );
  assert.deepEqual(
    mixed.map(({ kind }) => kind),
    ['refused', 'applied', 'applied'],
  );
  assert.equal((await custody.commit(lapse(third))).kind, 'applied');
  for (const message of rest)
    assert.equal((await custody.commit(handOver(message, { report: 'city.test' }))).kind, 'applied');
  assert.deepEqual(await custody.commit(large()), refused, 'the room is kept for that');
  disk.remount('size=96m');
  const [repeated] = answered.refused as [Acceptance];
  assert.equal((await custody.commit(repeated)).kind, 'applied', 'there is room again');
});

test('a disk without any room: nothing is lost or stored by half, and it goes on without a restart', async (t) => {
  const disk = smallTmpfs(t, 48, closeAll);
  if (disk === undefined) return;
  const custody = await openAt(disk.directory, { room });
  const answered = await acceptUntilRefused(custody);
  for (let round = 0; round < 20; round++) {
    const late = large();
    const { kind } = await custody.commit(late);
    (kind === 'applied' ? answered.accepted : answered.refused).push(late);
  }
  await assertNothingOf(custody, answered.refused);
  const page = await custody.waiting(sampleRecipient, 4);
  assert.ok(
    page.every(({ body }) => body?.length === 20_000),
    'reading goes on',
  );
  for (const message of answered.accepted)
    assert.equal(
      (await custody.commit(handOver(message))).kind,
      'applied',
      'it has its place in the kept room',
    );
  disk.remount('size=96m');
  assert.equal((await custody.commit(large())).kind, 'applied');
  await custody.close();
  const again = await openAt(disk.directory, { room });
  for (const { holder, id } of answered.accepted) assert.equal((await again.stored(holder, id))?.state, 7);
  assert.equal(await count(again), answered.accepted.length + 1);
});

test('somebody else fills the disk: hand-overs go on in the room that is kept, also after a restart', async (t) => {
  const disk = smallTmpfs(t, 48, closeAll);
  if (disk === undefined) return;
  const custody = await openAt(disk.directory, { room });
  const messages = Array.from({ length: 300 }, () => sampleAcceptance());
  for (const message of messages) assert.equal((await custody.commit(message)).kind, 'applied');
  disk.fill();
  for (const message of messages.slice(0, 200))
    assert.equal((await custody.commit(handOver(message))).kind, 'applied');
  assert.deepEqual(await custody.commit(large()), refused);
  disk.empty();
  assert.equal((await custody.commit(large())).kind, 'applied', 'without a restart');
  await custody.close();
  disk.fill();
  const again = await openAt(disk.directory, { room });
  for (const message of messages.slice(200))
    assert.equal((await again.commit(handOver(message))).kind, 'applied');
  assert.deepEqual(await again.commit(large()), refused);
});

test('a file system that goes read-only under the store: new mail is refused, reading goes on', async (t) => {
  const disk = smallExt4(t, 64, closeAll);
  if (disk === undefined) return;
  const custody = await openAt(disk.directory, { room });
  const kept = large();
  await custody.commit(kept);
  disk.failOnce();
  const late = large();
  assert.deepEqual(await custody.commit(late), refused);
  assert.deepEqual(await custody.commit(handOver(kept)), refused);
  assert.equal((await custody.stored(kept.holder, kept.id))?.state, 6);
  await assertNothingOf(custody, [late]);
});

test('a store on a read-only file system is not opened, with one sentence, and is whole afterwards', async (t) => {
  const disk = smallTmpfs(t, 24, closeAll);
  if (disk === undefined) return;
  const custody = await openAt(disk.directory, { room });
  const kept = large();
  await custody.commit(kept);
  assert.throws(() => disk.remount('ro'), /busy/, 'the kernel does not do that to open files');
  await custody.close();
  disk.remount('ro');
  const before = readdirSync(disk.directory);
  await assert.rejects(openAt(disk.directory), {
    code: 'store-read-only',
    message: /read-only: make it writable/,
  });
  assert.deepEqual(readdirSync(disk.directory), before);
  disk.remount('rw');
  const again = await openAt(disk.directory, { room });
  assert.equal((await again.stored(kept.holder, kept.id))?.state, 6);
});
