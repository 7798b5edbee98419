// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Precedence, type Address } from '@sealpost/protocol';
import { FakeClock } from '@sealpost/testing';
import { Intake } from './intake.ts';
import { domainLimits, type MessageRates } from './limits.ts';

const alarm = 'alarm@home.test' as Address;
const desk = 'desk@home.test' as Address;
const { flash, override } = Precedence;

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
