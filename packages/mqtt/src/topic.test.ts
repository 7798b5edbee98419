// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { isShared, isTopicFilter, isTopicName, parseShared, topicMatches } from './topic.ts';

test('[MQTT-4.7.0-1] [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT3-4.7.1-1] [MQTT3-4.7.1-2] [MQTT3-4.7.1-3] [MQTT3-4.7.3-1] what is a filter', () => {
  for (const filter of ['#', '+', 'a/#', '/', '+/+', 'a//b', '/+/#', ' ', '$share/g/a'])
    assert.ok(isTopicFilter(filter), filter);
  for (const filter of ['', 'a#', '#/a', 'a+', 'a/+b', 'a/#/b', '##'])
    assert.ok(!isTopicFilter(filter), filter);
  assert.ok(isTopicName('a/b') && !isTopicName('') && !isTopicName('a/+'));
  assert.ok(isShared('$share/g/a') && !isShared('$shared/a'));
});

test('[MQTT-4.8.2-1] [MQTT-4.8.2-2] the share name and the filter of a shared subscription', () => {
  assert.deepEqual(parseShared('$share/g/a/#'), { shareName: 'g', filter: 'a/#' });
  assert.deepEqual(parseShared('$share/g//'), { shareName: 'g', filter: '/' });
  for (const wrong of ['$share', '$share/g', '$share/g/', '$share//a', '$share/+/a', '$share/g#/a', 'a/g/a'])
    assert.equal(parseShared(wrong), undefined, wrong);
});

test('[MQTT-4.7.2-1] [MQTT-4.7.3-4] [MQTT3-4.7.2-1] [MQTT3-4.7.3-4] what matches', () => {
  const yes = [
    ['#', 'a/b'],
    ['a/#', 'a'],
    ['a/+', 'a/'],
    ['+/+', '/a'],
    ['/+', '/a'],
    ['$SYS/#', '$SYS/a'],
    ['a//c', 'a//c'],
  ];
  const no = [
    ['#', '$SYS/a'],
    ['+/a', '$SYS/a'],
    ['+', '/a'],
    ['a/+', 'a'],
    ['a', 'A'],
    ['é', 'e\u0301'],
    ['a//b', 'a/b'],
    ['a/', 'a'],
    ['a/b', 'a/b/c'],
    ['a/b/c', 'a/b'],
  ];
  for (const [filter = '', topic = ''] of yes) assert.ok(topicMatches(filter, topic), `${filter} ${topic}`);
  for (const [filter = '', topic = ''] of no) assert.ok(!topicMatches(filter, topic), `${filter} ${topic}`);
});
