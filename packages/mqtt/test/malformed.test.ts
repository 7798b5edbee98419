// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { connectHex, RawClient } from './raw.ts';
import { dial, message, run } from './support.ts';

/** What a connected client of version 5 sends, and the reason code of the DISCONNECT it gets. */
const disconnected: readonly [string, string, number][] = [
  ['[MQTT-3.3.1-4] QoS 3', '36 05 0001 61 0001', 0x81],
  ['ill-formed UTF-8', '30 05 0002 c328 00', 0x81],
  ['properties run past the packet', '30 05 0001 61 05 01', 0x81],
  ['a second CONNECT', '10 0d 0004 4d515454 05 02 0000 00 0000', 0x82],
  ['SUBSCRIBE without a filter', '82 03 0001 00', 0x82],
  ['[MQTT-3.3.2-9] a topic alias above the maximum', '30 07 0001 61 03 23 0021', 0x94],
  ['[MQTT-3.3.2-8] topic alias 0', '30 07 0001 61 03 23 0000', 0x94],
  ['a topic alias that was not set', '30 06 0000 03 23 0001', 0x82],
  ['AUTH', 'f0 00', 0x82],
  ['larger than Maximum Packet Size', '30 ffffff7f', 0x95],
  ['subscription identifier from a client', '30 06 0001 61 02 0b 01', 0x82],
  ['DISCONNECT that asks for a session after all', 'e0 07 00 05 11 00000005', 0x82],
];

for (const [name, hex, code] of disconnected) {
  test(`[MQTT-4.13.1-1] version 5 gets 0x${code.toString(16)}: ${name}`, async (t) => {
    const { port, errors } = await run(t);
    const client = await RawClient.connected(port, 5);
    client.send(hex);
    const [disconnect, ...more] = await client.rest();
    assert.deepEqual(more, []);
    assert.equal(disconnect?.slice(0, 2), 'e0');
    assert.equal(disconnect?.slice(4, 6), code.toString(16));
    assert.deepEqual(errors, []);
  });
}

test('version 3.1.1 sees the connection end, without a packet', async (t) => {
  const { port } = await run(t);
  for (const hex of ['36 05 0001 61 0001', '82 02 0001', 'f0 00', '30 02 0000']) {
    const client = await RawClient.connected(port, 4);
    client.send(hex);
    assert.deepEqual(await client.rest(), [], hex);
  }
});

test('before CONNECT', async (t) => {
  const { port, server } = await run(t);
  const cases: [string, string, string[]][] = [
    ['[MQTT-3.1.0-1] another packet', 'c000', []],
    ['not MQTT at all', '474554202f20485454502f312e310d0a0d0a', []],
    ['[MQTT3-3.1.2-2] MQTT 3.1', '10 0e 0006 4d5149736470 03 02 0000 0000', ['20020001']],
    ['[MQTT-3.1.2-2] a later version', '10 0d 0004 4d515454 06 02 0000 00 0000', ['2084']],
    ['a malformed CONNECT of version 5', '10 0d 0004 4d515454 05 03 0000 00 0000', ['2081']],
    ['a malformed CONNECT of version 4', '10 0c 0004 4d515454 04 03 0000 0000', []],
    ['a CONNECT without an end in sight', '10 ffffff7f', []],
    [
      '[MQTT3-3.1.3-7] [MQTT3-3.1.3-8] no identifier, session wanted',
      '10 0c 0004 4d515454 04 00 0000 0000',
      ['20020002'],
    ],
    [
      '[MQTT-4.12.0-1] unknown authentication method',
      '10 11 0004 4d515454 05 02 0000 04 15 0001 61 0000',
      ['208c'],
    ],
  ];
  for (const [name, hex, expected] of cases) {
    const client = await RawClient.open(port);
    client.send(hex);
    const answers = await client.rest();
    // Of a CONNACK of version 5 only type and reason code.
    const brief = answers.map((packet) => (packet.length > 8 ? `20${packet.slice(6, 8)}` : packet));
    assert.deepEqual(brief, expected, name);
  }
  assert.equal(server.stats.handshakes, 0);
  assert.equal(server.stats.sessions, 0);
});

test('what others do is not disturbed by a client that misbehaves', async (t) => {
  const { port } = await run(t);
  const good = await dial(port);
  await good.subscribe([{ filter: 'a', qos: 1 }]);
  const bad = await RawClient.connected(port, 5, 'bad');
  bad.send('32 09 0001 61 0001 00 787878 0000');
  assert.notDeepEqual(await bad.rest(), []);
  assert.equal((await good.publish(message('a', 'fine'))).reasonCode, 0);
  const received = await good.count(2);
  assert.equal(received.length, 2);
});

test('bytes behind CONNECT wait for its answer', async (t) => {
  const { port, application } = await run(t);
  const gate = Promise.withResolvers<void>();
  const { authenticate } = application;
  application.authenticate = async (request) => {
    await gate.promise;
    return authenticate(request);
  };
  const client = await RawClient.open(port);
  client.send(`${connectHex(4, 'eager')} c000 c000`);
  gate.resolve();
  assert.equal((await client.packet())?.toString('hex'), '20020000');
  assert.equal((await client.packet())?.toString('hex'), 'd000');
  assert.equal((await client.packet())?.toString('hex'), 'd000');
  client.destroy();
});
