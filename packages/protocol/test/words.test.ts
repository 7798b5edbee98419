// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Precedence,
  accept,
  describeError,
  errorCodes,
  etsiName,
  eventWord,
  events,
  isErrorCode,
  isUrgent,
  lowest,
  messageIdBytes,
  messageIdFromBytes,
  newMessageId,
  parseEventWord,
  parseMessageId,
  parsePrecedence,
  precedenceName,
  precedenceNames,
  refuse,
  remainingSeconds,
  toHex,
} from '../src/index.ts';
import { codeOf, must, now } from './support.ts';

test('[MSG-7] precedence by name and number', () => {
  for (const name of precedenceNames) assert.equal(precedenceName(must(parsePrecedence(name))), name);
  assert.equal(codeOf(parsePrecedence('toString')), 'precedence-invalid');
  assert.deepEqual(
    precedenceNames.filter((name) => isUrgent(Precedence[name])),
    ['immediate', 'flash', 'override'],
  );
  assert.equal(lowest(Precedence.flash, Precedence.priority, Precedence.immediate), Precedence.priority);
});

test('[EVID-5] every event has a number, a word and a name', () => {
  assert.deepEqual(
    events,
    Array.from({ length: 18 }, (_, index) => index + 1),
  );
  for (const event of events) assert.equal(must(parseEventWord(eventWord(event))), event);
  assert.equal(etsiName(10), 'D.1 ContentConsignment');
  assert.equal(codeOf(parseEventWord('Delivered')), 'property-invalid');
});

test('[MSG-1] message ids', () => {
  const id = newMessageId(now * 1000, new Uint8Array(10).fill(0xff));
  assert.equal(id, '019ab6f0-6a00-7fff-bfff-ffffffffffff'.replace('019ab6f0-6a00', timestamp(now * 1000)));
  assert.equal(messageIdFromBytes(messageIdBytes(id)), id);
  assert.equal(must(parseMessageId(id)), id);
  for (const text of ['', id.toUpperCase(), id.replaceAll('-', ''), `{${id}}`])
    assert.equal(codeOf(parseMessageId(text)), 'id-invalid');
});

function timestamp(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

test('errors are described by the registry', () => {
  for (const code of errorCodes) {
    const { permanent, mqtt, smtp } = describeError(code);
    assert.equal(smtp.startsWith('5'), permanent, code);
    assert.ok(mqtt >= 0x80);
  }
  assert.ok(!isErrorCode('toString'));
  assert.deepEqual(refuse('expired', 'late', 5).refusal, {
    code: 'expired',
    cause: 'late',
    retryAfterSeconds: 5,
  });
  assert.deepEqual(refuse('expired').refusal, { code: 'expired' });
  assert.deepEqual(accept(toHex(Uint8Array.of(1))), { ok: true, value: '01' });
});

test('remaining life never goes below nothing', () => {
  assert.equal(remainingSeconds(now + 1.5, now), 1);
  assert.equal(remainingSeconds(now, now + 1), 0);
});
