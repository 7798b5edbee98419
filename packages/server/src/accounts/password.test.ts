// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PasswordCheck, hashPassword } from './password.ts';

test('the right password passes, a wrong one and an unknown account do not', async () => {
  const check = new PasswordCheck();
  const record = await hashPassword(Buffer.from('correct horse'));
  assert.deepEqual(await check.verify(Buffer.from('correct horse'), [record]), { ok: true, value: record });
  assert.deepEqual(await check.verify(Buffer.from('wrong horse'), [record]), { ok: true, value: undefined });
  assert.deepEqual(await check.verify(Buffer.from('correct horse'), []), { ok: true, value: undefined });
});

test('of several passwords with one salt, each passes and is told from the others', async () => {
  const check = new PasswordCheck();
  const salt = Buffer.alloc(16, 7);
  const phone = await hashPassword(Buffer.from('for the phone'), salt);
  const alarm = await hashPassword(Buffer.from('for the alarm'), salt);
  assert.deepEqual(await check.verify(Buffer.from('for the phone'), [phone, alarm]), {
    ok: true,
    value: phone,
  });
  assert.deepEqual(await check.verify(Buffer.from('for the alarm'), [phone, alarm]), {
    ok: true,
    value: alarm,
  });
  assert.deepEqual(await check.verify(Buffer.from('for neither'), [phone, alarm]), {
    ok: true,
    value: undefined,
  });
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
  const refusedOf = async (count: number, isKnown: boolean): Promise<number> => {
    const verdicts = Array.from({ length: count }, () => check.verify(Buffer.from('x'), [], isKnown));
    return (await Promise.all(verdicts)).filter(({ ok }) => !ok).length;
  };
  assert.deepEqual(await Promise.all([refusedOf(60, false), refusedOf(20, true)]), [60 - 48, 20 - 16]);
});

test('who has waited too long is told to come back, and nothing is computed for it', async () => {
  let nowMs = 0;
  let computed = 0;
  const began = Promise.withResolvers<void>();
  const first = Promise.withResolvers<Buffer>();
  const derive = (): Promise<Buffer> => {
    computed += 1;
    began.resolve();
    return first.promise;
  };
  const check = new PasswordCheck(derive, { now: () => nowMs });
  const verdicts = [1, 2].map(() => check.verify(Buffer.from('x'), []));
  await began.promise;
  nowMs = 5_001;
  first.resolve(Buffer.alloc(32));
  const [checked, late] = await Promise.all(verdicts);
  assert.equal(checked?.ok, true);
  assert.ok(late?.ok === false);
  assert.deepEqual([late.refusal.code, late.refusal.retryAfterSeconds, computed], ['overloaded', 5, 1]);
});
