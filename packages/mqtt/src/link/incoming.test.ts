// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Acknowledgement, Publish, Qos } from '../packet.ts';
import { Incoming, incomingLimits, type Admission } from './incoming.ts';
import { Received } from './received.ts';

function publish(qos: Qos = 1): Publish {
  return { topic: 't', payload: new Uint8Array(0), qos, retain: false, userProperties: [] };
}

interface Fixture {
  readonly incoming: Incoming;
  readonly answers: ((acknowledgement: Acknowledgement) => void)[];
  readonly failures: ((error: Error) => void)[];
  readonly acknowledged: [number, Acknowledgement][];
  readonly holds: boolean[];
  readonly errors: unknown[];
}

function fixture(admission?: Admission): Fixture {
  const answers: Fixture['answers'] = [];
  const failures: Fixture['failures'] = [];
  const acknowledged: Fixture['acknowledged'] = [];
  const holds: boolean[] = [];
  const errors: unknown[] = [];
  const incoming = new Incoming({
    limits: { ...incomingLimits, unansweredBytesMax: 1000 },
    handler: () =>
      new Promise((resolve, reject) => {
        answers.push(resolve);
        failures.push(reject);
      }),
    admission,
    received: new Received(),
    acknowledge: (packetId, acknowledgement) => acknowledged.push([packetId, acknowledgement]),
    hold: (held) => holds.push(held),
    report: (error) => errors.push(error),
  });
  return { incoming, answers, failures, acknowledged, holds, errors };
}

test('[MQTT-4.6.0-2] acknowledgements leave in the order of the PUBLISH packets, whatever the handlers do', async () => {
  const order = fc
    .integer({ min: 1, max: 30 })
    .chain((count) => fc.shuffledSubarray([...Array(count).keys()], { minLength: count, maxLength: count }));
  await fc.assert(
    fc.asyncProperty(order, async (finished) => {
      const { incoming, answers, acknowledged } = fixture();
      for (const index of finished.keys()) incoming.receive(publish(), index + 1, 10, 0);
      for (const index of finished) {
        answers[index]?.({ reasonCode: index % 2 === 0 ? 0 : 0x87 });
        await Promise.resolve();
        assert.deepEqual(
          acknowledged.map(([packetId]) => packetId),
          [...acknowledged.keys()].map((at) => at + 1),
        );
      }
      await new Promise(setImmediate);
      assert.equal(acknowledged.length, finished.length);
      assert.equal(incoming.unanswered, 0);
    }),
  );
});

test('an undecided handler is answered for with 0x97; its own answer comes too late', async () => {
  const { incoming, answers, acknowledged } = fixture();
  incoming.receive(publish(), 7, 10, 1000);
  incoming.tick(1000 + incomingLimits.undecidedMs - 1);
  assert.equal(acknowledged.length, 0);
  incoming.tick(1000 + incomingLimits.undecidedMs);
  assert.deepEqual(acknowledged, [
    [
      7,
      {
        reasonCode: 0x97,
        userProperties: [
          ['error', 'undecided'],
          ['retry-after', '5'],
        ],
      },
    ],
  ]);
  answers[0]?.({ reasonCode: 0 });
  await new Promise(setImmediate);
  assert.equal(acknowledged.length, 1);
});

test('a handler that throws or rejects is reported and answered with 0x80', async () => {
  const { incoming, failures, acknowledged, errors } = fixture();
  incoming.receive(publish(), 1, 10, 0);
  failures[0]?.(new Error('bug'));
  await new Promise(setImmediate);
  assert.deepEqual(acknowledged, [[1, { reasonCode: 0x80 }]]);
  assert.equal(errors.length, 1);
});

test('above the budget of unanswered bytes the connection is held, until half of it is answered', async () => {
  const { incoming, answers, holds } = fixture();
  incoming.receive(publish(), 1, 600, 0);
  assert.deepEqual(holds, []);
  incoming.receive(publish(0), 0, 600, 0);
  assert.deepEqual(holds, [true]);
  answers[0]?.({ reasonCode: 0 });
  await new Promise(setImmediate);
  assert.deepEqual(holds, [true]);
  answers[1]?.({ reasonCode: 0 });
  await new Promise(setImmediate);
  assert.deepEqual(holds, [true, false]);
});

test('above the budget of all connections, each is read only while it has nothing unanswered', async () => {
  const admission = { unansweredBytes: 990, unansweredBytesMax: 1000 };
  const { incoming, answers, holds } = fixture(admission);
  incoming.receive(publish(), 1, 20, 0);
  assert.deepEqual(holds, [true]);
  answers[0]?.({ reasonCode: 0 });
  await new Promise(setImmediate);
  assert.deepEqual(holds, [true, false]);
  incoming.receive(publish(), 2, 20, 0);
  incoming.end();
  assert.equal(admission.unansweredBytes, 990);
});
