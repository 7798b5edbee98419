// SPDX-License-Identifier: Apache-2.0
// The opening handshake of WebSocket (RFC 6455 §4): requests that are one, nearly one, or none, and what they are owed.
import { createHash } from 'node:crypto';
import { holds } from '../target.ts';
import {
  headBytesOf,
  holdsNoSecret,
  readResponse,
  valuesOf,
  type HttpWords,
  type Request,
} from './http-text.ts';
import { page, password } from './live-domain.ts';
import { bytesOf } from './vectors.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
/** Below it nothing is refused for its size. */
const headBytesUsual = 7 * 1024;
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Ours, and those that HTTP gives to what is malformed. */
const statuses = [100, 101, 400, 403, 404, 405, 417, 426];
const properHeaders = [
  ['Host', 'home.test'],
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', key],
  ['Sec-WebSocket-Protocol', 'mqtt'],
] as const;

export const httpWords: HttpWords = {
  targets: [
    '/mqtt',
    '/mqtt',
    '/mqtt',
    '/mqtt',
    '/mqtt?x=1',
    '/mqtt/',
    '/MQTT',
    '//mqtt',
    '/',
    '*',
    'http://x/mqtt',
  ],
  headers: properHeaders,
  others: [
    ['Connection', 'keep-alive, Upgrade'],
    ['Origin', page],
    ['Origin', `${page}, ${page}`],
    ['Origin', 'null'],
    ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits'],
    ['Sec-WebSocket-Key', ''],
    ['Sec-WebSocket-Key', 'AAAA'],
    ['Sec-WebSocket-Origin', 'https://evil.example'],
    ['Sec-WebSocket-Protocol', 'chat, mqtt'],
    ['Sec-WebSocket-Protocol', 'mqtt, mqtt'],
    ['Sec-WebSocket-Protocol', 'mqttv3.1'],
    ['Sec-WebSocket-Protocol', '"mqtt"'],
    ['Sec-WebSocket-Version', '8'],
    ['Sec-WebSocket-Version', '13, 8'],
    ['Sec-WebSocket-Version', '0xd'],
    ['Upgrade', 'WebSocket'],
    ['Upgrade', 'h2c, websocket'],
  ],
};

/** Beyond doubt. */
export const upgrade = bytesOf(
  `GET /mqtt HTTP/1.1\r\n${properHeaders.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
);

/** What has a body, another wish, or nearly the size that is refused. */
export function isStrange(request: Request): boolean {
  const names = ['content-length', 'expect', 'transfer-encoding', 'trailer', 'proxy-connection'];
  const isOdd = names.some((name) => valuesOf(request, name).length > 0);
  const isLarge = headBytesOf(request) > headBytesUsual;
  return isOdd || isLarge || valuesOf(request, 'host').length !== 1 || request.version !== '1.1';
}

/** As RFC 6455 §4.2.1 and MQTT 5.0 §6 ask for it, each header once. */
export function isProper(request: Request): boolean {
  const is = (name: string, pattern: RegExp): boolean => {
    const values = valuesOf(request, name);
    return values.length === 1 && pattern.test(values[0] ?? '');
  };
  const origins = valuesOf(request, 'origin');
  return (
    request.method === 'GET' &&
    request.target.split('?', 1)[0] === '/mqtt' &&
    is('connection', /^(keep-alive, )?upgrade$/i) &&
    is('upgrade', /^websocket$/i) &&
    is('sec-websocket-version', /^13$/) &&
    is('sec-websocket-key', /^[A-Za-z0-9+/]{22}==$/) &&
    is('sec-websocket-protocol', /^(chat, )?mqtt$/) &&
    (origins.length === 0 || (origins.length === 1 && origins[0] === page))
  );
}

/** The first status; 0 without any. */
export function holdsAnswer(received: Buffer, sent: Uint8Array): number {
  holdsNoSecret(received, [password]);
  const [first] = received.toString('latin1').matchAll(/HTTP\/1\.1 (\d+)/g);
  const status = Number(first?.[1] ?? 0);
  holds(status === 0 || statuses.includes(status), `the status ${status} is none of this listener’s`);
  if (status === 101) holdsUpgraded(received, sent);
  return status;
}

/** However strange the request was: page, protocol and version were right, and the answer is what they ask for. */
export function holdsUpgraded(received: Buffer, sent: Uint8Array): void {
  const answer = readResponse(received, 0, false);
  const [head = ''] = Buffer.from(sent)
    .toString('latin1')
    .split(/\r?\n\r?\n/, 1);
  const given = (name: string): string[] =>
    [...head.matchAll(new RegExp(`^${name}[ \t]*:[ \t]*(.*?)[ \t\r]*$`, 'gim'))].map(
      ([, value = '']) => value,
    );
  holds(
    given('origin').every((origin) => origin === page),
    'a WebSocket for a page that is not allowed',
  );
  // What is older names the page in another header.
  holds(given('sec-websocket-version').join() === '13', 'a WebSocket of another version');
  holds(/\bmqtt\b/.test(given('sec-websocket-protocol').join()), 'a WebSocket for another protocol');
  const digests = given('sec-websocket-key').map((text) =>
    createHash('sha1').update(`${text}${magic}`).digest('base64'),
  );
  holds(digests.includes(answer?.headers.get('sec-websocket-accept') ?? ''), 'the handshake is not accepted');
  holds(answer?.headers.get('sec-websocket-protocol') === 'mqtt', 'the protocol is not answered');
  holds(answer.headers.get('sec-websocket-extensions') === undefined, 'an extension that nobody asked for');
}
