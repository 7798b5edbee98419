// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrustStore, staticAnchors } from '@sealpost/identity';
import { nodeCrypto } from '@sealpost/identity/node';
import { AccountKind, Precedence, parseAddress, parseDomain } from '@sealpost/protocol';
import { FakeClock } from '@sealpost/testing';
import { domainLimits } from '../limits/domain-limits.ts';
import { accountsOf, noRevocations } from './account.ts';
import { PasswordCheck, hashPassword } from './password.ts';
import { SignInThrottle } from './sign-in-throttle.ts';
import { SignIn } from './sign-in.ts';

const domain = parseDomain('home.test');
const ann = parseAddress('ann@home.test');
assert.ok(domain.ok && ann.ok);
const { burst } = domainLimits.failedSignInsOfAccount;
const record = await hashPassword(Buffer.from('correct horse'));

class CountingCheck extends PasswordCheck {
  count = 0;

  override verify(password: Uint8Array, records: readonly string[]): Promise<string | undefined> | undefined {
    this.count += 1;
    return super.verify(password, records);
  }
}

function signIn() {
  const clock = new FakeClock(1_000_000_000_000);
  const passwords = new CountingCheck();
  assert.ok(domain.ok && ann.ok);
  const options = {
    domain: domain.value,
    accounts: accountsOf([
      {
        address: ann.value,
        kind: AccountKind.person,
        ceiling: Precedence.priority,
        grants: [],
        passwords: [{ id: 'first', record }],
      },
    ]),
    revocations: noRevocations,
    trust: new TrustStore({ anchors: staticAnchors([]), crypto: nodeCrypto, now: () => 0 }),
    throttle: new SignInThrottle(domainLimits, clock),
    signedIn() {},
    sha256: nodeCrypto.sha256,
  };
  const at = new SignIn(options, passwords);
  const attempt = async (
    username: string,
    password: string,
    remote = '192.0.2.1:40000',
    loopback = false,
  ) => {
    const result = await at.authenticate({
      clientId: 'c',
      username,
      password: Buffer.from(password),
      version: 5,
      cleanStart: true,
      userProperties: [],
      transport: { secure: true, loopback, remote },
    });
    return result.ok ? 'in' : result.refusal.code;
  };
  return { clock, passwords, attempt };
}

test('guessing is slowed down alike, in answers and in work, whether the account exists or not', async () => {
  const results: string[][] = [];
  for (const username of ['ann@home.test', 'nobody@home.test']) {
    const { attempt, passwords } = signIn();
    const answers: string[] = [];
    for (let n = 0; n < burst + 3; n += 1) answers.push(await attempt(username, `guess ${n}`));
    assert.equal(passwords.count, burst, 'throttled attempts cost no hash');
    results.push(answers);
  }
  assert.deepEqual(results[0], results[1]);
  assert.deepEqual(results[0]?.slice(burst), ['rate-limited', 'rate-limited', 'rate-limited']);
});

test('whoever guesses from elsewhere does not lock out the owner, nor a neighbour on the same network another account', async () => {
  const { attempt } = signIn();
  for (let n = 0; n < burst + 1; n += 1)
    await attempt('ann@home.test', 'wrong', '2001:db8::1:9');
  assert.equal(await attempt('ann@home.test', 'correct horse', '2001:db8::2:9'), 'rate-limited');
  assert.equal(await attempt('ann@home.test', 'correct horse', '192.0.2.1:40000'), 'in');
  assert.equal(await attempt('bob@home.test', 'guess', '2001:db8::1:9'), 'credentials-invalid');
});

test('many attempts at the same time are no way around it', async () => {
  const { attempt, passwords } = signIn();
  await Promise.all(Array.from({ length: burst * 2 }, () => attempt('ann@home.test', 'wrong')));
  assert.equal(passwords.count, burst);
});

test('the right password uses nothing up, and time heals', async () => {
  const { attempt, clock } = signIn();
  for (let n = 0; n < burst + 5; n += 1) assert.equal(await attempt('ann@home.test', 'correct horse'), 'in');
  for (let n = 0; n < burst; n += 1) await attempt('ann@home.test', 'wrong');
  assert.equal(await attempt('ann@home.test', 'correct horse'), 'rate-limited');
  clock.advance(Math.ceil(1000 / domainLimits.failedSignInsOfAccount.perSecond));
  assert.equal(await attempt('ann@home.test', 'correct horse'), 'in');
});

test('a program of this machine that has a wrong password keeps no other program out', async () => {
  const { attempt } = signIn();
  const here = '127.0.0.1:1';
  for (let n = 0; n < domainLimits.failedSignInsOfAddress.burst; n += 1)
    await attempt(`wrong${n}@home.test`, 'x', here, true);
  assert.equal(await attempt('ann@home.test', 'correct horse', here, true), 'in');
});
