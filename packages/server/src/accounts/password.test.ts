// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PasswordCheck, hashPassword } from './password.ts';

test('the right password passes, a wrong one and an unknown account do not', async () => {
  const check = new PasswordCheck();
  const record = await hashPassword(Buffer.from('correct horse'));
  assert.equal(await check.verify(Buffer.from('correct horse'), record), true);
  assert.equal(await check.verify(Buffer.from('wrong horse'), record), false);
  assert.equal(await check.verify(Buffer.from('correct horse'), undefined), false);
});

test('the record tells nothing of the password, and two records differ', async () => {
  const [one, two] = await Promise.all([
    hashPassword(Buffer.from('same')),
    hashPassword(Buffer.from('same')),
  ]);
  assert.notEqual(one, two);
  assert.match(one, /^argon2id\$19456\$2\$[\w-]+\$[\w-]+$/);
});

test('when too many wait, the next one is told to come back', async () => {
  const check = new PasswordCheck();
  const verdicts = Array.from({ length: 80 }, () => check.verify(Buffer.from('x'), undefined));
  assert.equal(verdicts.filter((verdict) => verdict === undefined).length, 80 - 64);
  for (const verdict of verdicts) assert.notEqual(await verdict, true);
});
