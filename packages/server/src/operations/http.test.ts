// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { listenForOperators } from './http.ts';

const page = { status: 200, contentType: 'text/plain', body: 'hello\n' };

async function open(t: TestContext, host = '127.0.0.1'): Promise<number> {
  const pages = {
    '/page': () => Promise.resolve(page),
    '/broken': () => Promise.reject(new Error('secret')),
  };
  const faults: unknown[] = [];
  const listener = await listenForOperators({ host, port: 0 }, pages, (error) => void faults.push(error));
  t.after(() => listener.close());
  return listener.port;
}

/** Bytes as they are; everything that comes back until the other side closes. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

function request(line: string, ...headers: string[]): string {
  return [`${line} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');
}

const host = 'Host: localhost';

test('a page is served to GET, its head to HEAD, and nothing to any other method', async (t) => {
  const port = await open(t);
  const got = await raw(port, request('GET /page?x=1', host));
  assert.match(got, /^HTTP\/1\.1 200 /);
  assert.ok(got.endsWith('\r\n\r\nhello\n'));
  const head = await raw(port, request('HEAD /page', host));
  assert.match(head, /content-length: 6\r\n/);
  assert.ok(head.endsWith('\r\n\r\n'));
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
    assert.match(
      await raw(port, request(`${method} /page`, host)),
      /^HTTP\/1\.1 405 [^]*allow: GET, HEAD\r\n/,
    );
});

test('every other path is 404, whatever it looks like', async (t) => {
  const port = await open(t);
  const paths = [
    '/',
    '/page/',
    '/../page',
    '/%2e%2e/etc/passwd',
    '//page',
    '/constructor',
    '/__proto__',
    '*',
  ];
  for (const path of [...paths, 'http://localhost/page'])
    assert.match(await raw(port, request(`GET ${path}`, host)), /^HTTP\/1\.1 404 /, path);
});

test('a request under a name from elsewhere is turned away, as a page in a browser would make it', async (t) => {
  const port = await open(t);
  for (const name of ['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '192.0.2.1'])
    assert.match(await raw(port, request('GET /page', `Host: ${name}`)), /^HTTP\/1\.1 421 /, name);
  for (const name of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`])
    assert.match(await raw(port, request('GET /page', `Host: ${name}`)), /^HTTP\/1\.1 200 /, name);
});

test('two hosts are refused, whichever comes first, and the connection is closed (found by fuzzing)', async (t) => {
  const port = await open(t);
  for (const hosts of [
    [host, 'Host: evil.example'],
    ['Host: evil.example', host],
    [host, host],
  ])
    assert.match(
      await raw(port, ['GET /page HTTP/1.1', ...hosts, '', ''].join('\r\n')),
      /^HTTP\/1\.1 400 [^]*connection: close\r\n/i,
    );
});

test('headers that are huge, malformed or contradictory are refused, and the connection is closed', async (t) => {
  const port = await open(t);
  const huge = `X: ${'a'.repeat(8_000)}`;
  assert.match(await raw(port, request('GET /page', host, huge)), /^HTTP\/1\.1 431 /);
  assert.match(await raw(port, `GET /${'a'.repeat(8_000)} HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 431 /);
  assert.match(await raw(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(await raw(port, '\x16\x03\x01\x02\x00\x01'), /^HTTP\/1\.1 400 /);
  const smuggled = request('POST /page', host, 'Content-Length: 3', 'Transfer-Encoding: chunked');
  assert.match(await raw(port, smuggled), /^HTTP\/1\.1 400 /);
});

test('who never finishes its request is answered and cut off, and holds up nobody', async (t) => {
  const port = await open(t);
  const slow = raw(port, 'GET /page HTTP/1.1\r\nHost: local');
  assert.match(await raw(port, request('GET /page', host)), /^HTTP\/1\.1 200 /);
  assert.match(await slow, /^HTTP\/1\.1 408 /);
});

test('a page that cannot be made tells nothing of the reason', async (t) => {
  assert.equal(await raw(await open(t), request('GET /broken', host)), '');
});

test('no address but this machine’s own is bound', async (t) => {
  for (const address of ['0.0.0.0', '::', '192.0.2.1', 'example.org', ''])
    await assert.rejects(open(t, address), RangeError, address);
  assert.ok((await open(t, 'localhost')) > 0);
});
