// SPDX-License-Identifier: Apache-2.0
// What clients must not send, and what they get for it in both versions: a reason, then the end; or just the end.
import assert from 'node:assert/strict';
import test from 'node:test';
import { RawClient } from './raw.ts';
import { run } from './support.ts';

/** What a connected client sends, by version; the reason code of the DISCONNECT that version 5 gets. */
const packets: readonly { name: string; v5?: string; code?: number; v4?: string }[] = [
  {
    name: '[MQTT-1.5.4-1] [MQTT-3.3.2-1] [MQTT3-1.5.3-1] [MQTT3-3.3.2-1] a topic that is not UTF-8',
    v5: '30 05 0002 c328 00',
    v4: '30 04 0002 c328',
  },
  {
    name: '[MQTT-1.5.4-1] [MQTT3-1.5.3-1] a surrogate in a topic',
    v5: '30 06 0003 eda080 00',
    v4: '30 05 0003 eda080',
  },
  {
    name: '[MQTT-1.5.4-2] [MQTT-4.7.3-2] [MQTT3-1.5.3-2] [MQTT3-4.7.3-2] U+0000 in a topic',
    v5: '30 05 0002 6100 00',
    v4: '30 04 0002 6100',
  },
  {
    name: '[MQTT-4.7.3-2] [MQTT3-4.7.3-2] U+0000 in a filter',
    v5: '82 08 0001 00 0002 6100 00',
    v4: '82 07 0001 0002 6100 00',
  },
  {
    name: '[MQTT-3.8.3-1] [MQTT3-3.8.3-1] a filter that is not UTF-8',
    v5: '82 08 0001 00 0002 c328 00',
    v4: '82 07 0001 0002 c328 00',
  },
  {
    name: '[MQTT-3.10.3-1] [MQTT3-3.10.3-1] a filter of UNSUBSCRIBE that is not UTF-8',
    v5: 'a2 07 0001 00 0002 c328',
    v4: 'a2 06 0001 0002 c328',
  },
  {
    name: '[MQTT-1.5.7-1] a user property whose name is not UTF-8',
    v5: '30 0b 0001 61 07 26 0001 ff 0001 61',
  },
  {
    name: '[MQTT-1.5.7-1] a user property whose value has U+0000',
    v5: '30 0b 0001 61 07 26 0001 61 0001 00',
  },
  { name: '[MQTT-3.3.2-13] a response topic that is not UTF-8', v5: '30 08 0001 61 04 08 0001 ff' },
  { name: '[MQTT-3.3.2-14] a response topic with a wildcard', v5: '30 08 0001 61 04 08 0001 2b' },
  { name: '[MQTT-3.3.2-19] a content type that is not UTF-8', v5: '30 08 0001 61 04 03 0001 ff' },
  {
    name: '[MQTT-3.3.2-2] [MQTT-4.7.0-1] [MQTT3-3.3.2-2] [MQTT3-4.7.1-1] a wildcard in a topic',
    v5: '30 06 0003 612f23 00',
    v4: '30 05 0003 612f23',
  },
  { name: '[MQTT3-4.7.3-1] an empty topic', v5: '30 03 0000 00', code: 0x82, v4: '30 02 0000' },
  {
    name: '[MQTT-2.2.1-3] [MQTT3-2.3.1-1] PUBLISH with packet identifier 0',
    v5: '32 06 0001 61 0000 00',
    v4: '32 05 0001 61 0000',
  },
  {
    name: '[MQTT3-2.3.1-1] SUBSCRIBE with packet identifier 0',
    v5: '82 07 0000 00 0001 61 00',
    v4: '82 06 0000 0001 61 00',
  },
  {
    name: '[MQTT3-2.3.1-1] UNSUBSCRIBE with packet identifier 0',
    v5: 'a2 06 0000 00 0001 61',
    v4: 'a2 05 0000 0001 61',
  },
  {
    name: '[MQTT-3.3.1-4] [MQTT3-3.3.1-4] QoS 3',
    v5: '36 06 0001 61 0001 00',
    v4: '36 05 0001 61 0001',
  },
  { name: '[MQTT-3.3.1-2] [MQTT3-3.3.1-2] DUP at QoS 0', v5: '38 04 0001 61 00', v4: '38 03 0001 61' },
  { name: '[MQTT-1.5.5-1] a property length not in its shortest form', v5: '30 05 0001 61 8000' },
  {
    name: '[MQTT-2.1.3-1] [MQTT3-2.2.2-1] [MQTT3-2.2.2-2] PUBACK with flags',
    v5: '41 02 0001',
    v4: '41 02 0001',
  },
  {
    name: '[MQTT-2.1.3-1] [MQTT3-2.2.2-1] [MQTT3-2.2.2-2] PUBREC with flags',
    v5: '51 02 0001',
    v4: '51 02 0001',
  },
  { name: '[MQTT-3.6.1-1] [MQTT3-3.6.1-1] PUBREL with other flags', v5: '60 02 0001', v4: '60 02 0001' },
  {
    name: '[MQTT-2.1.3-1] [MQTT3-2.2.2-1] [MQTT3-2.2.2-2] PUBCOMP with flags',
    v5: '72 02 0001',
    v4: '72 02 0001',
  },
  {
    name: '[MQTT-3.8.1-1] [MQTT3-3.8.1-1] SUBSCRIBE with other flags',
    v5: '83 07 0001 00 0001 61 00',
    v4: '80 06 0001 0001 61 00',
  },
  {
    name: '[MQTT-3.10.1-1] [MQTT3-3.10.1-1] UNSUBSCRIBE with other flags',
    v5: 'a3 06 0001 00 0001 61',
    v4: 'a0 05 0001 0001 61',
  },
  { name: '[MQTT-2.1.3-1] [MQTT3-2.2.2-1] [MQTT3-2.2.2-2] PINGREQ with flags', v5: 'c8 00', v4: 'c8 00' },
  { name: '[MQTT-3.14.1-1] [MQTT3-3.14.1-1] DISCONNECT with flags', v5: 'e1 00', v4: 'e1 00' },
  { name: '[MQTT-3.15.1-1] AUTH with flags', v5: 'f1 00' },
  {
    name: '[MQTT-3.8.3-2] [MQTT3-3.8.3-3] SUBSCRIBE without a filter',
    v5: '82 03 0001 00',
    code: 0x82,
    v4: '82 02 0001',
  },
  {
    name: '[MQTT-3.10.3-2] [MQTT3-3.10.3-2] UNSUBSCRIBE without a filter',
    v5: 'a2 03 0001 00',
    code: 0x82,
    v4: 'a2 02 0001',
  },
  { name: '[MQTT-3.8.3-5] reserved bits of the subscription options', v5: '82 07 0001 00 0001 61 80' },
  { name: '[MQTT3-3.8.3-4] reserved bits of the requested QoS', v4: '82 06 0001 0001 61 04' },
  {
    name: '[MQTT3-3.8.3-4] a subscription with QoS 3',
    v5: '82 07 0001 00 0001 61 03',
    code: 0x82,
    v4: '82 06 0001 0001 61 03',
  },
  {
    name: '[MQTT-3.1.0-2] [MQTT3-3.1.0-2] a second CONNECT',
    v5: '10 0d 0004 4d515454 05 02 0000 00 0000',
    code: 0x82,
    v4: '10 0c 0004 4d515454 04 02 0000 0000',
  },
  { name: '[MQTT-3.3.4-6] a subscription identifier', v5: '30 06 0001 61 02 0b 01', code: 0x82 },
  {
    name: '[MQTT-3.2.2-15] larger than Maximum Packet Size',
    v5: '30 ffffff7f',
    code: 0x95,
    v4: '30 ffffff7f',
  },
];

for (const { name, v5, code = 0x81, v4 } of packets) {
  test(`[MQTT-4.13.1-1] [MQTT3-4.8.0-1] ends the connection: ${name}`, async (t) => {
    const { port, errors } = await run(t);
    if (v5 !== undefined) {
      const client = await RawClient.connected(port, 5);
      client.send(v5);
      const [disconnect, ...more] = await client.rest();
      assert.equal(disconnect?.slice(0, 2), 'e0');
      assert.equal(disconnect?.slice(4, 6), code.toString(16));
      assert.deepEqual(more, []);
    }
    if (v4 !== undefined) {
      const client = await RawClient.connected(port, 4);
      client.send(v4);
      assert.deepEqual(await client.rest(), []);
    }
    assert.deepEqual(errors, []);
  });
}

/** What comes instead of a CONNECT, by version; version 5 is told the reason, if any, version 4 is not. */
const connects: readonly { name: string; v5?: string; code?: number; v4?: string }[] = [
  {
    name: '[MQTT-3.1.2-3] [MQTT3-3.1.2-3] the reserved flag',
    v5: '10 0e 0004 4d515454 05 03 0000 00 0001 61',
    v4: '10 0d 0004 4d515454 04 03 0000 0001 61',
  },
  {
    name: '[MQTT-3.1.2-11] [MQTT3-3.1.2-11] [MQTT3-3.1.2-13] Will QoS without a Will',
    v5: '10 0e 0004 4d515454 05 0a 0000 00 0001 61',
    v4: '10 0d 0004 4d515454 04 0a 0000 0001 61',
  },
  {
    name: '[MQTT-3.1.2-13] [MQTT3-3.1.2-11] [MQTT3-3.1.2-15] Will Retain without a Will',
    v5: '10 0e 0004 4d515454 05 22 0000 00 0001 61',
    v4: '10 0d 0004 4d515454 04 22 0000 0001 61',
  },
  {
    name: '[MQTT-3.1.2-12] [MQTT3-3.1.2-14] Will QoS 3',
    v5: '10 14 0004 4d515454 05 1e 0000 00 0001 61 00 0001 61 0000',
    v4: '10 12 0004 4d515454 04 1e 0000 0001 61 0001 61 0000',
  },
  {
    name: '[MQTT-3.1.2-9] [MQTT3-3.1.2-9] a Will flag and no Will',
    v5: '10 0e 0004 4d515454 05 06 0000 00 0001 61',
    v4: '10 0d 0004 4d515454 04 06 0000 0001 61',
  },
  {
    name: '[MQTT-3.1.3-11] [MQTT3-3.1.3-10] a Will topic that is not UTF-8',
    v5: '10 14 0004 4d515454 05 06 0000 00 0001 61 00 0001 ff 0000',
    v4: '10 12 0004 4d515454 04 06 0000 0001 61 0001 ff 0000',
  },
  {
    name: '[MQTT-4.7.0-1] [MQTT3-4.7.1-1] a Will topic with a wildcard',
    v5: '10 14 0004 4d515454 05 06 0000 00 0001 61 00 0001 23 0000',
    v4: '10 12 0004 4d515454 04 06 0000 0001 61 0001 23 0000',
  },
  {
    name: '[MQTT-3.1.2-17] [MQTT3-3.1.2-19] a user name flag and no user name',
    v5: '10 0e 0004 4d515454 05 82 0000 00 0001 61',
    v4: '10 0d 0004 4d515454 04 82 0000 0001 61',
  },
  {
    name: '[MQTT-3.1.2-16] [MQTT3-3.1.2-18] a user name without its flag',
    v5: '10 11 0004 4d515454 05 02 0000 00 0001 61 0001 61',
    v4: '10 10 0004 4d515454 04 02 0000 0001 61 0001 61',
  },
  {
    name: '[MQTT-3.1.2-19] [MQTT3-3.1.2-21] a password flag and no password',
    v5: '10 0e 0004 4d515454 05 42 0000 00 0001 61',
    v4: '10 10 0004 4d515454 04 c2 0000 0001 61 0001 61',
  },
  {
    name: '[MQTT-3.1.2-18] [MQTT3-3.1.2-20] a password without its flag',
    v5: '10 14 0004 4d515454 05 82 0000 00 0001 61 0001 61 0001 61',
    v4: '10 13 0004 4d515454 04 82 0000 0001 61 0001 61 0001 61',
  },
  {
    name: '[MQTT3-3.1.2-22] a password and no user name',
    v4: '10 10 0004 4d515454 04 42 0000 0001 61 0001 61',
  },
  {
    name: '[MQTT-3.1.3-12] [MQTT3-3.1.3-11] a user name that is not UTF-8',
    v5: '10 11 0004 4d515454 05 82 0000 00 0001 61 0001 ff',
    v4: '10 10 0004 4d515454 04 82 0000 0001 61 0001 ff',
  },
  {
    name: '[MQTT-3.1.3-4] [MQTT3-3.1.3-4] a client identifier that is not UTF-8',
    v5: '10 0e 0004 4d515454 05 02 0000 00 0001 ff',
    v4: '10 0d 0004 4d515454 04 02 0000 0001 ff',
  },
  {
    name: '[MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT3-3.1.3-1] [MQTT3-3.1.3-3] no client identifier',
    v5: '10 0b 0004 4d515454 05 02 0000 00',
    v4: '10 0a 0004 4d515454 04 02 0000',
  },
  {
    name: '[MQTT-2.1.3-1] [MQTT3-2.2.2-2] CONNECT with flags',
    v5: '11 0e 0004 4d515454 05 02 0000 00 0001 61',
    code: 0,
    v4: '11 0d 0004 4d515454 04 02 0000 0001 61',
  },
  {
    name: '[MQTT-3.1.2-1] [MQTT3-3.1.2-1] another protocol',
    v5: '10 0e 0004 48545450 05 02 0000 00 0001 61',
    code: 0,
    v4: '10 0d 0004 48545450 04 02 0000 0001 61',
  },
  { name: '[MQTT-3.1.0-1] [MQTT3-3.1.0-1] another packet', v5: 'c0 00', code: 0, v4: 'e0 00' },
];

for (const { name, v5, code = 0x81, v4 } of connects) {
  test(`[MQTT-3.1.4-1] [MQTT3-3.1.4-1] no connection comes of it: ${name}`, async (t) => {
    const { port, server, application } = await run(t);
    if (v5 !== undefined) {
      const client = await RawClient.open(port);
      client.send(v5);
      const answers = (await client.rest()).map((hex) => hex.slice(0, 2) + hex.slice(4, 8));
      assert.deepEqual(answers, code === 0 ? [] : [`2000${code.toString(16)}`]);
    }
    if (v4 !== undefined) {
      const client = await RawClient.open(port);
      client.send(v4);
      assert.deepEqual(await client.rest(), []);
    }
    assert.equal(server.stats.sessions, 0);
    assert.deepEqual(application.log, []);
  });
}

test('[MQTT-1.5.4-3] [MQTT3-1.5.3-3] U+FEFF is kept, at the start of a text too', async (t) => {
  const { port } = await run(t);
  const answers = [
    [4, '30 06 0004 efbbbf61', '82 09 0001 0004 efbbbf61 00', '9003000100', '30060004efbbbf61'],
    [5, '30 07 0004 efbbbf61 00', '82 0a 0001 00 0004 efbbbf61 00', '900400010000', '30070004efbbbf6100'],
  ] as const;
  for (const [version, publish, subscribe, suback, delivered] of answers) {
    const client = await RawClient.connected(port, version);
    client.send(subscribe);
    assert.equal((await client.packet())?.toString('hex'), suback);
    client.send(`${version === 5 ? '30 04 0001 61 00' : '30 03 0001 61'} ${publish}`);
    assert.equal((await client.packet())?.toString('hex'), delivered);
    client.destroy();
  }
});
