// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 by a reader of its own: requests that are beyond doubt, and everything that a server answers.
import { METHODS } from 'node:http';
import type { Random } from '../engine/random.ts';
import { holds } from '../target.ts';

export interface Request {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Behind its head. */
  readonly end: number;
}

export interface Response {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Behind its body. */
  readonly end: number;
}

const requestLine = /^([A-Z-]+) (\/[\x21-\x7e]*) HTTP\/(1\.[01])$/;
const headerLine =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?)[ \t]*$/;
const headEnd = '\r\n\r\n';

/** `partial`: more has to come. `strange`: how this is read is up to the reader. */
export function readRequest(bytes: Buffer, at: number): Request | 'partial' | 'strange' {
  const end = bytes.indexOf(headEnd, at);
  const text = bytes.toString('latin1', at, end === -1 ? undefined : end);
  const [first = '', ...lines] = text.split('\r\n');
  if (end === -1) {
    const isBegun = [first, ...lines].slice(0, -1).every((line, index) => fits(line, index));
    return isBegun && /^[\x20-\x7e\t\r]*$/.test(lines.at(-1) ?? first) ? 'partial' : 'strange';
  }
  const [, method = '', target = '', version = '1.1'] = requestLine.exec(first) ?? [];
  const headers = lines.map((line) => {
    const [, name, value] = headerLine.exec(line) ?? [];
    return name === undefined || value === undefined ? undefined : ([name.toLowerCase(), value] as const);
  });
  if (!METHODS.includes(method) || method === 'CONNECT' || !headers.every((header) => header !== undefined))
    return 'strange';
  return { method, target, version: version as '1.0' | '1.1', headers, end: end + headEnd.length };
}

function fits(line: string, index: number): boolean {
  return (index === 0 ? requestLine : headerLine).test(line);
}

export function valuesOf({ headers }: Pick<Request, 'headers'>, wanted: string): string[] {
  return headers.filter(([name]) => name === wanted).map(([, value]) => value);
}

/** Of names and values, as limits count them. */
export function headBytesOf({ target, headers }: Request): number {
  return headers.reduce((sum, [name, value]) => sum + name.length + value.length, target.length);
}

const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [A-Za-z -]+$/;

/** Undefined: more has to come. Throws at what no client could read. */
export function readResponse(
  received: Buffer,
  at: number,
  isEnded: boolean,
  isHead = false,
): Response | undefined {
  const end = received.indexOf(headEnd, at);
  if (end === -1) return undefined;
  const [first = '', ...lines] = received.toString('latin1', at, end).split('\r\n');
  const [, status] = statusLine.exec(first) ?? [];
  holds(status !== undefined, 'what comes back is not HTTP');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? [];
    holds(name !== undefined && value !== undefined, 'a header of the answer is not HTTP');
    holds(!headers.has(name.toLowerCase()), `the answer has two headers ${name}`);
    headers.set(name.toLowerCase(), value);
  }
  const bodyAt = end + headEnd.length;
  const isBodiless = isHead || status.startsWith('1');
  const length = isBodiless ? 0 : bodyLength(headers, received.length - bodyAt, isEnded);
  if (length === undefined || received.length < bodyAt + length) return undefined;
  const body = received.toString('utf8', bodyAt, bodyAt + length);
  return { status: Number(status), headers, body, end: bodyAt + length };
}

/** Without a length, what comes until the end. */
function bodyLength(
  headers: ReadonlyMap<string, string>,
  left: number,
  isEnded: boolean,
): number | undefined {
  const stated = headers.get('content-length');
  if (stated !== undefined) return Number(stated);
  return isEnded ? left : undefined;
}

export interface HttpWords {
  readonly targets: readonly string[];
  /** What a proper request has. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Other values that mean something. */
  readonly others: readonly (readonly [name: string, value: string])[];
}

const shapes: readonly (readonly [name: string, value: string])[] = [
  ['Connection', 'close'],
  ['Connection', 'keep-alive'],
  ['Connection', 'Upgrade, close'],
  ['Content-Length', '0'],
  ['Content-Length', '4'],
  ['Content-Length', '4, 4'],
  ['Content-Length', '+4'],
  ['Content-Length', '18446744073709551616'],
  ['Content-Length ', '4'],
  ['Expect', '100-continue'],
  ['Expect', 'the worst'],
  ['Host', ''],
  ['Host', 'evil.example'],
  ['Host', 'localhost'],
  ['Origin', 'https://evil.example'],
  ['Range', 'bytes=0-'],
  ['Transfer-Encoding', 'chunked'],
  ['Transfer-Encoding', 'chunked, identity'],
  ['Transfer-Encoding', 'xchunked'],
  ['Transfer-Encoding', '\x0bchunked'],
  ['Upgrade', 'h2c'],
  ['Upgrade', 'websocket'],
  ['X-A', 'a\r\n b'],
  ['X-\xe9', '\xff'],
  ['__proto__', 'x'],
];
const bodies = [
  'body',
  '0\r\n\r\n',
  '4\r\nbody\r\n0\r\n\r\n',
  '4;x=y\r\nbody\r\n0\r\nHost: evil.example\r\n\r\n',
  '7fffffffffffffff\r\n',
  '-1\r\n',
];
const longMax = 9000;

/** For the most part proper; in Latin-1. */
export function randomRequest(random: Random, words: HttpWords): Uint8Array {
  const line = `${randomMethod(random)} ${randomTarget(random, words)} ${randomVersion(random)}`;
  const headers = words.headers.flatMap(([name, value]) => {
    if (random.chance(20)) return [];
    const other = random.chance(12) ? randomHeader(random, words) : ([name, value] as const);
    return random.chance(24) ? [other, [name, value] as const] : [other];
  });
  while (random.chance(3)) headers.splice(random.below(headers.length + 1), 0, randomHeader(random, words));
  const lines = [line, ...headers.map(([name, value]) => `${name}: ${value}`)];
  if (random.chance(40)) lines.push(`X-Long: ${'x'.repeat(random.below(longMax))}`);
  const lineEnd = random.chance(24) ? '\n' : '\r\n';
  const body = random.chance(6) ? (random.pick(bodies) ?? '') : '';
  return Buffer.from(`${lines.join(lineEnd)}${lineEnd}${lineEnd}${body}`, 'latin1');
}

function randomMethod(random: Random): string {
  if (!random.chance(6)) return 'GET';
  return random.chance(3) ? 'HEAD' : (random.pick([...METHODS, 'get', 'G ET', '']) ?? '');
}

function randomTarget(random: Random, { targets }: HttpWords): string {
  if (random.chance(60)) return `/${'x'.repeat(random.below(longMax))}`;
  return random.pick(targets) ?? '/';
}

function randomVersion(random: Random): string {
  return random.chance(10)
    ? random.pick(['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', ''])
    : 'HTTP/1.1';
}

function randomHeader(random: Random, { others }: HttpWords): readonly [string, string] {
  const [name, value] = random.pick(random.chance(2) ? others : shapes) ?? ['X', 'x'];
  return [random.chance(8) ? name.toUpperCase() : name, value];
}

const stackLine = /\n\s+at |\.[cm]?[jt]s:\d+/;
const secretWords = ['PRIVATE KEY', 'node_modules', 'node:internal'];

/** Nothing that a peer could not know leaves the process with an answer. */
export function holdsNoSecret(received: Buffer, secrets: readonly string[]): void {
  const text = received.toString('latin1');
  holds(!stackLine.test(text), 'an answer has the stack of an error');
  for (const secret of [...secretWords, ...secrets])
    holds(!text.includes(secret), `an answer has ${secret}, which is a secret`);
}
