// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeError, errorCodes } from '@sealpost/protocol';
import { notTaken, refusalOf } from './acknowledgement.ts';

test('[ERR-1] a refusal is read back as the code it was written with', () => {
  for (const code of errorCodes) {
    const answer = notTaken(code);
    assert.equal(answer.reasonCode, describeError(code).mqtt);
    assert.equal(refusalOf(answer)?.code, code);
  }
});

test('[ERR-2] retry-after is whole seconds; anything else is not believed', () => {
  const cases: readonly [string, number | undefined][] = [
    ['5', 5],
    ['soon', undefined],
    ['-1', undefined],
  ];
  for (const [text, seconds] of cases) {
    const userProperties = [['error', 'overloaded'] as const, ['retry-after', text] as const];
    assert.equal(refusalOf({ reasonCode: 0x97, userProperties })?.retryAfterSeconds, seconds);
  }
});

test('a success is no refusal, and a broker without codes still gets one', () => {
  assert.equal(refusalOf({ reasonCode: 0 }), undefined);
  assert.equal(refusalOf({ reasonCode: 0x10 }), undefined);
  assert.equal(refusalOf({ reasonCode: 0x86 })?.code, 'credentials-invalid');
  assert.equal(refusalOf({ reasonCode: 0x80 })?.code, 'undecided');
  assert.equal(
    refusalOf({ reasonCode: 0x83, userProperties: [['error', 'no-such-code']] })?.code,
    'rejected',
  );
});
