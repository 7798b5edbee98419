// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Acknowledgement } from '../packet.ts';
import { Received } from './received.ts';

const accepted: Acknowledgement = { reasonCode: 0 };

test('[MQTT-4.3.3-10] handed on once until it is released; then the identifier is new [MQTT-4.3.3-12]', () => {
  const received = new Received();
  let calls = 0;
  const hand = (): Acknowledgement => {
    calls++;
    return accepted;
  };
  for (let i = 0; i < 3; i++) assert.deepEqual(received.take(5, hand), accepted);
  assert.equal(calls, 1);
  assert.equal(received.release(5), true);
  assert.equal(received.release(5), false);
  void received.take(5, hand);
  assert.equal(calls, 2);
});

test('a repetition on the next connection waits for the handler that was called on the last one', async () => {
  const received = new Received();
  const gate = Promise.withResolvers<Acknowledgement>();
  const first = received.take(1, () => gate.promise);
  const second = received.take(1, () => assert.fail('handed on twice'));
  assert.equal(received.release(1), false, 'nobody was told that it is kept');
  gate.resolve(accepted);
  assert.deepEqual(await Promise.all([first, second]), [accepted, accepted]);
  assert.deepEqual(
    received.take(1, () => assert.fail('handed on twice')),
    accepted,
  );
});

test('[MQTT-4.3.3-9] what was refused, or answered for, may come again', async () => {
  const received = new Received();
  void received.take(1, () => ({ reasonCode: 0x87 }));
  assert.equal(received.release(1), false);
  await received.take(2, () => Promise.resolve({ reasonCode: 0x97 }));
  assert.equal(received.release(2), false);
  await assert.rejects(async () => received.take(3, () => Promise.reject(new Error('bug'))));
  assert.equal(received.release(3), false);
  const late = Promise.withResolvers<Acknowledgement>();
  const undecided = received.take(4, () => late.promise);
  received.forget(4);
  late.resolve(accepted);
  await undecided;
  assert.equal(received.release(4), false);
});
