// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Acknowledgement } from '@sealpost/mqtt';
import { connectHex, RawClient } from './raw.ts';
import { dial, message, run, textOf } from './support.ts';

/** CONNECT with Clean Start 0 and a session that stays. */
const stay = (version: 4 | 5, clientId: string): string => {
  if (version === 4) return connectHex(4, clientId, '00');
  const id = Buffer.from(clientId).toString('hex');
  const bytes = 18 + clientId.length;
  return `10 ${bytes.toString(16)} 0004 4d515454 05 00 0000 05 11 0000003c 000${clientId.length} ${id}`;
};

async function connected(port: number, connect: string): Promise<RawClient> {
  const client = await RawClient.open(port);
  client.send(connect);
  assert.equal((await client.packet())?.[3], 0);
  return client;
}

async function hex(client: RawClient): Promise<string | undefined> {
  return (await client.packet())?.toString('hex');
}

test('QoS 2 from one client to another, both versions, each message once and in order', async (t) => {
  const { port } = await run(t);
  for (const version of [5, 4] as const) {
    const reader = await dial(port, { version });
    assert.deepEqual(await reader.subscribe([{ filter: 'a/#', qos: 2 }]), [2]);
    const writer = await dial(port, { version });
    const texts = Array.from({ length: 100 }, (_, index) => String(index));
    await Promise.all(texts.map((text) => writer.publish(message('a/b', text, { qos: 2 }))));
    const received = await reader.count(100);
    assert.deepEqual(received.map(textOf), texts);
    assert.ok(received.every(({ qos }) => qos === 2));
    assert.equal(writer.inFlight, 0);
    reader.end();
    await reader.closed;
  }
});

test('[MQTT-3.8.4-8] the lower of both: published with 2 to a subscription with 1 or 0, and the other way', async (t) => {
  const { port } = await run(t);
  const reader = await dial(port);
  for (const qos of [0, 1, 2] as const) await reader.subscribe([{ filter: `a/${qos}`, qos }]);
  for (const topic of ['a/0', 'a/1', 'a/2'])
    for (const qos of [0, 1, 2] as const) await reader.publish(message(topic, '', { qos }));
  const received = await reader.count(9);
  assert.deepEqual(
    received.map(({ qos }) => qos),
    [0, 0, 0, 0, 1, 1, 0, 1, 2],
  );
});

for (const version of [5, 4] as const) {
  const empty = version === 5 ? '00' : '';
  const publish = (id: string, first = '34'): string =>
    `${first} 0${version === 5 ? 7 : 6} 0001 61 ${id} ${empty} 78`;

  test(`[MQTT-4.3.3-10] version ${version}: a repetition is answered and not handed on, also after a reconnect`, async (t) => {
    const { port } = await run(t);
    const reader = await dial(port);
    await reader.subscribe([{ filter: 'a', qos: 2 }]);
    const first = await connected(port, stay(version, 'w'));
    first.send(publish('0007'));
    assert.equal(await hex(first), '50020007');
    first.send(publish('0007', '3c'));
    assert.equal(await hex(first), '50020007');
    first.destroy();
    const second = await connected(port, stay(version, 'w'));
    second.send(publish('0007', '3c'));
    assert.equal(await hex(second), '50020007');
    second.send('62 02 0007');
    assert.equal(await hex(second), '70020007');
    second.send('62 02 0007');
    assert.equal(await hex(second), version === 5 ? '7003000792' : '70020007');
    second.send(publish('0007'));
    assert.equal(await hex(second), '50020007');
    second.destroy();
    assert.equal((await reader.count(2)).length, 2);
  });

  test(`[MQTT-4.4.0-1] version ${version}: to a client that comes back, PUBREL again, then PUBLISH with DUP`, async (t) => {
    const { port } = await run(t);
    const first = await connected(port, stay(version, 'r'));
    first.send(version === 5 ? '82 07 0001 00 0001 61 02' : '82 06 0001 0001 61 02');
    assert.equal(await hex(first), version === 5 ? '900400010002' : '9003000102');
    const writer = await dial(port);
    for (const text of ['1', '2']) await writer.publish(message('a', text, { qos: 2 }));
    const body = (dup: boolean, text: string): string =>
      `${dup ? '3c' : '34'}0${version === 5 ? 7 : 6}000161000${text}${empty}3${text}`;
    assert.equal(await hex(first), body(false, '1'));
    assert.equal(await hex(first), body(false, '2'));
    first.send('50 02 0001');
    assert.equal(await hex(first), '62020001');
    first.destroy();
    const second = await connected(port, stay(version, 'r'));
    assert.equal(await hex(second), '62020001');
    assert.equal(await hex(second), body(true, '2'));
    second.send('70 02 0001  50 02 0002');
    assert.equal(await hex(second), '62020002');
    second.send('70 02 0002');
    second.destroy();
  });
}

test('[MQTT-4.3.3-9] version 5: a refused PUBLISH ends with PUBREC; version 4 has no refusal', async (t) => {
  const { port } = await run(t);
  const five = await RawClient.connected(port, 5, 'five');
  five.send('34 0d 0008 7365637265742f61 0003 00');
  assert.equal(await hex(five), '5003000387');
  five.send('62 02 0003');
  assert.equal(await hex(five), '7003000392');
  five.destroy();
  const four = await RawClient.connected(port, 4, 'four');
  four.send('34 0c 0008 7365637265742f61 0003');
  assert.equal(await hex(four), '50020003');
  four.send('62 02 0003');
  assert.equal(await hex(four), '70020003');
  four.destroy();
});

test('[MQTT-3.3.4-7] QoS 2 counts against the Receive Maximum until PUBREL: 0x93', async (t) => {
  const { port } = await run(t, { limits: { receiveMaximum: 3 } });
  const client = await RawClient.connected(port, 5);
  for (const id of ['01', '02', '03']) {
    client.send(`34 06 0001 61 00${id} 00`);
    assert.equal(await hex(client), `500300${id}10`);
  }
  client.send('3c 06 0001 61 0003 00');
  assert.equal(await hex(client), '50020003', 'a repetition is not one more');
  client.send('62 02 0001');
  assert.equal(await hex(client), '70020001');
  client.send('32 06 0001 61 0009 00');
  assert.equal(await hex(client), '4003000910');
  client.send('34 06 0001 61 0004 00  34 06 0001 61 0005 00');
  assert.equal(await hex(client), '5003000410');
  const [disconnect] = await client.rest();
  assert.equal(disconnect?.slice(4, 6), '93');
});

test('[MQTT-4.6.0-3] PUBREC and PUBACK leave in the order of PUBLISH', async (t) => {
  const { port, application } = await run(t);
  const gates: ((answer: Acknowledgement) => void)[] = [];
  const running = Promise.withResolvers<void>();
  application.onPublish = () =>
    new Promise((resolve) => {
      gates.push(resolve);
      if (gates.length === 3) running.resolve();
    });
  const client = await RawClient.connected(port, 5);
  for (const [first, id] of [
    ['34', '01'],
    ['32', '02'],
    ['34', '03'],
  ])
    client.send(`${first} 0b 0006 68656c642f61 00${id} 00`);
  await running.promise;
  for (const gate of gates.toReversed()) gate({ reasonCode: 0 });
  assert.equal(await hex(client), '50020001');
  assert.equal(await hex(client), '40020002');
  assert.equal(await hex(client), '50020003');
  client.destroy();
});

test('an application that answers late is asked once, however often the client comes back', async (t) => {
  const { port, application } = await run(t);
  const gate = Promise.withResolvers<Acknowledgement>();
  const asked = Promise.withResolvers<void>();
  application.onPublish = () => {
    asked.resolve();
    return gate.promise;
  };
  const first = await connected(port, stay(5, 'w'));
  first.send('34 0b 0006 68656c642f61 0001 00');
  await asked.promise;
  first.destroy();
  const second = await connected(port, stay(5, 'w'));
  second.send('3c 0b 0006 68656c642f61 0001 00  c000');
  assert.equal(await hex(second), 'd000');
  gate.resolve({ reasonCode: 0 });
  assert.equal(await hex(second), '50020001');
  assert.equal(application.published.length, 1);
  second.destroy();
});

test('a Will with QoS 2 is published with it', async (t) => {
  const { port } = await run(t);
  const reader = await dial(port);
  await reader.subscribe([{ filter: 'will', qos: 2 }]);
  const will = { topic: 'will', payload: new Uint8Array(0), qos: 2, retain: false, properties: {} } as const;
  const link = await dial(port, { will });
  link.end(4);
  assert.equal((await reader.count(1))[0]?.qos, 2);
});
