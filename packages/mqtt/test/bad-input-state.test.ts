// SPDX-License-Identifier: Apache-2.0
// Packets that are right in themselves and wrong for what is in flight.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Qos } from '@sealpost/mqtt';
import { answerTo, bystander } from './bad-input/answer.ts';
import { hex, packet, publish, section, text } from './bad-input/packet.ts';
import { RawClient } from './raw.ts';
import { dial, message, run } from './support.ts';

/** A message is on its way to the client, under packet identifier 1. */
const answers: readonly { wrong: string; qos: Qos; sent: string; open5: string; open4: string }[] = [
  { wrong: 'PUBREC for QoS 1', qos: 1, sent: '50020001', open5: 'disconnect 82', open4: 'closed' },
  { wrong: 'PUBCOMP for QoS 1', qos: 1, sent: '70020001', open5: 'disconnect 82', open4: 'closed' },
  { wrong: 'PUBACK for QoS 2', qos: 2, sent: '40020001', open5: 'disconnect 82', open4: 'closed' },
  { wrong: 'PUBCOMP before PUBREC', qos: 2, sent: '70020001', open5: 'disconnect 82', open4: 'closed' },
  { wrong: 'PUBACK twice', qos: 1, sent: '40020001 40020001', open5: 'ignored', open4: 'ignored' },
  { wrong: 'PUBACK for another', qos: 1, sent: '40020002', open5: 'ignored', open4: 'ignored' },
  {
    wrong: 'PUBREC twice',
    qos: 2,
    sent: '50020001 50020001',
    open5: 'pubrel 00, pubrel 00',
    open4: 'pubrel 00, pubrel 00',
  },
  {
    wrong: 'PUBACK after PUBREC',
    qos: 2,
    sent: '50020001 40020001',
    open5: 'pubrel 00',
    open4: 'pubrel 00',
  },
  {
    wrong: 'PUBCOMP twice',
    qos: 2,
    sent: '50020001 70020001 70020001',
    open5: 'pubrel 00',
    open4: 'pubrel 00',
  },
  {
    wrong: 'PUBREC after PUBCOMP',
    qos: 2,
    sent: '50020001 70020001 50020001',
    open5: 'pubrel 00, pubrel 92',
    open4: 'pubrel 00, pubrel 00',
  },
  {
    wrong: 'PUBREL from who has to answer',
    qos: 2,
    sent: '62020001',
    open5: 'pubcomp 92',
    open4: 'pubcomp 00',
  },
];

for (const { wrong, qos, sent, open5, open4 } of answers) {
  test(`§4.3 ${wrong}`, { timeout: 20_000 }, async (t) => {
    const { port, errors } = await run(t);
    const goesOn = await bystander(port);
    const writer = await dial(port);
    for (const [version, expected] of [
      [5, open5],
      [4, open4],
    ] as const) {
      const client = await RawClient.connected(port, version, 'bad');
      client.send(version === 5 ? `82 07 0001 00 0001 61 0${qos}` : `82 06 0001 0001 61 0${qos}`);
      assert.equal((await client.packet())?.[0], 0x90);
      await writer.publish(message('a', 'x', { qos }));
      assert.equal((await client.packet())?.[0], qos === 2 ? 0x34 : 0x32);
      assert.equal(await answerTo(client, sent, expected, version), expected, `version ${version}`);
      await goesOn();
    }
    assert.deepEqual(errors, []);
  });
}

const held = (first: string, packetId: number): string =>
  packet(first, text('held/a'), hex(packetId, 2), section());

/** With a Receive Maximum of 2, and an application that decides on `held/` when the test is over. */
const tooMany: readonly [string, string, string][] = [
  ['three with QoS 1', held('32', 1) + held('32', 2) + held('32', 3), 'disconnect 93'],
  ['three with QoS 2', held('34', 1) + held('34', 2) + held('34', 3), 'disconnect 93'],
  ['of both', held('32', 1) + held('34', 2) + held('32', 3), 'disconnect 93'],
  [
    'QoS 0 does not count',
    held('32', 1) + held('32', 2) + packet('30', text('held/a'), section()),
    'ignored',
  ],
  [
    'QoS 2 that is answered and not released',
    publish('34', text('a')) + held('34', 2) + held('34', 3),
    'pubrec 10, disconnect 93',
  ],
];

for (const [wrong, sent, expected] of tooMany) {
  test(`[MQTT-3.3.4-7] more than the Receive Maximum: ${wrong}`, { timeout: 20_000 }, async (t) => {
    const { port, errors, application } = await run(t, { limits: { receiveMaximum: 2 } });
    application.onPublish = () => new Promise(() => undefined);
    const goesOn = await bystander(port);
    const client = await RawClient.connected(port, 5, 'bad');
    assert.equal(await answerTo(client, sent, expected, 5), expected);
    await goesOn();
    assert.deepEqual(errors, []);
  });
}

test('[MQTT-3.3.2-12] every alias up to the maximum is taken, in any order, and may be given anew', async (t) => {
  const { port, server } = await run(t);
  const reader = await dial(port);
  await reader.subscribe([{ filter: 'site/#', qos: 0 }]);
  const { topicAliasMaximum = 0 } = reader.connack.properties;
  const aliases = Array.from({ length: topicAliasMaximum }, (_, index) => topicAliasMaximum - index);
  const client = await RawClient.connected(port, 5, 'w');
  for (const round of ['a', 'b']) {
    for (const alias of aliases)
      client.send(publish('30', text(`site/${round}/${alias}`), section(`23${hex(alias, 2)}`)));
    for (const alias of aliases) client.send(publish('30', text(''), section(`23${hex(alias, 2)}`)));
  }
  const topics = (await reader.count(4 * topicAliasMaximum)).map(({ topic }) => topic);
  const named = (round: string): string[] => aliases.map((alias) => `site/${round}/${alias}`);
  assert.deepEqual(topics, [...named('a'), ...named('a'), ...named('b'), ...named('b')]);
  assert.ok(topicAliasMaximum > 1 && server.stats.connections === 2);
  client.destroy();
});
