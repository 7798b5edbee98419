// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Precedence, type Address, type Domain } from '@sealpost/protocol';
import { grantedCeiling, type Account, type Grant } from './account.ts';

const alarm = 'kitchen-alarm@home.test' as Address;

function desk(...grants: Grant[]): Account {
  return {
    address: 'desk@fire.test' as Address,
    kind: 'role',
    ceiling: Precedence.flash,
    grants,
    passwords: [],
  };
}

test('[DELIV-4] nobody granted anything travels as priority at most', () => {
  assert.equal(grantedCeiling(desk(), alarm, 'device'), Precedence.priority);
});

test('[DELIV-4] a grant to devices lifts every device, and no person', () => {
  const mailbox = desk({ upTo: Precedence.flash, kind: 'device' });
  assert.equal(grantedCeiling(mailbox, alarm, 'device'), Precedence.flash);
  assert.equal(grantedCeiling(mailbox, alarm, 'person'), Precedence.priority);
});

test('[DELIV-4] a grant names one address, or every address of a domain', () => {
  const byAddress = desk({ upTo: Precedence.immediate, from: alarm });
  const byDomain = desk({ upTo: Precedence.immediate, from: 'home.test' as Domain });
  for (const mailbox of [byAddress, byDomain])
    assert.equal(grantedCeiling(mailbox, alarm, 'device'), Precedence.immediate);
  const other = 'kitchen-alarm@home.test.example' as Address;
  for (const mailbox of [byAddress, byDomain])
    assert.equal(grantedCeiling(mailbox, other, 'device'), Precedence.priority);
});

test('a grant below the default takes nothing away', () => {
  assert.equal(grantedCeiling(desk({ upTo: Precedence.deferred }), alarm, 'device'), Precedence.priority);
});
