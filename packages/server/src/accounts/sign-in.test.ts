// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrustStore, staticAnchors } from '@sealpost/identity';
import { nodeCrypto } from '@sealpost/identity/node';
import { Precedence, type Address, type Domain, type Refusal } from '@sealpost/protocol';
import { FakeClock } from '@sealpost/testing';
import { domainLimits } from '../limits/limits.ts';
import { SignInThrottle } from '../limits/sign-in-throttle.ts';
import { accountsOf, noRevocations } from './account.ts';
import { PasswordCheck, argon2id, hashPassword } from './password.ts';
import { SignIn } from './sign-in.ts';

const ann = 'ann@home.test' as Address;
const password = Buffer.from('correct horse');

async function house(): Promise<{
  derivations(): number;
  tryAs(username: string, secret: Uint8Array, address: string): Promise<Refusal | undefined>;
}> {
  const clock = new FakeClock();
  const record = await hashPassword(password);
  let derivations = 0;
  const signIn = new SignIn({
    domain: 'home.test' as Domain,
    accounts: accountsOf([
      {
        address: ann,
        kind: 'person',
        ceiling: Precedence.priority,
        grants: [],
        passwords: [{ id: 'one', record }],
      },
    ]),
    revocations: noRevocations,
    trust: new TrustStore({ anchors: staticAnchors([]), crypto: nodeCrypto, now: () => 0 }),
    throttle: new SignInThrottle(
      { ...domainLimits, failuresPerAccountAndAddress: { perSecond: 0.1, burst: 3 } },
      clock,
    ),
    passwords: new PasswordCheck((message, nonce) => {
      derivations += 1;
      return argon2id(message, nonce);
    }),
    signedIn: () => undefined,
    sha256: nodeCrypto.sha256,
  });
  return {
    derivations: () => derivations,
    async tryAs(username, secret, address) {
      const result = await signIn.authenticate({
        clientId: 'one',
        username,
        password: secret,
        version: 5,
        cleanStart: true,
        transport: { secure: true, loopback: false, remote: `${address}:1` },
        userProperties: [],
      });
      return result.ok ? undefined : result.refusal;
    },
  };
}

test('whether the account exists changes neither the answers nor the number of Argon2 computations', async () => {
  const told: (Refusal | undefined)[][] = [];
  const work: number[] = [];
  for (const username of [ann, 'nobody@home.test', 'not an address', 'x'.repeat(60_000)]) {
    const { tryAs, derivations } = await house();
    const answers: (Refusal | undefined)[] = [];
    for (let n = 0; n < 5; n += 1) answers.push(await tryAs(username, Buffer.from('wrong'), '192.0.2.1'));
    told.push(answers);
    work.push(derivations());
  }
  for (const answers of told) assert.deepEqual(answers, told[0]);
  assert.deepEqual(
    told[0]?.map((refusal) => refusal?.code),
    ['credentials-invalid', 'credentials-invalid', 'credentials-invalid', 'rate-limited', 'rate-limited'],
  );
  // The decoy record is made once and not counted.
  assert.deepEqual(work, [3, 3, 3, 3]);
});

test('while one address is refused, the owner signs in from another', async () => {
  const { tryAs } = await house();
  for (let n = 0; n < 4; n += 1) await tryAs(ann, Buffer.from('wrong'), '192.0.2.1');
  assert.equal((await tryAs(ann, password, '192.0.2.1'))?.code, 'rate-limited');
  assert.equal(await tryAs(ann, password, '198.51.100.1'), undefined);
});
