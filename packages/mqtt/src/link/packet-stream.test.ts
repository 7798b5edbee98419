// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '@sealpost/testing';
import { MemoryTransport } from '../../test/memory-transport.ts';
import { strictCodec } from '../codec/codec.ts';
import { PacketStream } from './packet-stream.ts';
import { ReadingOrder } from './reading-order.ts';

const ping = Uint8Array.of(0xc0, 0);

function fixture() {
  const transport = new MemoryTransport();
  const received: string[] = [];
  const failures: Error[] = [];
  const stream: PacketStream = new PacketStream({
    transport,
    codec: strictCodec,
    clock: new FakeClock(),
    order: new ReadingOrder(undefined, () => 0),
    decoder: { role: 'server', maximumPacketSize: 1000, version: 5 },
    reader: {
      receive: ({ type }) => {
        received.push(type);
        if (type === 'disconnect') stream.hold();
      },
      failed: (error) => failures.push(error),
      closed: () => undefined,
    },
  });
  return { transport, stream, received, failures };
}

test('held between two packets of one chunk, and read on when released as often', () => {
  const { transport, stream, received } = fixture();
  transport.onData(Uint8Array.of(0xe0, 0, 0xc0, 0));
  assert.deepEqual([received, transport.paused], [['disconnect'], true]);
  stream.hold();
  stream.release();
  assert.equal(received.length, 1);
  stream.release();
  assert.deepEqual([received, transport.paused], [['disconnect', 'pingreq'], false]);
});

test('a peer that does not take its answers is not read until it has', () => {
  const { transport, received } = fixture();
  transport.bufferedBytes = 300_000;
  transport.onData(ping.slice());
  assert.deepEqual([received.length, transport.paused], [1, true]);
  transport.onData(ping.slice());
  assert.equal(received.length, 1);
  transport.bufferedBytes = 0;
  transport.onDrain();
  assert.deepEqual([received.length, transport.paused], [2, false]);
});

test('what is written in one turn leaves as one piece, and before the end', async () => {
  const { transport, stream } = fixture();
  for (let i = 0; i < 3; i++) stream.send({ type: 'pingresp' }, 5);
  assert.equal(transport.sent.length, 0);
  await Promise.resolve();
  assert.deepEqual(
    transport.sent.map((bytes) => bytes.length),
    [6],
  );
  stream.send({ type: 'pingresp' }, 5);
  stream.write(ping);
  stream.end();
  assert.deepEqual([transport.sent.map((bytes) => bytes.length), transport.closed], [[6, 4], true]);
  stream.send({ type: 'pingresp' }, 5);
  await Promise.resolve();
  assert.equal(transport.sent.length, 2);
});

test('what is not MQTT is told once, and nothing is read behind it', () => {
  const { transport, stream, received, failures } = fixture();
  transport.onData(Uint8Array.of(0xc0, 0, 0x00, 0, 0xc0, 0));
  assert.deepEqual([received.length, failures.length], [1, 1]);
  stream.end();
  transport.onData(ping.slice());
  assert.equal(received.length, 1);
});
