// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Event, type Address, type MessageId, type Statement } from '@sealpost/protocol';
import { describe, noticesFor } from './notices.ts';

const all = Object.values(Event);

test('[DELIV-11] the sender is told what it asked for, and failure', () => {
  assert.deepEqual(noticesFor([Event.delivered], false, [Event.relayed, Event.delivered]), [Event.delivered]);
  assert.deepEqual(noticesFor([], false, [Event.lapsed]), [Event.lapsed]);
  assert.deepEqual(noticesFor([], false, [Event.delivered]), []);
});

test('[DELIV-11] a sender that asked for silence hears only what it asked for', () => {
  assert.deepEqual(noticesFor([], true, [Event.lapsed]), []);
  assert.deepEqual(noticesFor([Event.lapsed], true, [Event.lapsed]), [Event.lapsed]);
});

test('who asks whether it was acknowledged is told when it was declined', () => {
  assert.deepEqual(noticesFor([Event.acknowledged], true, [Event.declined]), [Event.declined]);
});

test('nothing is told that did not happen', () => {
  const events = fc.uniqueArray(fc.constantFrom(...all));
  fc.assert(
    fc.property(events, events, fc.boolean(), (ask, happened, quiet) => {
      for (const event of noticesFor(ask, quiet, happened)) assert.ok(happened.includes(event));
    }),
  );
});

test('[DELIV-12] evidence reads as one line', () => {
  const statement: Statement = {
    events: [Event.lapsed],
    digest: new Uint8Array(32),
    id: '01890000-0000-7000-8000-000000000000' as MessageId,
    recipient: 'desk@fire.test' as Address,
    observedAt: 1_764_000_000,
    reason: 'attempts',
    nonce: new Uint8Array(16),
  };
  assert.equal(describe(Event.lapsed, statement), 'lapsed: desk@fire.test, 2025-11-24T16:00:00Z, attempts');
});
