// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stored } from '../custody/custody.ts';
import { Expiry, type ExpiryOptions } from './expiry.ts';

/** Messages of a silent peer, as many as the store lists at once and one more. */
class Silence {
  left = 257;
  readonly held = async (): Promise<Stored[]> => [];
  readonly expiring = async (): Promise<Stored[]> => [];
  readonly nextDeadline = async (): Promise<object> => ({});

  readonly silent = async (_beforeSeconds: number, limit: number): Promise<Stored[]> => {
    const row = {
      id: 'x',
      digest: new Uint8Array(0),
      audience: 'chief@fire.test',
      issuer: 'a@home.test',
      ask: [],
    };
    return Array.from({ length: Math.min(limit, this.left) }, () => row as unknown as Stored);
  };

  readonly commit = async (): Promise<{ kind: 'wrong-state'; state: undefined }> => {
    this.left -= 1;
    return { kind: 'wrong-state', state: undefined };
  };
}

test('when more has been silent than one sweep ends, the next sweep comes soon, and then in its time', async () => {
  const custody = new Silence();
  const expiry = new Expiry({
    custody,
    statements: { about: () => ({ events: [] }) },
    report: assert.fail,
  } as unknown as ExpiryOptions);
  assert.equal(await expiry.sweep(0), 1_000);
  assert.equal(custody.left, 1);
  assert.equal(await expiry.sweep(1_000), 1_000 + 3_600_000);
  assert.equal(custody.left, 0);
});
