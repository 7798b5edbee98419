// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '@sealpost/testing';
import fc from 'fast-check';
import { ServerClock } from './server-clock.ts';

test('the offset is wrong by no more than it says, wherever on the way the server looked at its clock', () => {
  const delay = fc.nat(20_000);
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), delay, delay, (skewMs, thereMs, backMs) => {
      const local = new FakeClock();
      const clock = new ServerClock(local);
      const sentAtMs = local.now();
      local.advance(thereMs);
      const time = local.now() + skewMs;
      local.advance(backMs);
      clock.learn(String(time), sentAtMs);
      assert.ok(Math.abs(clock.now() - (local.now() + skewMs)) <= (clock.errorMs ?? 0) + 1);
      assert.equal(clock.toLocal(clock.now()), local.now());
    }),
  );
});

test('a server that does not say its time, or says nonsense, leaves the local clock', () => {
  for (const time of [undefined, '', '-5', 'noon', '1e9', '99999999999999999']) {
    const local = new FakeClock();
    const clock = new ServerClock(local);
    assert.equal(clock.isKnown, false);
    clock.learn(time, local.now());
    assert.deepEqual([clock.isKnown, clock.offsetMs, clock.errorMs], [true, 0, undefined], time);
  }
});
