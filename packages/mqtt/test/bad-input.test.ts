// SPDX-License-Identifier: Apache-2.0
// Everything a client must not send, wherever it may be: before CONNECT, on an open connection of either version, behind
// its DISCONNECT, and within an enhanced authentication. Each time somebody else's connection goes on.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { EnhancedAuthentication } from '@sealpost/mqtt/server';
import { answerTo, bystander } from './bad-input/answer.ts';
import { wrongConnects } from './bad-input/connects.ts';
import { wrongPublishes, wrongStates, wrongSubscriptions } from './bad-input/contents.ts';
import { wrongPacketIds, wrongProperties, wrongReasons, wrongTexts } from './bad-input/fields.ts';
import { wrongFlags, wrongHeaders } from './bad-input/header.ts';
import { connect, packet, section, text } from './bad-input/packet.ts';
import { afterDisconnect, signingInOf, type Answer, type Row } from './bad-input/row.ts';
import { RawClient } from './raw.ts';
import { run, type Principal, type Running } from './support.ts';

const challenge = { challenge: new Uint8Array(1) };
const signedIn = { principal: { name: 'again' }, account: 'again' };

/** METHOD is never content, except once with the user `again`. */
const enhancedAuthentication: EnhancedAuthentication<Principal> = {
  begin(method, { username }, session) {
    if (method !== 'METHOD') return undefined;
    const isOnce = username === 'again' && session === undefined;
    return { step: () => Promise.resolve(isOnce ? signedIn : challenge) };
  },
};

async function signingIn(port: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  client.send(connect(5, { properties: section(`15${text('METHOD')}`) }));
  assert.equal((await client.packet())?.[0], 0xf0);
  return client;
}

async function signingInAgain(port: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  const properties = section(`15${text('METHOD')}`);
  client.send(connect(5, { flags: '82', properties, rest: text('again') }));
  assert.equal((await client.packet())?.[0], 0x20);
  client.send(packet('f0', '19', properties));
  assert.equal((await client.packet())?.[0], 0xf0);
  return client;
}

interface Place {
  readonly place: string;
  readonly version: 4 | 5;
  readonly enter: (port: number) => Promise<RawClient>;
  readonly expected: (row: Row) => Answer;
}

const disconnected = async (port: number, version: 4 | 5): Promise<RawClient> => {
  const client = await RawClient.connected(port, version, 'bad');
  // In one piece with what follows.
  const { send } = client;
  client.send = (hex) => send.call(client, `e000 ${hex}`);
  return client;
};

const places: readonly Place[] = [
  {
    place: 'first',
    version: 5,
    enter: (port) => RawClient.open(port),
    expected: ({ first5 = 'closed' }) => first5,
  },
  {
    place: 'first',
    version: 4,
    enter: (port) => RawClient.open(port),
    expected: ({ first4 = 'closed' }) => first4,
  },
  {
    place: 'open',
    version: 5,
    enter: (port) => RawClient.connected(port, 5, 'bad'),
    expected: ({ open5 = 'disconnect 81' }) => open5,
  },
  {
    place: 'open',
    version: 4,
    enter: (port) => RawClient.connected(port, 4, 'bad'),
    expected: ({ open4 = 'closed' }) => open4,
  },
  {
    place: 'behind DISCONNECT',
    version: 5,
    enter: (port) => disconnected(port, 5),
    expected: () => afterDisconnect,
  },
  {
    place: 'behind DISCONNECT',
    version: 4,
    enter: (port) => disconnected(port, 4),
    expected: () => afterDisconnect,
  },
  { place: 'signing in', version: 5, enter: signingIn, expected: signingInOf },
  {
    place: 'signing in again',
    version: 5,
    enter: signingInAgain,
    expected: ({ open5 = 'disconnect 81' }) => open5,
  },
];

async function check(row: Row, { port, errors }: Running, goesOn: () => Promise<void>): Promise<void> {
  for (const { place, version, enter, expected } of places) {
    const hex = version === 5 ? row.v5 : row.v4;
    if (hex === undefined) continue;
    const client = await enter(port);
    const wanted = expected(row);
    const what = `${row.wrong}; ${place}, version ${version}: ${hex}`;
    assert.equal(await answerTo(client, hex, wanted, version), wanted, what);
    await goesOn();
    assert.deepEqual(errors, [], what);
  }
}

async function checkAll(t: TestContext, rows: readonly Row[]): Promise<void> {
  const running = await run(t, { enhancedAuthentication });
  const goesOn = await bystander(running.port);
  for (const row of rows) await check(row, running, goesOn);
  assert.equal(running.server.stats.handshakes, 0);
}

for (const rows of [
  wrongHeaders,
  wrongPublishes,
  wrongSubscriptions,
  wrongStates,
  wrongConnects,
  wrongPacketIds,
])
  for (const row of rows) test(row.wrong, { timeout: 20_000 }, (t) => checkAll(t, [row]));

// One test for many: what they share is in the name, what failed is in the message.
const many: readonly [string, readonly Row[]][] = [
  ['[MQTT-2.1.3-1] [MQTT3-2.2.2-1] [MQTT3-2.2.2-2] reserved flags, of every packet', wrongFlags],
  [
    '[MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-1.5.7-1] [MQTT3-1.5.3-1] [MQTT3-1.5.3-2] text that is none, in every field',
    wrongTexts,
  ],
  ['§2.2.2.2 properties that are not allowed, repeated, cut, or have no such value', wrongProperties],
  [
    '[MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] [MQTT-3.14.2-1] [MQTT-3.15.2-1] reason codes of other packets',
    wrongReasons,
  ],
];
for (const [name, rows] of many) test(name, { timeout: 60_000 }, (t) => checkAll(t, rows));
