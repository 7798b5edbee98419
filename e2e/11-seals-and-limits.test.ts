// SPDX-License-Identifier: Apache-2.0
// Senders that seal themselves, clients with little room, and clients that cannot be refused.
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
  withChain,
  type Address,
  type Claims,
  type Seal,
  type Signer,
} from '@sealpost/protocol';
import { JsClient, federation, type Dev } from './_harness.ts';

const alarm = 'kitchen-alarm@home.test' as Address;
const ann = 'ann@home.test' as Address;
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

test('an origin seal arrives as such, with the flash its kind was granted; a stock one as a domain seal', async (t) => {
  const dev = await federation(t);
  const signer = await signerOf(dev, alarm);
  const sender = await JsClient.connect(t, dev, alarm);
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const { bytes, claims } = await seal(signer);
  const unknown = await sender.publish(`mail/to/${desk}`, body, property(bytes));
  assert.equal(unknown.properties['error'], 'certificate-needed');
  const whole = withChain(bytes, signer.chain);
  assert.equal((await sender.publish(`mail/to/${desk}`, body, property(whole))).reasonCode, 0);
  const arrived = await reader.next();
  assert.equal(arrived.topic, `mail/inbox/flash/${alarm}`);
  assert.equal(arrived.properties['trust'], 'origin; anchor=static');
  assert.equal(arrived.properties['id'], claims.id);
  await sender.publish(`mail/to/${desk}`, 'plain', { precedence: 'flash' });
  const stock = await reader.next();
  assert.equal(stock.topic, `mail/inbox/flash/${alarm}`);
  assert.equal(stock.properties['trust'], 'domain; anchor=static');
});

test('a replayed seal is one message; whatever else is wrong with a seal is refused by name', async (t) => {
  const dev = await federation(t);
  const signer = await signerOf(dev, alarm);
  const annSigner = await signerOf(dev, ann);
  const sender = await JsClient.connect(t, dev, alarm);
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const now = Math.floor(Date.now() / 1000);
  const good = await seal(signer);
  const whole = withChain(good.bytes, signer.chain);
  const first = await sender.publish(`mail/to/${desk}`, body, property(whole));
  assert.equal(first.reasonCode, 0);
  const replayed = await sender.publish(`mail/to/${desk}`, body, property(whole));
  assert.deepEqual(replayed.properties, first.properties);
  const flipped = Uint8Array.from((await seal(signer)).bytes);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  const refused: readonly (readonly [string, Uint8Array, string, Record<string, string>?, Buffer?])[] = [
    ['a tampered body', (await seal(signer)).bytes, 'body-mismatch', {}, Buffer.from('Nothing here')],
    ['another recipient', (await seal(signer, { audience: ann })).bytes, 'audience-mismatch'],
    ['another account’s seal', (await seal(annSigner, { issuer: ann })).bytes, 'issuer-mismatch'],
    [
      'a key of another account',
      withChain((await seal(annSigner)).bytes, annSigner.chain),
      'issuer-mismatch',
    ],
    ['an expired one', (await seal(signer, { issuedAt: now - 60, expires: now - 1 })).bytes, 'expired'],
    ['31 days', (await seal(signer, { expires: now + 31 * 86_400 })).bytes, 'lifetime-invalid'],
    [
      'from tomorrow',
      (await seal(signer, { issuedAt: now + 86_400, expires: now + 90_000 })).bytes,
      'issued-in-future',
    ],
    ['a copy that disagrees', (await seal(signer)).bytes, 'copy-disagrees', { precedence: 'routine' }],
    ['the id of another', (await seal(signer, { id: good.claims.id, subject: 'x' })).bytes, 'id-conflict'],
    ['a flipped bit', flipped, 'signature-invalid'],
  ];
  for (const [name, bytes, code, copies = {}, sent = body] of refused) {
    const answer = await sender.publish(`mail/to/${desk}`, sent, { ...property(bytes), ...copies });
    assert.equal(answer.properties['error'], code, name);
  }
  await sender.publish(`mail/to/${desk}`, 'last');
  const texts = [(await reader.next()).text, (await reader.next()).text];
  assert.deepEqual(texts, ['Smoke in the kitchen', 'last']);
});

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
