// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event, Precedence } from '@sealpost/protocol';
import { draftOf } from './outbound.ts';
import type { Outbound } from './outbound.ts';

const minimal: Outbound = { to: 'Desk@Fire.Test', body: 'Smoke' };

test('defaults are filled in and the address is made canonical', () => {
  const draft = draftOf(minimal);
  assert.ok(draft.ok);
  assert.equal(draft.value.to, 'desk@fire.test');
  assert.equal(draft.value.precedence, Precedence.routine);
  assert.equal(draft.value.lifetimeSeconds, 7 * 86_400);
  assert.equal(draft.value.contentType, 'text/plain;charset=utf-8');
  assert.equal(draft.value.isText, true);
  assert.deepEqual(draft.value.ask, []);
});

test('text stays as it is, whatever it is made of', () => {
  for (const text of ['', ' \u0000 \uFEFF', 'e\u0301 é', '👩‍🚒 \r\n']) {
    const draft = draftOf({ ...minimal, body: text });
    assert.ok(draft.ok);
    assert.equal(Buffer.from(draft.value.body).toString('utf8'), text);
  }
});

test('events asked for are put in their one order, once each', () => {
  const draft = draftOf({ ...minimal, ask: ['fetched', 'delivered', 'fetched'] });
  assert.ok(draft.ok);
  assert.deepEqual(draft.value.ask, [Event.delivered, Event.fetched]);
});

test('what no server would take is refused here with the code a server would give', () => {
  const cases: readonly [Partial<Outbound>, string][] = [
    [{ to: 'desk' }, 'address-invalid'],
    [{ precedence: 'urgent' as never }, 'precedence-invalid'],
    [{ lifetimeSeconds: 0 }, 'lifetime-invalid'],
    [{ lifetimeSeconds: 30 * 86_400 + 1 }, 'lifetime-invalid'],
    [{ lifetimeSeconds: 1.5 }, 'lifetime-invalid'],
    [{ body: 'x'.repeat(65_537) }, 'body-too-large'],
    [{ body: new Uint8Array(1) }, 'content-type-invalid'],
    [{ contentType: 'text' }, 'content-type-invalid'],
    [{ ask: ['read' as never] }, 'property-invalid'],
    [{ subject: 'x'.repeat(257) }, 'property-invalid'],
    [{ id: 'ABC' }, 'id-invalid'],
    [{ inReplyTo: 'ABC' }, 'id-invalid'],
  ];
  for (const [change, code] of cases) {
    const draft = draftOf({ ...minimal, ...change });
    assert.equal(draft.ok ? 'accepted' : draft.refusal.code, code, JSON.stringify(change).slice(0, 80));
  }
});
