// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { PublishPacket } from '../packet.ts';
import { ReceivedAliases, SentAliases } from './topic-aliases.ts';

function packet(topic: string): PublishPacket {
  return {
    type: 'publish',
    topic,
    payload: new Uint8Array(0),
    qos: 0,
    retain: false,
    dup: false,
    userProperties: [],
    packetBytes: 0,
  };
}

test('[MQTT-3.3.2-8] [MQTT-3.3.2-9] which aliases are taken', () => {
  const aliases = new ReceivedAliases(2);
  for (const alias of [0, 3, 65_535])
    assert.throws(() => aliases.resolve(packet('a'), alias), { reasonCode: 0x94 });
  assert.throws(() => aliases.resolve(packet(''), 1), { reasonCode: 0x82 });
  for (const topic of ['a', 'b']) {
    aliases.resolve(packet(topic), 1);
    const short = packet('');
    aliases.resolve(short, 1);
    assert.equal(short.topic, topic);
  }
  assert.throws(() => new ReceivedAliases(0).resolve(packet('a'), 1), { reasonCode: 0x94 });
});

test('what one side names the other one knows, whatever is sent and whatever is not written after all', () => {
  const sent = fc.record({ topic: fc.integer({ min: 0, max: 12 }), isWritten: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(sent, { maxLength: 100 }), (aliasMax, messages) => {
      const [ours, theirs] = [new SentAliases(aliasMax), new ReceivedAliases(aliasMax)];
      for (const { topic: index, isWritten } of messages) {
        const topic = `topic/${index}`;
        const known = ours.known(topic);
        const alias = known > 0 ? known : ours.next(topic);
        assert.ok(alias >= 1 && alias <= aliasMax, '[MQTT-3.1.2-26]');
        if (!isWritten) continue;
        const arrives = packet(known > 0 ? '' : topic);
        theirs.resolve(arrives, alias);
        assert.equal(arrives.topic, topic);
        if (known === 0) ours.gave(topic, alias);
      }
    }),
  );
});

test('a topic in use keeps its alias while others come and go; short topics get none', () => {
  const aliases = new SentAliases(4);
  const name = (topic: string): number => {
    const known = aliases.known(topic);
    if (known > 0) return known;
    aliases.gave(topic, aliases.next(topic));
    return 0;
  };
  name('busy/topic');
  for (let i = 0; i < 50; i++) {
    assert.equal(name('busy/topic'), 1);
    name(`once/${i}`);
  }
  assert.equal(aliases.next('a/b'), 0);
  assert.equal(new SentAliases(0).next('busy/topic'), 0);
});
