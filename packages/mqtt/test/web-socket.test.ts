// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { connectLink } from '@sealpost/mqtt/link';
import { listenWebSocket, type Listener } from '@sealpost/mqtt/node';
import { createMqttServer, type ConnectRequest } from '@sealpost/mqtt/server';
import { connectWebSocket } from '@sealpost/mqtt/web';
import { requireTool } from '@sealpost/testing';
import { connectAsync } from 'mqtt';
import { WebSocket, type ClientOptions } from 'ws';
import { connectHex } from './raw.ts';
import { selfSigned } from './self-signed.ts';
import { message, OpenApplication, textOf } from './support.ts';

const page = 'https://mail.example';
const messageBytesMax = 20_000;
const connectBytes = Buffer.from(connectHex(5, 'web'), 'hex');
const ping = Buffer.from('c000', 'hex');

const upgradeText = [
  'GET /mqtt HTTP/1.1',
  'Host: x',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Protocol: mqtt',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');

interface Running {
  readonly application: OpenApplication;
  readonly listener: Listener;
  readonly port: number;
  readonly url: string;
}

async function run(t: TestContext): Promise<Running> {
  const application = new OpenApplication();
  const server = createMqttServer({ application });
  const options = { host: '127.0.0.1', port: 0, origins: [page], messageBytesMax };
  const listener = await listenWebSocket(server, options);
  t.after(() => Promise.all([listener.close(), server.close()]));
  const { port } = listener;
  return { application, listener, port, url: `ws://127.0.0.1:${port}/mqtt` };
}

/** A raw WebSocket and the bytes that came over it. */
class Raw {
  readonly socket: WebSocket;
  #bytes = Buffer.alloc(0);
  textFrames = 0;
  readonly #closed: Promise<number>;
  #wake: () => void = () => undefined;

  constructor(url: string, subprotocols: string[] = ['mqtt'], options: ClientOptions = {}) {
    this.socket = new WebSocket(url, subprotocols, options);
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) this.textFrames++;
      this.#bytes = Buffer.concat([this.#bytes, data]);
      this.#wake();
    });
    this.#closed = new Promise((resolve) => this.socket.once('close', (code) => resolve(code)));
    this.socket.on('error', () => undefined);
  }

  static async open(t: TestContext, url: string, options: ClientOptions = {}): Promise<Raw> {
    const raw = new Raw(url, ['mqtt'], options);
    t.after(() => raw.socket.terminate());
    await once(raw.socket, 'open');
    return raw;
  }

  /** Resolves with the first bytes that came, once there are so many. */
  async bytes(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#bytes.subarray(0, count);
  }

  closed(): Promise<number> {
    return this.#closed;
  }
}

/** The HTTP status with which an upgrade was answered. */
function statusOf(url: string, subprotocols: string[], options: ClientOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, subprotocols, options);
    socket.on('error', () => undefined);
    socket.once('open', () => reject(new Error('it opened')));
    socket.once('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode));
  });
}

test('MQTT.js connects over WebSocket, with and without the origin of an allowed page', async (t) => {
  const { url } = await run(t);
  for (const headers of [{}, { origin: page }]) {
    const client = await connectAsync(url, {
      protocolVersion: 5,
      reconnectPeriod: 0,
      wsOptions: { headers },
    });
    const arrived = new Promise<[string, string]>((resolve) => {
      client.once('message', (topic, payload) => resolve([topic, payload.toString()]));
    });
    await client.subscribeAsync('a/#', { qos: 1 });
    const body = 'x'.repeat(15_000);
    await client.publishAsync('a/b', body, { qos: 1 });
    assert.deepEqual(await arrived, ['a/b', body]);
    await client.endAsync();
  }
});

test('[MQTT-6.0.0-3] [MQTT-6.0.0-4] [MQTT3-6.0.0-3] [MQTT3-6.0.0-4] what does not ask for MQTT from an allowed page gets a status and no connection', async (t) => {
  const { url, port, application } = await run(t);
  const root = `ws://127.0.0.1:${port}`;
  assert.equal(await statusOf(url, []), 400);
  assert.equal(await statusOf(url, ['mqttv3.1', 'chat']), 400);
  for (const origin of ['https://evil.example', 'null', `${page}.evil.example`, page.replace('s:', ':')])
    assert.equal(await statusOf(url, ['mqtt'], { headers: { origin } }), 403, origin);
  assert.equal(await statusOf(`${root}/`, ['mqtt']), 404);
  assert.equal(await statusOf(`${root}/mqtt/more`, ['mqtt']), 404);
  const { socket } = await Raw.open(t, `${url}?x=1`);
  assert.equal(socket.protocol, 'mqtt');
  const both = new Raw(url, ['chat', 'mqtt']);
  t.after(() => both.socket.terminate());
  await once(both.socket, 'open');
  assert.equal(both.socket.protocol, 'mqtt');
  assert.deepEqual(application.log, []);
});

test('only the version of the standard is spoken: in others a page goes by another header', async (t) => {
  const { port, application } = await run(t);
  for (const version of ['8', '0xd', '13, 8', '']) {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Origin': 'https://evil.example',
      'Sec-WebSocket-Protocol': 'mqtt',
      'Sec-WebSocket-Version': version,
    };
    const asked = request({ host: '127.0.0.1', port, path: '/mqtt', headers }).end();
    const [response] = await once(asked, 'response');
    assert.deepEqual([response.statusCode, response.headers['sec-websocket-version']], [426, '13'], version);
    response.resume();
  }
  assert.deepEqual(application.log, []);
});

test('a plain request is told what is asked here', async (t) => {
  const { port } = await run(t);
  for (const path of ['/', '/mqtt']) {
    const asked = request({ host: '127.0.0.1', port, path }).end();
    const [response] = await once(asked, 'response');
    assert.deepEqual([response.statusCode, response.headers.upgrade], [426, 'websocket']);
    response.resume();
    await once(response, 'end');
  }
});

test('[MQTT-6.0.0-1] [MQTT3-6.0.0-1] a text frame ends the connection', async (t) => {
  const { url } = await run(t);
  const raw = await Raw.open(t, url);
  raw.socket.send(connectBytes);
  await raw.bytes(5);
  raw.socket.send('hello');
  assert.equal(await raw.closed(), 1003);
  assert.equal(raw.textFrames, 0);
});

test('[MQTT-6.0.0-2] [MQTT3-6.0.0-2] packets may be split and joined by frames as one likes', async (t) => {
  const { url } = await run(t);
  const split = await Raw.open(t, url);
  for (const byte of connectBytes) split.socket.send(Buffer.of(byte));
  const connack = await split.bytes(5);
  assert.deepEqual([connack[0], connack[3]], [0x20, 0]);
  const joined = await Raw.open(t, url);
  const pings = 100;
  joined.socket.send(Buffer.concat([connectBytes, ...Array<Buffer>(pings).fill(ping)]));
  const [, length = 0] = await joined.bytes(2);
  const bytes = await joined.bytes(2 + length + 2 * pings);
  assert.equal(bytes.subarray(2 + length).toString('hex'), 'd000'.repeat(pings));
  const fragments = await Raw.open(t, url);
  for (const byte of connectBytes) fragments.socket.send(Buffer.of(byte), { fin: false });
  fragments.socket.send(Buffer.of(), { fin: true });
  assert.equal((await fragments.bytes(4))[3], 0);
});

test('a message above the bound ends the connection before it is kept, whole or in parts', async (t) => {
  const { url } = await run(t);
  const whole = await Raw.open(t, url);
  whole.socket.send(Buffer.alloc(messageBytesMax + 1));
  assert.equal(await whole.closed(), 1009);
  const parts = await Raw.open(t, url);
  for (let sent = 0; sent <= messageBytesMax; sent += 1_000)
    parts.socket.send(Buffer.alloc(1_000), { fin: false });
  assert.equal(await parts.closed(), 1009);
});

test('what is not MQTT, not WebSocket, or ends half-way harms nobody else', async (t) => {
  const { url, port } = await run(t);
  const garbage = await Raw.open(t, url);
  garbage.socket.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await garbage.closed();
  for (const text of [
    '\x16\x03\x01',
    'GET /mqtt HTTP/1.1\r\nHost: x\r\n',
    `GET /mqtt HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    'GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: AAAA\r\n\r\n',
  ]) {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.end(text);
    await once(socket.resume(), 'close');
  }
  const halfOpen = await Raw.open(t, url);
  halfOpen.socket.send(connectBytes.subarray(0, 5));
  halfOpen.socket.terminate();
  const fine = await Raw.open(t, url);
  fine.socket.send(connectBytes);
  assert.equal((await fine.bytes(4))[3], 0);
});

test('a client that sends without reading is not read either, and goes on when it reads', async (t) => {
  const { url } = await run(t);
  const raw = await Raw.open(t, url);
  raw.socket.send(connectBytes);
  const [, length = 0] = await raw.bytes(2);
  raw.socket.pause();
  const pings = Buffer.alloc(messageBytesMax, ping);
  // Enough for the buffers of both kernels and our own.
  const rounds = 600;
  for (let sent = 0; sent < rounds; sent++) raw.socket.send(pings);
  raw.socket.resume();
  let received = 0;
  const expected = 2 + length + rounds * pings.length;
  raw.socket.removeAllListeners('message');
  const already = (await raw.bytes(2 + length)).length;
  await new Promise<void>((resolve) => {
    received = already;
    raw.socket.on('message', (data: Buffer) => {
      received += data.length;
      if (received >= expected) resolve();
    });
  });
  assert.equal(received, expected);
});

test('over TLS the account is as secure as over mqtts, and an origin is asked for all the same', async (t) => {
  const openssl = requireTool(t, 'openssl', 'openssl');
  if (openssl === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-mqtt-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const tls = selfSigned(openssl, folder, 'localhost');
  const application = new OpenApplication();
  const requests: ConnectRequest[] = [];
  const { authenticate } = application;
  application.authenticate = (request) => {
    requests.push(request);
    return authenticate(request);
  };
  const server = createMqttServer({ application });
  const listener = await listenWebSocket(server, { host: '127.0.0.1', port: 0, origins: [page], tls });
  t.after(() => Promise.all([listener.close(), server.close()]));
  const url = `wss://localhost:${listener.port}/mqtt`;
  const raw = await Raw.open(t, url, { ca: tls.cert });
  raw.socket.send(connectBytes);
  assert.equal((await raw.bytes(4))[3], 0);
  assert.equal(requests[0]?.transport.secure, true);
  const evil = { ca: tls.cert, headers: { origin: 'https://evil.example' } };
  assert.equal(await statusOf(url, ['mqtt'], evil), 403);
});

test('a client that closes its WebSocket and not its connection is cut off', async (t) => {
  const { port } = await run(t);
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  const ended = once(socket.resume(), 'end');
  const closed = new Promise((resolve) => void socket.once('close', resolve));
  const close = Buffer.from('888000000000', 'hex');
  socket.write(upgradeText);
  socket.write(close);
  await ended;
  // That the other side is gone shows only when something is sent to it.
  const knocking = setInterval(() => socket.write(close), 100);
  t.after(() => clearInterval(knocking));
  const late = setTimeout(8_000, 'late', { signal: t.signal });
  assert.notEqual(await Promise.race([closed, late]), 'late');
});

test('a connection that is gone when its handshake has been read harms nobody', async (t) => {
  const { port } = await run(t);
  // What `remoteAddress` asks the system, and gets no answer to after a reset.
  t.mock.method(Socket.prototype as unknown as { _getpeername(): object }, '_getpeername', () => ({}));
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  const unmasked = Buffer.from('8200', 'hex');
  socket.write(Buffer.concat([Buffer.from(upgradeText), unmasked]));
  await once(socket.resume(), 'close');
});

test('a ping of WebSocket is answered', async (t) => {
  const { url } = await run(t);
  const raw = await Raw.open(t, url);
  const pong = once(raw.socket, 'pong');
  raw.socket.ping('still there?');
  const [data] = (await pong) as [Buffer];
  assert.equal(data.toString(), 'still there?');
});

test('without TLS it listens on loopback only; a port in use is a plain error', async (t) => {
  const { port } = await run(t);
  const server = createMqttServer({ application: new OpenApplication() });
  t.after(() => server.close());
  await assert.rejects(listenWebSocket(server, { host: '0.0.0.0', port: 0, origins: [] }), RangeError);
  await assert.rejects(listenWebSocket(server, { host: '127.0.0.1', port, origins: [] }), {
    code: 'EADDRINUSE',
  });
});

test('the standard WebSocket carries a link both ways, and says when the server ends it', async (t) => {
  const { url, application, port } = await run(t);
  const received = Promise.withResolvers<string>();
  const transport = await connectWebSocket({ url });
  const link = await connectLink(transport, {
    clientId: 'standard',
    cleanStart: true,
    keepAliveSeconds: 60,
    onPublish(publish) {
      received.resolve(textOf(publish));
      return { reasonCode: 0 };
    },
  });
  await link.subscribe([{ filter: 'a', qos: 1 }]);
  const text = 'y'.repeat(15_000);
  assert.equal((await link.publish(message('a', text))).reasonCode, 0);
  assert.equal(await received.promise, text);
  application.sessions.get('standard')?.disconnect(0x8b);
  assert.deepEqual(await link.closed, { byPeer: true, reasonCode: 0x8b });
  await assert.rejects(connectWebSocket({ url: `ws://127.0.0.1:${port}/elsewhere` }));
});
