// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { PublishPacket } from '@sealpost/mqtt';
import { RawClient } from './raw.ts';
import { dial, message, run } from './support.ts';

/** CONNECT, Topic Alias Maximum 2, session of a minute. */
const withAliases = '10 16 0004 4d515454 05 00 0000 08 22 0002 11 0000003c 0001 72';
const name = '736974652f31';

async function hex(client: RawClient): Promise<string | undefined> {
  return (await client.packet())?.toString('hex');
}

async function connected(port: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  client.send(withAliases);
  assert.equal((await client.packet())?.[3], 0);
  return client;
}

test('[MQTT-3.3.2-7] a client names topics by numbers, on this connection only', async (t) => {
  const { port } = await run(t);
  const reader = await dial(port);
  assert.equal(reader.connack.properties.topicAliasMaximum, 32);
  await reader.subscribe([{ filter: 'site/#', qos: 1 }]);
  const writer = await RawClient.connected(port, 5, 'w');
  writer.send(`30 0c 0006 ${name} 03 23 0020`);
  writer.send('30 07 0000 03 23 0020 78');
  const received = await reader.count(2);
  assert.deepEqual(
    received.map(({ topic }) => topic),
    ['site/1', 'site/1'],
  );
  const next = await RawClient.connected(port, 5, 'w');
  assert.equal((await writer.rest()).length, 1, 'taken over');
  next.send('30 06 0000 03 23 0020');
  assert.equal((await next.rest())[0]?.slice(4, 6), '82');
});

test('[MQTT-3.1.2-26] [MQTT-3.3.2-11] the server names topics up to what the client can take; a repetition has its topic', async (t) => {
  const { port } = await run(t);
  const client = await connected(port);
  client.send('82 09 0001 00 0003 2b2f2b 01');
  assert.equal(await hex(client), '900400010001');
  const writer = await dial(port);
  for (let i = 0; i < 2; i++) await writer.publish(message('site/1', 'x'));
  assert.equal(await hex(client), `320f0006${name}00010323000178`);
  assert.equal(await hex(client), '3209000000020323000178');
  await writer.publish(message('a/b', 'x'));
  assert.equal(await hex(client), '32090003612f6200030078');
  client.destroy();
  const again = await connected(port);
  assert.equal(await hex(again), `3a0c0006${name}00010078`);
  assert.equal(await hex(again), `3a0c0006${name}00020078`);
  assert.equal(await hex(again), '3a090003612f6200030078');
  await writer.publish(message('site/1', 'x'));
  assert.equal(await hex(again), `320f0006${name}00040323000178`);
  again.destroy();
});

test('[MQTT-3.1.2-27] no aliases for who takes none, and none in version 3.1.1', async (t) => {
  const { port } = await run(t);
  const writer = await dial(port);
  for (const version of [5, 4] as const) {
    const client = await RawClient.connected(port, version, 'r');
    client.send(version === 5 ? '82 0c 0001 00 0006 736974652f31 00' : '82 0b 0001 0006 736974652f31 00');
    await client.packet();
    for (let i = 0; i < 2; i++) {
      await writer.publish(message('site/1', 'x'));
      assert.equal(await hex(client), version === 5 ? `300a0006${name}0078` : `30090006${name}78`);
    }
    client.destroy();
  }
});

test('bytes that aliases save: 100 messages of 20 bytes on 10 topics of 40', async (t) => {
  const { port } = await run(t);
  const sizes: number[] = [];
  for (const topicAliasMaximum of [0, 16]) {
    const link = await dial(port, { topicAliasMaximum });
    await link.subscribe([{ filter: 'building/#', qos: 1 }]);
    const writer = await dial(port);
    for (let i = 0; i < 100; i++)
      await writer.publish(message(`building/7/floor/3/room/12/thermostat/0${i % 10}`, 'x'.repeat(20)));
    const received = await link.count(100);
    assert.equal(new Set(received.map(({ topic }) => topic)).size, 10);
    sizes.push(received.reduce((sum, publish) => sum + (publish as PublishPacket).packetBytes, 0));
    link.end();
    await link.closed;
  }
  const [plain = 0, named = 0] = sizes;
  assert.ok(named < plain * 0.53, `${named} of ${plain}`);
});
