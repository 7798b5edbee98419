// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@sealpost/testing';
import { domainLimits } from './limits.ts';
import { SignInThrottle, type Attempt } from './sign-in-throttle.ts';

const owner = 'ann@home.test';
const limits = {
  ...domainLimits,
  failuresPerAddress: { perSecond: 0.1, burst: 6 },
  failuresPerAccountAndAddress: { perSecond: 0.1, burst: 3 },
  failuresPerAccount: { perSecond: 0.1, burst: 8 },
};

async function begin(throttle: SignInThrottle, name: string, address: string): Promise<Attempt | undefined> {
  const attempt = await throttle.begin(name, address);
  return attempt.ok ? attempt.value : undefined;
}

test('after some failures of an account from one address, that address is refused', async () => {
  const clock = new FakeClock();
  const throttle = new SignInThrottle(limits, clock);
  for (let n = 0; n < 3; n += 1) assert.ok(await begin(throttle, owner, '192.0.2.1'));
  const refused = await throttle.begin(owner, '192.0.2.1');
  assert.ok(!refused.ok && refused.refusal.code === 'rate-limited');
  assert.ok(await begin(throttle, owner, '192.0.2.2'), 'the owner comes from elsewhere');
  clock.advance((refused.refusal.retryAfterSeconds ?? 0) * 1000);
  assert.ok(await begin(throttle, owner, '192.0.2.1'));
});

test('one address does not get more guesses by trying many accounts', async () => {
  const throttle = new SignInThrottle(limits, new FakeClock());
  const tried = [];
  for (let n = 0; n < 20; n += 1) tried.push(await begin(throttle, `a${n}@home.test`, '192.0.2.1'));
  assert.equal(tried.filter((attempt) => attempt !== undefined).length, 6);
});

test('who has signed in from an address is not kept out by others who fail there', async () => {
  const throttle = new SignInThrottle(limits, new FakeClock());
  (await begin(throttle, owner, '192.0.2.1'))?.succeeded();
  // A device behind the same router that has an old password.
  for (let n = 0; n < 20; n += 1) await begin(throttle, `a${n}@home.test`, '192.0.2.1');
  const tried = [];
  for (let n = 0; n < 5; n += 1) tried.push(await begin(throttle, owner, '192.0.2.1'));
  assert.equal(tried.filter((attempt) => attempt !== undefined).length, 3, 'and its own guesses are counted');
});

test('guesses at the same time count as well as those one after the other', async () => {
  const throttle = new SignInThrottle(limits, new FakeClock());
  const tried = await Promise.all(Array.from({ length: 50 }, () => begin(throttle, owner, '192.0.2.1')));
  assert.equal(tried.filter((attempt) => attempt !== undefined).length, 3);
});

test('sign-ins that succeed are never counted', async () => {
  const throttle = new SignInThrottle(limits, new FakeClock());
  for (let n = 0; n < 100; n += 1) {
    const attempt = await begin(throttle, owner, '192.0.2.1');
    assert.ok(attempt);
    attempt.succeeded();
  }
});

test('guesses from everywhere delay strangers, and neither refuse nor delay the owner where it is known', async () => {
  const clock = new FakeClock();
  const throttle = new SignInThrottle(limits, clock);
  (await begin(throttle, owner, '198.51.100.1'))?.succeeded();
  for (let n = 0; n < 8; n += 1) assert.ok(await begin(throttle, owner, `192.0.2.${n}`));
  const known = await begin(throttle, owner, '198.51.100.1');
  assert.ok(known?.isKnown);
  const stranger = begin(throttle, owner, '192.0.2.99');
  assert.equal(clock.pending, 1, 'it waits');
  clock.advance(limits.signInDelayMsMax);
  assert.ok(await stranger);
});

test('the tables are bounded, whoever guesses', async () => {
  const throttle = new SignInThrottle({ ...limits, trackedMax: 500 }, new FakeClock());
  for (let n = 0; n < 100_000; n += 1)
    await throttle.begin(`${n}@home.test`, `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  assert.equal(throttle.tracked, 500);
});
