// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Precedence } from '@sealpost/protocol';
import { handOver, sampleAcceptance, smallTmpfs } from '@sealpost/testing';
import { closeAll, openAt, scratchDirectory } from './custody-place.ts';

const mebibyte = 1024 * 1024;

test('queues are counted by lane, with the age of the oldest, and no further than the limit', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  assert.deepEqual(await custody.queued(10), []);
  const first = sampleAcceptance({ lane: Precedence.flash });
  const others = Array.from({ length: 3 }, () => sampleAcceptance({ lane: Precedence.routine }));
  const forPeer = sampleAcceptance({ lane: Precedence.routine, state: 3, holder: '@fire.test' });
  for (const message of [first, ...others, forPeer]) await custody.commit(message);
  const counted = new Set((await custody.queued(10)).map((row) => `${row.queue} ${row.lane} ${row.count}`));
  assert.deepEqual(counted, new Set(['mailbox 4 1', 'mailbox -2 3', 'peer -2 1']));
  const flash = (await custody.queued(10)).find(({ lane }) => lane === Precedence.flash);
  assert.equal(flash?.since, first.evidence.observedAt);
  await custody.commit(handOver(first));
  assert.ok((await custody.queued(10)).every(({ lane }) => lane === Precedence.routine));
  const limited = (await custody.queued(2)).filter(({ queue }) => queue === 'mailbox');
  assert.deepEqual(
    limited.map(({ count }) => count),
    [2],
  );
});

test('what an operator asks does not wait behind what clients ask', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  const message = sampleAcceptance();
  await custody.commit(message);
  const answered: string[] = [];
  const note = (name: string) => (): void => void answered.push(name);
  const others = Array.from({ length: 200 }, () =>
    custody.stored(message.holder, message.id).then(note('client')),
  );
  const own = [custody.owed(1).then(note('operator')), custody.queued(1).then(note('operator'))];
  await Promise.all([...others, ...own]);
  assert.ok(answered.lastIndexOf('operator') < 10, `after ${answered.lastIndexOf('operator')} others`);
});

test('a probe tells a disk with room from a full one, before and after', async (t) => {
  const disk = smallTmpfs(t, 48, closeAll);
  if (disk === undefined) return;
  const room = { spareBytes: 8 * mebibyte, keptBytes: 4 * mebibyte };
  const custody = await openAt(disk.directory, { room });
  assert.equal(await custody.probe(), true);
  disk.fill();
  assert.equal(await custody.probe(), false);
  assert.equal((await custody.commit(sampleAcceptance())).kind, 'refused');
  disk.empty();
  assert.equal(await custody.probe(), true);
  assert.equal((await custody.commit(sampleAcceptance())).kind, 'applied');
});
