// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { Event, type MessageId } from '@sealpost/protocol';
import {
  FakeClock,
  handOver,
  lapse,
  offer,
  sampleAcceptance,
  sampleNow,
  sampleRecipient,
  sampleRelay,
  sampleSender,
  sampleStatement,
} from '@sealpost/testing';
import type { Acceptance, Store } from '@sealpost/testing';
import type { Pruning } from '../src/custody/custody.ts';
import { Housekeeping } from '../src/custody/housekeeping.ts';
import { evidenceKeptSeconds, submissionKeptSeconds } from '../src/custody/pruner.ts';
import { openAt, scratchDirectory } from './custody-place.ts';

async function pruneAll(custody: Pruning, nowSeconds: number): Promise<number> {
  let deleted = 0;
  for (let isLast = false; !isLast;) {
    const step = await custody.prune(nowSeconds);
    deleted += step.deleted;
    isLast = step.isLast;
  }
  return deleted;
}

async function evidenceOf(custody: Store, id: MessageId): Promise<number> {
  return (await custody.timeline(sampleSender, id)).length;
}

/** When the sample's lifetime has been over for as long as evidence is kept. */
const thirteenMonths = sampleNow + 3600 + evidenceKeptSeconds;

test('what is over is forgotten after 13 months, with its evidence; what is not, or has content, stays', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  const lapsed = sampleAcceptance({ notices: [Event.delivered] });
  const ended = sampleRelay();
  const taken = sampleAcceptance();
  const waiting = sampleAcceptance();
  const doubtful = sampleRelay();
  for (const message of [lapsed, ended, taken, waiting, doubtful]) await custody.commit(message);
  await custody.commit(lapse(lapsed, { report: 'city.test' }));
  await custody.commit(handOver(taken));
  await custody.commit(offer(doubtful));
  await custody.commit({
    kind: 'finish',
    holder: ended.holder,
    id: ended.id,
    from: [3],
    outcome: Event.relayFailed,
    evidence: sampleStatement(ended, [Event.relayFailed]),
    notices: [],
  });
  assert.equal(await pruneAll(custody, thirteenMonths - 3601), 0);
  assert.equal(await evidenceOf(custody, lapsed.id), 2);
  assert.equal((await custody.notices(sampleSender, 9)).length, 1);
  await pruneAll(custody, thirteenMonths);
  for (const { holder, id } of [lapsed, ended]) {
    assert.equal(await custody.stored(holder, id), undefined);
    assert.equal(await evidenceOf(custody, id), 0);
  }
  assert.deepEqual(await custody.notices(sampleSender, 9), []);
  assert.deepEqual(await custody.reports('city.test', 9), []);
  for (const { holder, id, body } of [taken, waiting, doubtful]) {
    assert.deepEqual(Buffer.from((await custody.stored(holder, id))?.body ?? []), body);
    assert.ok((await evidenceOf(custody, id)) > 0);
  }
});

test('evidence that came late keeps its message for 13 months from then', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  const message = sampleRelay();
  await custody.commit(message);
  const late = sampleNow + 100 * 86_400;
  const admit = {
    issuer: message.issuer,
    id: message.id,
    recipient: message.audience,
    digest: message.digest,
  };
  await custody.commit({
    kind: 'admit',
    ...admit,
    events: [Event.relayed, Event.delivered],
    signed: Buffer.from('their word'),
    observedAt: late,
    notices: [],
  });
  assert.equal(await pruneAll(custody, thirteenMonths), 0);
  assert.equal(await pruneAll(custody, late + evidenceKeptSeconds), 1);
});

test('what was relayed and has no outcome yet is owed one, and is not forgotten before', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  const message = sampleRelay();
  const { id, issuer, audience: recipient, digest, holder } = message;
  await custody.commit(message);
  const theirs = { issuer, id, recipient, digest, signed: Buffer.from('their word'), observedAt: sampleNow };
  await custody.commit({ kind: 'admit', ...theirs, events: [Event.relayed], notices: [] });
  assert.equal((await custody.stored(holder, id))?.state, 5);
  assert.equal(await pruneAll(custody, thirteenMonths), 0);
  await custody.commit({
    kind: 'finish',
    holder,
    id,
    from: [5],
    outcome: Event.unconfirmed,
    evidence: sampleStatement(message, [Event.unconfirmed]),
    notices: [],
  });
  assert.equal(await pruneAll(custody, thirteenMonths), 1);
});

test('the answer to a repeated submission is kept for 31 days', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  const submission = { clientId: 'sensor', packetId: 1, contentHash: Buffer.alloc(32, 1) };
  await custody.commit(sampleAcceptance({ submission }));
  assert.equal(await pruneAll(custody, sampleNow + submissionKeptSeconds - 1), 0);
  assert.notEqual(await custody.submission(sampleSender, 'sensor', 1), undefined);
  assert.equal(await pruneAll(custody, sampleNow + submissionKeptSeconds), 1);
  assert.equal(await custody.submission(sampleSender, 'sensor', 1), undefined);
});

test('a step takes a few rows, and many steps take all', async (t) => {
  const custody = await openAt(scratchDirectory(t));
  const messages: Acceptance[] = Array.from({ length: 200 }, () => sampleAcceptance());
  await Promise.all(messages.map((message) => custody.commit(message)));
  await Promise.all(messages.map((message) => custody.commit(lapse(message))));
  const kept = sampleAcceptance({ expires: sampleNow + 7200 });
  await custody.commit(kept);
  let deleted = 0;
  for (let isLast = false; !isLast;) {
    const step = await custody.prune(thirteenMonths);
    assert.ok(step.deleted <= 64, `${step.deleted} in one step`);
    deleted += step.deleted;
    isLast = step.isLast;
  }
  assert.equal(deleted, 200);
  assert.equal((await custody.waiting(sampleRecipient, 9)).length, 1);
});

test('housekeeping starts late, pauses between steps, comes again and can be stopped', async () => {
  const clock = new FakeClock(sampleNow * 1000);
  const asked: number[] = [];
  let forgotten = 0;
  const housekeeping = new Housekeeping({
    clock,
    certificates: { forget: async () => void (forgotten += 1) },
    report: assert.fail,
    custody: {
      async prune(nowSeconds) {
        asked.push(nowSeconds - sampleNow);
        return { deleted: 1, isLast: asked.length === 2 };
      },
    },
  });
  housekeeping.start();
  for (const ms of [59_999, 1, 100, 6 * 3_600_000]) {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(asked, [60, 60, 60 + 6 * 3600]);
  assert.equal(forgotten, 1);
  await housekeeping.stop();
  clock.advance(24 * 3_600_000);
  assert.equal(asked.length, 3);
});
