// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Precedence } from '@sealpost/protocol';
import { MailboxRates, SendingRates } from './sending-rates.ts';

const { flash, immediate, priority, routine, override } = Precedence;
const few = { perSecond: 1, burst: 2 };

function lanes(rates: SendingRates, sender: string, wanted: Precedence, count: number) {
  return Array.from({ length: count }, () => {
    const lane = rates.admit(sender, wanted, 0);
    return lane.ok ? lane.value : lane.refusal.code;
  });
}

test('[DELIV-4] what is too much of an urgent lane goes a step lower each, and what is too much at all is refused', () => {
  const rates = new SendingRates({ flash: few, immediate: few, messages: few });
  assert.deepEqual(lanes(rates, 'alarm', flash, 7), [
    flash,
    flash,
    immediate,
    immediate,
    priority,
    priority,
    'rate-limited',
  ]);
});

test('routine mail uses up nothing of what is urgent', () => {
  const rates = new SendingRates({ flash: few, immediate: few, messages: few });
  assert.deepEqual(lanes(rates, 'a', routine, 3), [routine, routine, 'rate-limited']);
  assert.deepEqual(lanes(rates, 'a', override, 1), [override]);
});

test('a mailbox is called urgently only so often by one domain, and another domain’s alarms pass all the same', () => {
  const rates = new MailboxRates({ flash: few, immediate: few });
  const called = Array.from({ length: 5 }, () => rates.lower('desk', 'loud.test', flash, 0));
  assert.deepEqual(called, [flash, flash, immediate, immediate, priority]);
  assert.equal(rates.lower('desk', 'home.test', flash, 0), flash);
  assert.equal(rates.lower('other desk', 'loud.test', flash, 0), flash);
});

test('a refusal says when to come back', () => {
  const rates = new SendingRates({ flash: few, immediate: few, messages: few });
  lanes(rates, 'a', routine, 2);
  const refused = rates.admit('a', routine, 250);
  assert.ok(!refused.ok && refused.refusal.retryAfterSeconds === 0.75);
});
