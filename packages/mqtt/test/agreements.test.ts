// SPDX-License-Identifier: Apache-2.0
// What CONNECT and CONNACK agree on, kept by the server.
import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '@sealpost/testing';
import { RawClient } from './raw.ts';
import { dial, message, run } from './support.ts';

/** CONNECT of version 5 with these properties and the client id `c`. */
function connectWith(properties: string, more = ''): string {
  const bytes = properties.replaceAll(' ', '').length / 2;
  const rest = `0004 4d515454 05 ${more === '' ? '02' : '06'} 0000 ${two(bytes)} ${properties} 0001 63 ${more}`;
  return `10 ${two(rest.replaceAll(' ', '').length / 2)} ${rest}`;
}

const two = (value: number): string => value.toString(16).padStart(2, '0');

async function answerTo(port: number, connect: string): Promise<RawClient> {
  const client = await RawClient.open(port);
  client.send(connect);
  return client;
}

test('§3.3.2.3.2 what is called text must be text: 0x99, for QoS 1 and 2 and a Will', async (t) => {
  const { port } = await run(t);
  const client = await RawClient.connected(port, 5);
  client.send('32 09 0001 61 0001 02 01 01 ff');
  assert.equal((await client.packet())?.toString('hex'), '4003000199');
  client.send('34 09 0001 61 0002 02 01 01 ff');
  assert.equal((await client.packet())?.toString('hex'), '5003000299');
  client.send('32 09 0001 61 0001 02 01 01 00');
  assert.equal((await client.packet())?.toString('hex'), '4003000110');
  client.destroy();
  const refused = await answerTo(port, connectWith('', '02 01 01 0001 77 0001 ff'));
  assert.equal((await refused.rest())[0]?.slice(6, 8), '99');
});

test('[MQTT-3.1.2-25] an ordinary message that is too large is told to the application and counted', async (t) => {
  const told: string[] = [];
  const deliveryObserver = {
    tooLarge: ({ clientId }: { clientId: string }, { topic }: { topic: string }) =>
      void told.push(`${clientId} ${topic}`),
  };
  const { port, server } = await run(t, { deliveryObserver });
  const small = await dial(port, { clientId: 'small', maximumPacketSize: 60 });
  await small.subscribe([{ filter: 'a/#', qos: 2 }]);
  const writer = await dial(port);
  for (const qos of [0, 1, 2] as const) await writer.publish(message(`a/${qos}`, 'x'.repeat(100), { qos }));
  await writer.publish(message('a/small'));
  assert.deepEqual(
    (await small.count(1)).map(({ topic }) => topic),
    ['a/small'],
  );
  assert.deepEqual(told, ['small a/0', 'small a/1', 'small a/2']);
  assert.equal(server.stats.tooLarge, 3);
});

test('[MQTT-3.1.2-24] a CONNACK that does not fit loses what may be left out, or is not sent', async (t) => {
  const { port, application, server } = await run(t);
  const { authenticate } = application;
  application.authenticate = async (request) => ({
    ...(await authenticate(request)),
    userProperties: [['long', 'x'.repeat(100)]],
  });
  const fits = await answerTo(port, connectWith('27 00000020'));
  const connack = await fits.packet();
  assert.ok(connack !== undefined && connack.length <= 32 && connack[3] === 0);
  fits.destroy();
  const told = await answerTo(port, connectWith('27 00000008'));
  assert.deepEqual(await told.rest(), ['2003009500']);
  const closed = await answerTo(port, connectWith('27 00000004'));
  assert.deepEqual(await closed.rest(), []);
  assert.equal(server.stats.sessions, 0);
  application.authenticate = () => Promise.resolve({ reasonCode: 0x87, reasonString: 'x'.repeat(100) });
  const refused = await answerTo(port, connectWith('27 00000010'));
  assert.deepEqual(await refused.rest(), ['2003008700']);
});

test('[MQTT-3.1.2-28] Response Information for who asks', async (t) => {
  const { port, application } = await run(t);
  const { authenticate } = application;
  application.authenticate = async (request) => ({
    ...(await authenticate(request)),
    responseInformation: 'answers/c',
  });
  for (const [properties, isTold] of [
    ['', false],
    ['19 00', false],
    ['19 01', true],
  ] as const) {
    const client = await answerTo(port, connectWith(properties));
    assert.equal((await client.packet())?.includes('answers/c'), isTold);
    client.destroy();
  }
});

test('a client that is sent elsewhere is told where', async (t) => {
  const { port, application } = await run(t);
  application.authenticate = () => Promise.resolve({ reasonCode: 0x9d, serverReference: 'other.test' });
  await assert.rejects(dial(port), { reasonCode: 0x9d });
  const client = await answerTo(port, connectWith(''));
  assert.ok((await client.packet())?.includes('other.test'));
  client.destroy();
});

test('[MQTT-3.2.2-21] server keep alive is told and kept', async (t) => {
  const clock = new FakeClock();
  const { port } = await run(t, { clock, limits: { keepAliveSecondsMax: 20 } });
  const link = await dial(port, { keepAliveSeconds: 60 });
  assert.equal(link.connack.properties.serverKeepAliveSeconds, 20);
  const client = await answerTo(port, connectWith(''));
  assert.equal((await client.packet())?.[3], 0);
  clock.advance(29_000);
  clock.advance(2_000);
  assert.equal((await client.rest())[0]?.slice(4, 6), '8d');
});

test('[MQTT-3.14.2-2] DISCONNECT may change how long the session stays, but not begin one', async (t) => {
  const clock = new FakeClock();
  const { port, server } = await run(t, { clock });
  const stays = await answerTo(port, connectWith('11 0000003c'));
  assert.equal((await stays.packet())?.[3], 0);
  stays.send('e0 07 00 05 11 00000258');
  assert.deepEqual(await stays.rest(), []);
  clock.advance(61_000);
  assert.equal(server.stats.sessions, 1);
  clock.advance(540_000);
  assert.equal(server.stats.sessions, 0);
  const ends = await answerTo(port, connectWith('11 0000003c'));
  assert.equal((await ends.packet())?.[3], 0);
  ends.send('e0 07 00 05 11 00000000');
  assert.deepEqual(await ends.rest(), []);
  assert.equal(server.stats.sessions, 0);
  const none = await RawClient.connected(port, 5);
  none.send('e0 07 00 05 11 00000005');
  assert.equal((await none.rest())[0]?.slice(4, 6), '82');
});
