// SPDX-License-Identifier: Apache-2.0
// The main job with stock clients: a smoke alarm in one domain, a fire desk in another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireTool } from '@sealpost/testing';
import { JsClient, MosquittoSub, federation, mosquittoPub } from './_harness.ts';

const alarm = 'kitchen-alarm@home.test';
const desk = 'desk@fire.test';

test('mosquitto_pub sends flash, mosquitto_sub takes it, the alarm is told twice', async (t) => {
  if (!requireTool(t, 'mosquitto_pub', 'mosquitto-clients')) return;
  const dev = await federation(t);
  const evidence = await MosquittoSub.start(
    t,
    dev,
    alarm,
    "-V 5 -q 1 -c -i alarm-evidence -t mail/evidence/# -F '%t %p'",
  );
  const inbox = await MosquittoSub.start(t, dev, desk, "-V 5 -q 1 -c -i desk1 -t 'mail/inbox/#' -F '%t %p'");
  const sent = await mosquittoPub(
    dev,
    alarm,
    "-V 5 -q 1 -t mail/to/desk@fire.test -m 'Smoke in the kitchen' -D publish message-expiry-interval 120 " +
      '-D publish user-property precedence flash -D publish user-property ask delivered,fetched',
  );
  assert.equal(sent.code, 0, sent.stderr);
  assert.equal(await inbox.next(), 'mail/inbox/flash/kitchen-alarm@home.test Smoke in the kitchen');
  const told = [await evidence.next(), await evidence.next()].sort();
  assert.match(told[0] ?? '', /^mail\/evidence\/[0-9a-f-]{36}\/delivered delivered: desk@fire\.test, /);
  assert.match(told[1] ?? '', /^mail\/evidence\/[0-9a-f-]{36}\/fetched fetched: desk@fire\.test, /);
});

test('a 3.1.1 client sends by topic and another one reads', async (t) => {
  if (!requireTool(t, 'mosquitto_pub', 'mosquitto-clients')) return;
  const dev = await federation(t);
  const inbox = await MosquittoSub.start(t, dev, desk, "-V 311 -q 1 -t 'mail/inbox/#' -F '%t %p'");
  const sent = await mosquittoPub(dev, alarm, '-V 311 -q 1 -t mail/to/desk@fire.test/flash -m Smoke');
  assert.equal(sent.code, 0, sent.stderr);
  assert.equal(await inbox.next(), 'mail/inbox/flash/kitchen-alarm@home.test Smoke');
});

test('the text arrives untouched, whatever it is', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const texts = [
    '',
    ' ',
    'é',
    'é',
    'שלום',
    '🔥🚒',
    'line\r\nline\n',
    '\t',
    'x'.repeat(65_536),
    '\u0000',
    '“—”',
  ];
  for (const text of texts) {
    const answer = await sender.publish(`mail/to/${desk}`, text);
    assert.equal(answer.reasonCode, 0, answer.reasonString);
    assert.equal((await reader.next()).text, text);
  }
});

test('whoever reads late reads the most urgent first', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  const lanes = ['routine', 'deferred', 'flash', 'priority', 'routine', 'flash'];
  const ids: string[] = [];
  for (const [index, precedence] of lanes.entries()) {
    const answer = await sender.publish(`mail/to/${desk}`, `${index}`, { precedence, ask: 'delivered' });
    ids.push(String(answer.properties['id']));
  }
  await sender.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  for (const _ of lanes) assert.match((await sender.next()).topic, /\/delivered$/);
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const order: string[] = [];
  for (const _ of lanes) order.push((await reader.next()).text);
  assert.deepEqual(order, ['2', '5', '3', '0', '4', '1']);
  assert.equal(new Set(ids).size, lanes.length);
});

test('flash that the recipient did not grant travels as priority, and evidence says so', async (t) => {
  const dev = await federation(t);
  const ann = await JsClient.connect(t, dev, 'ann@home.test');
  await ann.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const answer = await ann.publish(`mail/to/${desk}`, 'Hurry', { precedence: 'flash', ask: 'delivered' });
  assert.equal(answer.reasonCode, 0);
  const arrived = await reader.next();
  assert.equal(arrived.topic, 'mail/inbox/priority/ann@home.test');
  assert.equal(arrived.properties['precedence'], 'flash');
  assert.equal(arrived.properties['lane'], 'priority');
  assert.match((await ann.next()).text, /in a lower lane than asked/);
});
