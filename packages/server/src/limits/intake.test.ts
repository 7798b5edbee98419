// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Precedence, accept, type Address, type Haste } from '@sealpost/protocol';
import { FakeClock } from '@sealpost/testing';
import { Intake } from './intake.ts';
import { domainLimits, type MessageRates } from './limits.ts';

const alarm = 'alarm@home.test' as Address;
const desk = 'desk@home.test' as Address;
const { flash, override, routine } = Precedence;

test('what found no room has not used up the lane of who sends it again', () => {
  const unlimited = { perSecond: Infinity, burst: Infinity };
  const rates: MessageRates = { total: unlimited, lanes: new Map([[flash, { perSecond: 0.001, burst: 2 }]]) };
  const limits = { ...domainLimits, roomMessagesMax: 2, accountRates: rates, mailboxRates: rates };
  const intake = new Intake({ limits, clock: new FakeClock(), random: () => 0 });
  const others = [1, 2].map(() => intake.room.enter(override, 1, 'eve@home.test'));
  const send = () => intake.fromAccount(alarm, { mailbox: desk, wanted: flash, bytes: 1 });
  for (let n = 0; n < 5; n += 1) assert.equal(send().ok, false);
  for (const place of others) if (place.ok) place.value.leave();
  const taken = send();
  assert.ok(taken.ok);
  assert.equal(taken.value.lane, flash);
});

test('an urgent seal is made at once; another waits for its turn, and is told when to come back if that does not come', async () => {
  const clock = new FakeClock();
  const intake = new Intake({ limits: { ...domainLimits, sealsMax: 1 }, clock, random: () => 0.5 });
  const hastes: Haste[] = [];
  const work = async (haste: Haste) => accept(hastes.push(haste));
  const busy = Promise.withResolvers<void>();
  const first = intake.seal(routine, async () => accept(await busy.promise));
  const waiting = intake.seal(routine, work);
  assert.equal((await intake.seal(flash, work)).ok, true);
  assert.deepEqual(hastes, ['at-once']);
  clock.advance(domainLimits.sealWaitMsMax + 1);
  busy.resolve();
  assert.equal((await first).ok, true);
  const late = await waiting;
  assert.ok(!late.ok);
  assert.equal(late.refusal.code, 'overloaded');
  assert.ok((late.refusal.retryAfterSeconds ?? 0) > 0);
  assert.deepEqual(hastes, ['at-once']);
});
