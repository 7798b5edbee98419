// SPDX-License-Identifier: Apache-2.0
// Lifetimes and attempts, clients with little room, and clients that cannot be refused.
import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import { test } from 'node:test';
import { loadCredential, nodeCrypto, nodeSigner } from '@sealpost/identity/node';
import {
  decodeEvidence,
  fromBase64Url,
  makeSeal,
  newMessageId,
  toBase64Url,
  type Address,
  type Claims,
  type Seal,
  type Signer,
} from '@sealpost/protocol';
import { JsClient, federation, type Dev } from './_harness.ts';

const alarm = 'kitchen-alarm@home.test' as Address;
const desk = 'desk@fire.test' as Address;
const body = Buffer.from('Smoke in the kitchen');

async function signerOf(dev: Dev, address: string): Promise<Signer> {
  const { certFile } = dev.account(address);
  const { certificate, chain, privateKey } = await loadCredential(
    dirname(certFile),
    basename(certFile, '.pem'),
  );
  return nodeSigner({ certificateDer: certificate, chain, privateKey });
}

function seal(signer: Signer, changes: Partial<Claims> = {}): Promise<Seal> {
  const now = Math.floor(Date.now() / 1000);
  const claims: Claims = {
    issuer: alarm,
    audience: desk,
    issuedAt: now,
    expires: now + 600,
    id: newMessageId(Date.now(), nodeCrypto.randomBytes(10)),
    precedence: 4,
    class: 'ordinary',
    ask: [],
    ...changes,
  };
  return makeSeal({ claims, contentType: 'text/plain;charset=utf-8', body, signer, crypto: nodeCrypto });
}

function property(seal: Uint8Array): Record<string, string> {
  return { seal: toBase64Url(seal) };
}

test('[DELIV-2] life left in MQTT and none in the seal: the sender’s clock is wrong, and it is told so', async (t) => {
  const dev = await federation(t);
  const signer = await signerOf(dev, alarm);
  const sender = await JsClient.connect(t, dev, alarm);
  const now = Math.floor(Date.now() / 1000);
  const { bytes } = await seal(signer, { issuedAt: now - 7200, expires: now - 3600 });
  const answer = await sender.publish(`mail/to/${desk}`, body, property(bytes), {
    messageExpiryInterval: 3600,
  });
  assert.equal(answer.properties['error'], 'clock');
});

test('[DELIV-6] one attempt is one offer: taken by nobody, the message lapses', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  await sender.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  const reader = await JsClient.connect(t, dev, desk);
  // It takes the bytes and goes without an answer; its session ends with the connection.
  reader.client.handleMessage = () => reader.client.stream.destroy();
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const sent = await sender.publish(`mail/to/${desk}`, 'once', { attempts: 'max=1' });
  assert.equal(sent.reasonCode, 0, sent.reasonString);
  const told = await sender.next();
  assert.equal(told.topic, `mail/evidence/${String(sent.properties['id'])}/lapsed`);
  assert.match(told.text, /attempts/);
});

test('a message that is not to come before its time is held, and then delivered', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const notBefore = Math.floor(Date.now() / 1000) + 2;
  await sender.publish(`mail/to/${desk}`, 'later', { attempts: `not-before=${notBefore}` });
  await sender.publish(`mail/to/${desk}`, 'now');
  assert.equal((await reader.next()).text, 'now');
  assert.equal((await reader.next()).text, 'later');
  assert.ok(Date.now() >= notBefore * 1000);
});

test('[DELIV-7] [DELIV-8] a client with little room gets no certificates, and a stub where even the text is too large', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  const small = await JsClient.connect(t, dev, desk, { properties: { maximumPacketSize: 900 } });
  const large = await JsClient.connect(t, dev, desk);
  for (const { client } of [small, large]) await client.subscribeAsync('mail/inbox/#', { qos: 1 });
  await sender.publish(`mail/to/${desk}`, 'short');
  const [short, whole] = [await small.next(), await large.next()];
  assert.equal(short.text, 'short');
  assert.ok(String(short.properties['seal']).length < String(whole.properties['seal']).length - 500);
  const sent = await sender.publish(`mail/to/${desk}`, 'x'.repeat(2_000));
  const stub = await small.next();
  assert.equal(stub.text, '');
  assert.equal(stub.properties['error'], 'packet-too-large');
  assert.equal(stub.properties['id'], sent.properties['id']);
  assert.equal((await large.next()).text.length, 2_000);
});

test('[DELIV-13] MQTT 3.1.1 and QoS 0 are told by signed evidence that a message was rejected', async (t) => {
  const dev = await federation(t);
  const old = await JsClient.connect(t, dev, alarm, { protocolVersion: 4 });
  const listener = await JsClient.connect(t, dev, alarm);
  await old.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  await listener.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  await old.client.publishAsync('mail/to/nobody@home.test', 'anyone?', { qos: 1 });
  assert.match((await old.next()).text, /^rejected: nobody@home\.test, .*mailbox-unknown/);
  await listener.client.publishAsync('mail/to/nobody@home.test', 'anyone?', { qos: 0 });
  const told = await listener.next();
  assert.match(told.topic, /\/rejected$/);
  const signed = fromBase64Url(String(told.properties['evidence'])) ?? new Uint8Array(0);
  assert.ok(decodeEvidence(signed).ok);
});
