// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Event,
  Precedence,
  actTopic,
  actions,
  checkMailFilter,
  events,
  evidenceTopic,
  inboxTopic,
  isReserved,
  isSharedMail,
  messageIdFromBytes,
  parseMailTopic,
  relaySubjects,
  relayTopic,
  toTopic,
} from '../src/index.ts';
import { alarmAddress, codeOf, deskAddress, must } from './support.ts';

const id = messageIdFromBytes(new Uint8Array(16).fill(1));

test('[TOPIC-1] the reserved root', () => {
  for (const topic of ['mail', 'mail/', 'mail/to/a@b', 'mail/#']) assert.ok(isReserved(topic), topic);
  for (const topic of ['mails', 'Mail/to', '/mail', '#', '+/to', 'home/mail'])
    assert.ok(!isReserved(topic), topic);
});

test('[TOPIC-2] submission topics', () => {
  assert.deepEqual(must(parseMailTopic('mail/to/Desk@FIRE.test')), { kind: 'to', address: deskAddress });
  const withPrecedence = { kind: 'to', address: deskAddress, precedence: Precedence.flash };
  assert.deepEqual(must(parseMailTopic('mail/to/desk@fire.test/flash')), withPrecedence);
  assert.equal(codeOf(parseMailTopic('mail/to/desk')), 'address-invalid');
  assert.equal(codeOf(parseMailTopic('mail/to/desk@fire.test/urgent')), 'precedence-invalid');
  assert.equal(codeOf(parseMailTopic('mail/to/desk@fire.test/flash/x')), 'topic-invalid');
});

test('[TOPIC-11] what a topic says comes back', () => {
  assert.deepEqual(must(parseMailTopic(toTopic(deskAddress))), { kind: 'to', address: deskAddress });
  for (const lane of Object.values(Precedence)) {
    const topic = inboxTopic(lane, alarmAddress);
    assert.deepEqual(must(parseMailTopic(topic)), { kind: 'inbox', lane, from: alarmAddress });
  }
  for (const event of events) {
    assert.deepEqual(must(parseMailTopic(evidenceTopic(id, event))), { kind: 'evidence', id, event });
  }
  for (const action of actions) {
    assert.deepEqual(must(parseMailTopic(actTopic(id, action))), { kind: 'act', id, action });
  }
  for (const what of relaySubjects)
    assert.deepEqual(must(parseMailTopic(relayTopic(what))), { kind: 'relay', what });
  assert.equal(evidenceTopic(id, Event.relayFailed), `mail/evidence/${id}/relay-failed`);
});

test('[TOPIC-11] topics that mean nothing', () => {
  for (const topic of [
    'mail',
    'mail/',
    'mail/x',
    'mail/inbox/flash',
    'mail/inbox/urgent/a@b',
    'mail/inbox/flash/a',
    `mail/evidence/${id}`,
    `mail/evidence/${id}/seen`,
    `mail/act/${id}/burn`,
    'mail/relay/message/x',
    'mail/relay/other',
  ]) {
    assert.equal(codeOf(parseMailTopic(topic)), 'topic-invalid', topic);
  }
  assert.equal(codeOf(parseMailTopic('mail/act/1/open')), 'id-invalid');
});

test('[TOPIC-3] shared subscriptions do not reach into mail/', () => {
  assert.ok(isSharedMail('$share/group/mail/inbox/#'));
  assert.ok(!isSharedMail('$share/group/home/#'));
  assert.ok(!isSharedMail('$share/mail'));
  assert.equal(codeOf(checkMailFilter('$share/group/mail/inbox/#')), 'filter-invalid');
});

test('[TOPIC-4] filters under mail/', () => {
  const kinds = {
    'mail/#': 'all',
    'mail/+/+/+': 'all',
    'mail/inbox/#': 'inbox',
    'mail/inbox/+/+': 'inbox',
    'mail/inbox/flash/#': 'inbox',
    'mail/inbox/flash/kitchen-alarm@home.test': 'inbox',
    'mail/evidence/#': 'evidence',
    'mail/evidence/+/delivered': 'evidence',
    [`mail/evidence/${id}/#`]: 'evidence',
  };
  for (const [filter, kind] of Object.entries(kinds)) {
    assert.deepEqual(checkMailFilter(filter), { ok: true, value: { kind } }, filter);
  }
  for (const filter of [
    'mail',
    'mail/to/#',
    'mail/relay/#',
    'mail/act/#',
    'mail/inbox',
    'mail/inbox/urgent/#',
    'mail/inbox/flash/a@b/c',
    'mail/inbox/fl+/x',
    'mail/#/x',
    'mail/evidence/1/#',
  ]) {
    assert.equal(codeOf(checkMailFilter(filter)), 'filter-invalid', filter);
  }
});
