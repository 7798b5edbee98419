// SPDX-License-Identifier: Apache-2.0
// What a mailbox promises its owner's sessions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dev, JsClient, federation } from './_harness.ts';

const ann = 'ann@home.test';
const alarm = 'kitchen-alarm@home.test';
const desk = 'desk@fire.test';
const session = { clean: false, properties: { sessionExpiryInterval: 600 } };

test('nothing comes twice in one session, across reconnects', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  const seen: string[] = [];
  const first = await JsClient.connect(t, dev, desk, { clientId: 'desk1', ...session });
  await first.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  for (let n = 0; n < 5; n += 1) await sender.publish(`mail/to/${desk}`, `a${n}`);
  for (let n = 0; n < 5; n += 1) seen.push((await first.next()).text);
  await first.client.endAsync();
  for (let n = 0; n < 5; n += 1) await sender.publish(`mail/to/${desk}`, `b${n}`);
  const second = await JsClient.connect(t, dev, desk, { clientId: 'desk1', ...session });
  await second.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  for (let n = 0; n < 5; n += 1) seen.push((await second.next()).text);
  await sender.publish(`mail/to/${desk}`, 'last');
  seen.push((await second.next()).text);
  assert.equal(seen.length, new Set(seen).size);
  assert.equal(seen.at(-1), 'last');
});

test('the first of two sessions to acknowledge takes the message; a third that comes later sees nothing', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  await sender.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  const sessions = [await JsClient.connect(t, dev, desk), await JsClient.connect(t, dev, desk)];
  for (const { client } of sessions) await client.subscribeAsync('mail/inbox/#', { qos: 1 });
  await sender.publish(`mail/to/${desk}`, 'to both', { ask: 'fetched' });
  for (const reader of sessions) assert.equal((await reader.next()).text, 'to both');
  assert.match((await sender.next()).topic, /\/fetched$/);
  const late = await JsClient.connect(t, dev, desk);
  await late.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  await sender.publish(`mail/to/${desk}`, 'next');
  assert.equal((await late.next()).text, 'next');
  assert.equal(sender.unread.length, 0, 'fetched was told twice');
});

test('what expired is never handed over, and its sender is told', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  await sender.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  const answer = await sender.publish(`mail/to/${desk}`, 'stale', {}, { messageExpiryInterval: 3 });
  assert.equal(answer.reasonCode, 0);
  const told = await sender.next();
  assert.equal(told.topic, `mail/evidence/${String(answer.properties['id'])}/lapsed`);
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  await sender.publish(`mail/to/${desk}`, 'fresh');
  assert.equal((await reader.next()).text, 'fresh');
});

test('sessions of one account share a subscription outside mail; another account of the same domain takes nothing away', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  const workers = [await JsClient.connect(t, dev, ann), await JsClient.connect(t, dev, ann)];
  for (const { client } of [...workers, sender])
    await client.subscribeAsync('$share/workers/house/#', { qos: 1 });
  for (const text of ['1', '2', '3', '4']) await sender.client.publishAsync('house/jobs', text, { qos: 0 });
  const texts: string[] = [];
  for (const worker of [...workers, ...workers]) texts.push((await worker.next()).text);
  assert.deepEqual(texts.toSorted(), ['1', '2', '3', '4']);
  const own: string[] = [];
  for (let n = 0; n < 4; n += 1) own.push((await sender.next()).text);
  assert.deepEqual(own, ['1', '2', '3', '4']);
});

test('mail at QoS 2 is submitted once and shown at QoS 1', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  const reader = await JsClient.connect(t, dev, desk);
  const [granted] = await reader.client.subscribeAsync('mail/inbox/#', { qos: 2 });
  assert.equal(granted?.qos, 1);
  await sender.client.publishAsync(`mail/to/${desk}`, 'exactly once', { qos: 2 });
  const shown = await reader.next();
  assert.equal(shown.text, 'exactly once');
  assert.equal(reader.unread.length, 0);
});

test('QoS 0 shows a message and leaves it in the mailbox', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  const glance = await JsClient.connect(t, dev, desk);
  await glance.client.subscribeAsync('mail/inbox/#', { qos: 0 });
  await sender.publish(`mail/to/${desk}`, 'still here');
  assert.equal((await glance.next()).text, 'still here');
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  assert.equal((await reader.next()).text, 'still here');
});

test('everything survives a restart', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  await sender.publish(`mail/to/${desk}`, 'before', { precedence: 'flash' });
  const closed = new Promise<void>((resolve) => sender.client.once('close', () => resolve()));
  assert.equal(await dev.end(), 0);
  await closed;
  const again = await Dev.start(dev.ready.dataDir);
  t.after(() => again.end());
  const reader = await JsClient.connect(t, again, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const arrived = await reader.next();
  assert.equal(arrived.text, 'before');
  assert.equal(arrived.topic, `mail/inbox/flash/${alarm}`);
  assert.match(String(arrived.properties['trust']), /anchor=static/);
});
