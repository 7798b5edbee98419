// SPDX-License-Identifier: Apache-2.0
// What bad input gets: a registered code, a plain sentence, the right reason code, and a connection that goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { describeError, isErrorCode } from '@sealpost/protocol';
import { JsClient, federation, type Dev } from './_harness.ts';

const alarm = 'kitchen-alarm@home.test';
const ann = 'ann@home.test';
const desk = 'desk@fire.test';

const refused: readonly {
  readonly name: string;
  readonly topic: string;
  readonly body?: string | Buffer;
  readonly properties?: Record<string, string | string[]>;
  readonly more?: Record<string, unknown>;
  readonly code: string;
}[] = [
  { name: 'an unknown mailbox here', topic: 'mail/to/nobody@home.test', code: 'mailbox-unknown' },
  { name: 'an unknown domain', topic: 'mail/to/desk@elsewhere.test', code: 'peer-unknown' },
  { name: 'a bad address', topic: 'mail/to/not-an-address', code: 'address-invalid' },
  { name: 'a bad precedence in the topic', topic: `mail/to/${desk}/urgent`, code: 'precedence-invalid' },
  { name: 'an inbox', topic: `mail/inbox/flash/${alarm}`, code: 'not-allowed' },
  {
    name: 'somebody’s evidence',
    topic: 'mail/evidence/01890000-0000-7000-8000-000000000000/delivered',
    code: 'not-allowed',
  },
  { name: 'the relay', topic: 'mail/relay/message', code: 'not-allowed' },
  { name: 'a topic that means nothing', topic: 'mail/nonsense', code: 'topic-invalid' },
  {
    name: 'a body over 64 KiB',
    topic: `mail/to/${desk}`,
    body: Buffer.alloc(65_537),
    code: 'body-too-large',
  },
  {
    name: '[DELIV-1] bytes declared as text',
    topic: `mail/to/${desk}`,
    body: Buffer.from([0xff, 0xfe]),
    more: { payloadFormatIndicator: true },
    code: 'body-format',
  },
  {
    name: 'a lifetime over 30 days',
    topic: `mail/to/${desk}`,
    more: { messageExpiryInterval: 40 * 86_400 },
    code: 'lifetime-invalid',
  },
  ...['trust', 'lane', 'evidence', 'error', 'retry-after'].map((word) => ({
    name: `the server's word ${word}`,
    topic: `mail/to/${desk}`,
    properties: { [word]: 'x' },
    code: 'reserved-property',
  })),
  {
    name: 'another account as from',
    topic: `mail/to/${desk}`,
    properties: { from: ann },
    code: 'reserved-property',
  },
  { name: 'a bad id', topic: `mail/to/${desk}`, properties: { id: '7' }, code: 'id-invalid' },
  {
    name: 'a seal that is none',
    topic: `mail/to/${desk}`,
    properties: { seal: 'AAAA' },
    code: 'cbor-invalid',
  },
  {
    name: 'an act on nobody’s message',
    topic: 'mail/act/01890000-0000-7000-8000-000000000000/acknowledge',
    code: 'message-unknown',
  },
];

test('[ERR-1] refusals carry code, sentence and reason code, and the connection survives', async (t) => {
  const dev = await federation(t);
  const client = await JsClient.connect(t, dev, alarm);
  for (const { name, topic, body = 'text', properties, more, code } of refused) {
    await t.test(name, async () => {
      const answer = await client.publish(topic, body, properties, more);
      assert.equal(answer.properties['error'], code);
      assert.ok(isErrorCode(code));
      assert.equal(answer.reasonCode, describeError(code).mqtt);
      assert.equal(answer.reasonString, describeError(code).sentence);
    });
  }
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  assert.equal((await client.publish(`mail/to/${desk}`, 'still connected')).reasonCode, 0);
  assert.equal((await reader.next()).text, 'still connected');
});

test('a mailbox that does not exist in another domain is told by that domain', async (t) => {
  const dev = await federation(t);
  const client = await JsClient.connect(t, dev, alarm);
  await client.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  const answer = await client.publish('mail/to/nobody@fire.test', 'anyone?');
  assert.equal(answer.reasonCode, 0);
  const told = await client.next();
  assert.equal(told.topic, `mail/evidence/${String(answer.properties['id'])}/relay-refused`);
  assert.match(told.text, /mailbox-unknown/);
});

test('the same id twice: same bytes are one message, other bytes are refused', async (t) => {
  const dev = await federation(t);
  const client = await JsClient.connect(t, dev, alarm);
  const id = '01890000-0000-7000-8000-000000000001';
  assert.equal((await client.publish(`mail/to/${desk}`, 'one', { id })).reasonCode, 0);
  const other = await client.publish(`mail/to/${desk}`, 'two', { id });
  assert.equal(other.properties['error'], 'id-conflict');
});

async function connectError(dev: Dev, options: object): Promise<number | undefined> {
  const { host, port } = dev.domainOf(alarm).mqtt;
  try {
    const client = await connectAsync({ host, port, protocolVersion: 5, reconnectPeriod: 0, ...options });
    await client.endAsync(true);
    return undefined;
  } catch (error) {
    return (error as { code?: number }).code;
  }
}

test('[ERR-3] a wrong password and an unknown account get the same answer; nobody signs in without a name', async (t) => {
  const dev = await federation(t);
  const { password } = dev.account(alarm);
  const wrong = await connectError(dev, { username: alarm, password: 'wrong' });
  const unknown = await connectError(dev, { username: 'nobody@home.test', password });
  assert.equal(wrong, 0x86);
  assert.equal(unknown, wrong);
  assert.equal(await connectError(dev, {}), 0x86);
});

test('a subscription to everything yields nothing of mail, and nobody reads another’s', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  await sender.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  const ann2 = await JsClient.connect(t, dev, ann);
  await ann2.client.subscribeAsync('#', { qos: 1 });
  const answer = await sender.publish(`mail/to/${desk}`, 'secret', { ask: 'accepted,delivered' });
  await ann2.client.subscribeAsync(`mail/evidence/${String(answer.properties['id'])}/#`, { qos: 1 });
  await ann2.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  await sender.next();
  await sender.next();
  await sender.publish('house/kitchen/temperature', '21');
  const arrived = await ann2.next();
  assert.equal(arrived.topic, 'house/kitchen/temperature');
  assert.equal(ann2.unread.length, 0);
});

test('[TOPIC-3] shared subscriptions on mail are refused', async (t) => {
  const dev = await federation(t);
  const client = await JsClient.connect(t, dev, alarm);
  for (const filter of ['$share/group/mail/inbox/#', '$share/group/mail'])
    await assert.rejects(client.client.subscribeAsync(filter, { qos: 1 }), /Topic Filter invalid/);
  assert.equal((await client.publish(`mail/to/${desk}`, 'still connected')).reasonCode, 0);
});

test('retained messages work outside mail, and RETAIN on mail is ignored', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  await sender.client.publishAsync('house/door', 'shut', { qos: 1, retain: true });
  await sender.client.publishAsync(`mail/to/${desk}`, 'once', { qos: 1, retain: true });
  const reader = await JsClient.connect(t, dev, ann);
  await reader.client.subscribeAsync('house/#', { qos: 1 });
  const arrived = await reader.next();
  assert.deepEqual([arrived.topic, arrived.text, arrived.retain], ['house/door', 'shut', true]);
  const inbox = await JsClient.connect(t, dev, desk);
  await inbox.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const mail = await inbox.next();
  assert.deepEqual([mail.text, mail.retain], ['once', false]);
});
