// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PasswordCheck, hashPassword } from './password.ts';

test('the right password passes, a wrong one and an unknown account do not', async () => {
  const check = new PasswordCheck();
  const record = await hashPassword(Buffer.from('correct horse'));
  assert.equal(await check.verify(Buffer.from('correct horse'), [record]), record);
  assert.equal(await check.verify(Buffer.from('wrong horse'), [record]), undefined);
  assert.equal(await check.verify(Buffer.from('correct horse'), []), undefined);
});

test('of several passwords with one salt, each passes and is told from the others', async () => {
  const check = new PasswordCheck();
  const salt = Buffer.alloc(16, 7);
  const phone = await hashPassword(Buffer.from('for the phone'), salt);
  const alarm = await hashPassword(Buffer.from('for the alarm'), salt);
  assert.equal(await check.verify(Buffer.from('for the phone'), [phone, alarm]), phone);
  assert.equal(await check.verify(Buffer.from('for the alarm'), [phone, alarm]), alarm);
  assert.equal(await check.verify(Buffer.from('for neither'), [phone, alarm]), undefined);
});

test('the record tells nothing of the password, and two records differ', async () => {
  const [one, two] = await Promise.all([
    hashPassword(Buffer.from('same')),
    hashPassword(Buffer.from('same')),
  ]);
  assert.notEqual(one, two);
  assert.match(one, /^argon2id\$19456\$2\$[\w-]+\$[\w-]+$/);
});

test('when too many wait, strangers are told to come back first, then those who were here before', async () => {
  const check = new PasswordCheck(() => Promise.resolve(Buffer.alloc(32)));
  const asked = (count: number, isKnown: boolean): (Promise<string | undefined> | undefined)[] =>
    Array.from({ length: count }, () => check.verify(Buffer.from('x'), [], isKnown));
  const strangers = asked(60, false);
  const known = asked(20, true);
  assert.equal(strangers.filter((verdict) => verdict === undefined).length, 60 - 48);
  assert.equal(known.filter((verdict) => verdict === undefined).length, 20 - 16);
  for (const verdict of [...strangers, ...known]) assert.equal(await verdict, undefined);
});
