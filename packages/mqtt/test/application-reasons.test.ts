// SPDX-License-Identifier: Apache-2.0
// An application may say any number; a packet has its own.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Peer } from './peer.ts';
import { run } from './support.ts';

test('[MQTT-3.2.2-8] [MQTT3-3.2.2-6] CONNACK: what is none of its reasons is an unspecified error', async (t) => {
  const { port, application } = await run(t);
  const answers: [number, number, number][] = [
    [0x87, 0x87, 5],
    [0x9d, 0x9d, 3],
    [0x8e, 0x80, 3],
    [0xff, 0x80, 3],
    [0x00, 0x80, 3],
    [0x18, 0x80, 3],
  ];
  for (const [reasonCode, code5, code4] of answers) {
    application.authenticate = () => Promise.resolve({ reasonCode });
    for (const [version, expected] of [
      [5, code5],
      [4, code4],
    ] as const) {
      const peer = await Peer.open(port, version);
      const [connack, ...more] = await peer.raw.rest();
      assert.equal(Number.parseInt(connack?.slice(6, 8) ?? '', 16), expected, `0x${reasonCode.toString(16)}`);
      assert.deepEqual(more, []);
    }
  }
});

test('[MQTT-3.4.2-1] [MQTT-3.5.2-1] PUBACK and PUBREC: the same, and it is reported', async (t) => {
  const { port, application, errors } = await run(t);
  const peer = await Peer.connected(port, 5);
  for (const [index, said] of [0x95, 0x01, 0x92, 0xff].entries()) {
    application.onPublish = () => ({ reasonCode: said });
    for (const qos of [1, 2] as const) {
      peer.publish('held/a', 'x', { qos, packetId: 1 });
      const answer = await peer.next();
      assert.ok(answer?.type === 'puback' || answer?.type === 'pubrec');
      assert.equal(answer.reasonCode, 0x80);
    }
    assert.equal(errors.length, 2 * (index + 1));
  }
});
