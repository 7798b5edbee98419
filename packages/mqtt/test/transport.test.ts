// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { connectLink } from '@sealpost/mqtt/link';
import { connectTcp, connectTls, listenTcp, listenTls, transportOf } from '@sealpost/mqtt/node';
import { createMqttServer, type ConnectRequest } from '@sealpost/mqtt/server';
import { requireTool } from '@sealpost/testing';
import { connectHex } from './raw.ts';
import { selfSigned } from './self-signed.ts';
import { message, OpenApplication, run } from './support.ts';

test('TLS: the client certificate is asked for and handed up, whoever issued it; without one it works too', async (t) => {
  const openssl = requireTool(t, 'openssl', 'openssl');
  if (openssl === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-mqtt-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const identity = selfSigned(openssl, folder, 'localhost');
  const mine = selfSigned(openssl, folder, 'ann');
  const requests: ConnectRequest[] = [];
  const application = new OpenApplication();
  const { authenticate } = application;
  application.authenticate = (request) => {
    requests.push(request);
    return authenticate(request);
  };
  const server = createMqttServer({ application });
  const listener = await listenTls(server, { host: '127.0.0.1', port: 0, tls: identity });
  t.after(() => Promise.all([listener.close(), server.close()]));
  for (const credentials of [mine, {}]) {
    const options = { ca: identity.cert, servername: 'localhost', ...credentials };
    const transport = await connectTls({ host: '127.0.0.1', port: listener.port, tls: options });
    assert.equal(transport.info.secure, true);
    assert.deepEqual(transport.info.peerCertificate, new Uint8Array(new X509Certificate(identity.cert).raw));
    const link = await connectLink(transport, {
      clientId: 'c',
      cleanStart: true,
      keepAliveSeconds: 60,
      onPublish: () => ({ reasonCode: 0 }),
    });
    assert.equal((await link.publish(message('held/a'))).reasonCode, 0);
    link.end();
    await link.closed;
  }
  const [withOne, without] = requests.map(({ transport }) => transport);
  assert.deepEqual(withOne?.peerCertificate, new Uint8Array(new X509Certificate(mine.cert).raw));
  assert.deepEqual([withOne?.secure, withOne?.loopback], [true, true]);
  assert.equal(without?.peerCertificate, undefined);
  await assert.rejects(
    connectTls({ host: '127.0.0.1', port: listener.port, tls: { servername: 'localhost' } }),
  );
});

test('a port in use and a port where nobody listens are plain errors', async (t) => {
  const { port, server } = await run(t);
  await assert.rejects(listenTcp(server, { host: '127.0.0.1', port }), { code: 'EADDRINUSE' });
  const free = await listenTcp(server, { host: '127.0.0.1', port: 0 });
  await free.close();
  await assert.rejects(connectTcp({ host: '127.0.0.1', port: free.port }), { code: 'ECONNREFUSED' });
});

async function socketTo(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  await new Promise((resolve) => socket.once('connect', resolve));
  t.after(() => socket.destroy());
  return socket;
}

test('a client that sends without reading is not read either, and goes on when it reads', async (t) => {
  const { port } = await run(t);
  const socket = await socketTo(t, port);
  socket.pause();
  socket.write(Buffer.from(connectHex(4, 'deaf'), 'hex'));
  const pings = Buffer.alloc(200_000, Buffer.from('c000', 'hex'));
  // Enough for the buffers of both kernels and our own.
  const rounds = 60;
  for (let sent = 0; sent < rounds; sent++) socket.write(pings);
  let received = 0;
  const expected = 4 + rounds * pings.length;
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (received === expected) resolve();
    });
    socket.resume();
  });
  assert.equal(received, expected);
});

test('the end of a transport comes after what was sent', async (t) => {
  const closed = Promise.withResolvers<void>();
  const acceptor = {
    accept(transport: ReturnType<typeof transportOf>): void {
      transport.onClose = () => closed.resolve();
      transport.send(new Uint8Array(1_000_000));
      transport.close();
    },
  };
  const listener = await listenTcp(acceptor, { host: '127.0.0.1', port: 0 });
  t.after(() => listener.close());
  const socket = await socketTo(t, listener.port);
  let received = 0;
  socket.on('data', (chunk) => (received += chunk.length));
  await new Promise((resolve) => socket.once('end', resolve));
  assert.equal(received, 1_000_000);
  await closed.promise;
});
