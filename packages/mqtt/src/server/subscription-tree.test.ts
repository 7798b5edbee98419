// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { topicMatches } from '../topic.ts';
import { RetainedStore } from './retained.ts';
import { SubscriptionTree } from './subscription-tree.ts';

const level = fc.constantFrom('a', 'b', '', '$s');
const topics = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic.length > 0);
const filters = fc
  .array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 })
  .chain((levels) => fc.constantFrom(levels.join('/'), [...levels, '#'].join('/'), '#'))
  .filter((filter) => filter.length > 0);
const holders = fc.constantFrom('x', 'y', 'z');
const steps = fc.array(
  fc.record({ adds: fc.boolean(), holder: holders, filter: filters, value: fc.nat({ max: 3 }) }),
  { maxLength: 40 },
);

test('the tree finds exactly what filter by filter matching finds, whatever was added and removed', () => {
  fc.assert(
    fc.property(steps, fc.array(topics, { maxLength: 5 }), (steps, topics) => {
      const tree = new SubscriptionTree<string, number>();
      const model = new Map<string, { holder: string; filter: string; value: number }>();
      for (const { adds, holder, filter, value } of steps) {
        if (adds) {
          tree.add(holder, filter, value);
          model.set(`${holder} ${filter}`, { holder, filter, value });
        } else {
          tree.remove(holder, filter);
          model.delete(`${holder} ${filter}`);
        }
      }
      assert.equal(tree.size, model.size);
      for (const topic of topics) {
        const found: string[] = [];
        tree.match(topic, (holder, value) => found.push(`${holder} ${value}`));
        const expected = [...model.values()]
          .filter(({ filter }) => topicMatches(filter, topic))
          .map(({ holder, value }) => `${holder} ${value}`);
        assert.deepEqual(found.sort(), expected.sort());
      }
      for (const { holder, filter } of model.values()) tree.remove(holder, filter);
      assert.deepEqual([tree.size, tree.nodes], [0, 0], 'nothing is left of what was removed');
    }),
  );
});

test('the nodes of the tree are those on the way to what is held', () => {
  const tree = new SubscriptionTree<string, number>();
  tree.add('x', 'a/b/c', 1);
  tree.add('x', 'a/b/#', 1);
  tree.add('y', 'a/+', 1);
  assert.equal(tree.nodes, 4);
  tree.remove('x', 'a/b/c');
  tree.remove('x', 'a/b');
  tree.remove('y', 'a/b/#');
  assert.deepEqual([tree.size, tree.nodes], [2, 3]);
  tree.remove('x', 'a/b/#');
  assert.deepEqual([tree.size, tree.nodes], [1, 2]);
});

test('[MQTT-4.7.2-1] retained messages are found as topic by topic matching finds them, and counted as they are', () => {
  const kept = fc.array(fc.record({ topic: topics, empty: fc.boolean(), account: holders }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(kept, fc.array(filters, { maxLength: 5 }), (kept, filters) => {
      const store = new RetainedStore({
        retainedMax: 10,
        retainedBytesMax: 1e6,
        retainedPerAccount: 4,
        retainedBytesPerAccount: 1e6,
      });
      const model = new Map<string, string>();
      for (const { topic, empty, account } of kept) {
        if (empty) {
          store.remove(topic);
          model.delete(topic);
          continue;
        }
        const payload = Uint8Array.of(1);
        const publish = { topic, payload, qos: 1, retain: true, userProperties: [] } as const;
        const others = [...model].filter(([name]) => name !== topic);
        const own = others.filter(([, owner]) => owner === account);
        const fits = others.length < 10 && own.length < 4;
        assert.equal(store.keep({ publish, account, expiresAt: undefined }, 0), fits);
        if (fits) model.set(topic, account);
      }
      assert.equal(store.size, model.size);
      for (const filter of filters) {
        const found: string[] = [];
        store.matching(filter, 0, ({ publish }) => found.push(publish.topic));
        const expected = [...model.keys()].filter((topic) => topicMatches(filter, topic));
        assert.deepEqual(found.sort(), expected.sort());
      }
      for (const topic of model.keys()) store.remove(topic);
      assert.deepEqual([store.size, store.bytes], [0, 0]);
    }),
  );
});

test('[MQTT-3.3.2-5] a retained message is not shown once it expired, and makes room for others', () => {
  const store = new RetainedStore({
    retainedMax: 2,
    retainedBytesMax: 1e6,
    retainedPerAccount: 2,
    retainedBytesPerAccount: 1e6,
  });
  const keep = (topic: string, expiresAt: number | undefined, nowMs: number): boolean =>
    store.keep(
      {
        publish: { topic, payload: Uint8Array.of(1), qos: 1, retain: true, userProperties: [] },
        account: 'x',
        expiresAt,
      },
      nowMs,
    );
  const shown = (nowMs: number): string[] => {
    const topics: string[] = [];
    store.matching('#', nowMs, ({ publish }) => topics.push(publish.topic));
    return topics;
  };
  assert.ok(keep('a', 20_000, 0) && keep('b', undefined, 0) && !keep('c', undefined, 1));
  assert.deepEqual(shown(19_999), ['a', 'b']);
  assert.deepEqual(shown(20_000), ['b']);
  assert.ok(keep('c', undefined, 20_000));
  assert.deepEqual(shown(20_000), ['b', 'c']);
});
