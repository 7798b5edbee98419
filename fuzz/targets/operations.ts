// SPDX-License-Identifier: Apache-2.0
// The operators' listener of a service: raw bytes and requests, one after the other, in pieces, unfinished, smuggled.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Log, initDomain, loadConfig, openService, type Service } from '@sealpost/server';
import { parseExposition } from '@sealpost/testing';
import { Random } from '../engine/random.ts';
import { Broken, holds, type Target } from '../target.ts';
import { Held } from './held.ts';
import {
  headBytesOf,
  holdsNoSecret,
  randomRequest,
  readRequest,
  readResponse,
  valuesOf,
  type HttpWords,
  type Request,
  type Response,
} from './http-text.ts';
import { domainOf } from './live-domain.ts';
import { MemoryBound } from './memory-bound.ts';
import { mannerOf, randomManner, RawConnection } from './raw-connection.ts';
import { bytesOf } from './vectors.ts';

const memoryMegabytesMax = 64;
const answerMs = 20_000;
/** Ten seconds for the next request, one more for looking, and a slow machine. */
const idleMsMax = 25_000;
/** Of names and values; above it no page is made. */
const headBytesMax = 4 * 1024;
/** Below it nothing is refused for its size. */
const headBytesUsual = 3 * 1024;
const pages = ['/livez', '/metrics', '/readyz'];
const pageStatuses = [200, 503];
/** For bytes that are no request; they may come before the answer to the request in front of them. */
const refusals = [400, 413, 431];
/** Ours, and those that HTTP gives to what is malformed, slow or too large. */
const statuses = [...pageStatuses, ...refusals, 100, 404, 405, 408, 417, 421];
const loopbackNames = /^(localhost|127(\.\d+){3}|\[?::1\]?)(:\d*)?$/;
const last = bytesOf('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');

const words: HttpWords = {
  targets: [
    ...pages,
    ...pages,
    '/livez?verbose',
    '/metrics#x',
    '/metrics/',
    '//metrics',
    '/',
    '*',
    '/../etc/passwd',
    '/%6detrics',
    '/__proto__',
    '/constructor',
    'http://localhost/metrics',
    'localhost:80',
  ],
  headers: [
    ['Host', 'localhost'],
    ['Accept', '*/*'],
  ],
  others: [
    ['Host', '127.0.0.1'],
    ['Host', '[::1]:8880'],
    ['Host', '127.0.0.1.evil.example'],
    ['Host', 'localhost, evil.example'],
    ['Accept-Encoding', 'gzip'],
    ['If-None-Match', '*'],
    ['Authorization', 'Basic eDp4'],
  ],
};

export const operations: Target = {
  name: 'operations',
  invariant:
    'The operators’ listener answers each request with a status of its own, or hangs up; a page goes to a loopback name ' +
    'only, a body is never read as a request, nobody stays longer than the limits say, and the pages are served all along.',
  inputBytesMax: 12_288,
  hangMs: 60_000,
  together: 8,
  async open() {
    const opened = await OpenService.open();
    const memory = new MemoryBound(memoryMegabytesMax);
    const random = new Random(1);
    return {
      seeds: Array.from({ length: 24 }, () => randomInput(random)),
      dictionary: [...words.targets, ...words.others.map(([name, value]) => `${name}: ${value}\r\n`)].map(
        bytesOf,
      ),
      vary: (_input, by) => randomInput(by),
      run: (input) => opened.run(input),
      async check() {
        await opened.check();
        memory.check();
      },
      close: () => opened.close(),
    };
  },
};

function randomInput(random: Random): Uint8Array {
  const requests = Array.from({ length: random.between(1, 3) }, () => randomRequest(random, words));
  const bytes = random.chance(12) ? random.bytes(random.size(300)) : Buffer.concat(requests);
  return Buffer.concat([Uint8Array.of(randomManner(random)), bytes]);
}

class OpenService {
  readonly #directory: string;
  readonly #service: Service;
  readonly #port: number;
  /** Of mistakes in the program. */
  readonly #faults: readonly string[];
  readonly #held = new Held();

  private constructor(directory: string, service: Service, port: number, faults: readonly string[]) {
    this.#directory = directory;
    this.#service = service;
    this.#port = port;
    this.#faults = faults;
  }

  static async open(): Promise<OpenService> {
    const directory = await mkdtemp(join(tmpdir(), 'sealpost-fuzz-'));
    const made = await initDomain({
      domain: domainOf('home.test'),
      directory,
      host: 'localhost',
      isLocal: true,
    });
    const places = ['listen.mqtt', 'listen.mqtts', 'listen.relay', 'operations.listen'];
    const flags = places.map((name) => `${name}=127.0.0.1:0`);
    const faults: string[] = [];
    const log = new Log({ level: 'info', format: 'json' }, (line) => {
      if (faults.length < 10 && line.includes('"event":"fault"')) faults.push(line);
    });
    const service = await openService(await loadConfig({ file: made?.file ?? '', env: {}, flags }), log);
    return new OpenService(directory, service, service.operationsPort ?? 0, faults);
  }

  async run(input: Uint8Array): Promise<string> {
    const manner = mannerOf(input[0] ?? 0);
    const body = Buffer.from(input.subarray(1));
    const expected = expectationOf(body);
    const connection = await RawConnection.open({ port: this.#port, isHalfOpen: manner === 'half-open' });
    const patience = setTimeout(
      () => connection.giveUp(new Broken('no answer, and no end of the connection')),
      answerMs,
    );
    let isKept = false;
    try {
      await connection.send(body, manner);
      if (manner === 'reset') {
        connection.reset();
        return 'reset';
      }
      const answers = await answersTo(connection, expected);
      if (manner === 'patient' || manner === 'half-open')
        isKept = this.#held.keep(connection, manner, idleMsMax);
      else if (expected.rest === 'none' && answers.length > 0)
        answers.push(await lastAnswer(connection, answers.at(-1)?.end ?? 0));
      else if (expected.rest === 'closed') await connection.send(last);
      if (!isKept) {
        // What is to be closed after its answer is closed, and what is sent behind it is not read.
        if (expected.rest !== 'closed') connection.end();
        await connection.until(() => undefined);
      }
      return outcomeOf(connection.received, expected, answers, body, this.#directory);
    } finally {
      clearTimeout(patience);
      if (!isKept) connection.destroy();
    }
  }

  /** Whoever scrapes and probes is served, whatever others do, and nothing was reported that is a bug. */
  async check(): Promise<void> {
    const [fault] = this.#faults;
    holds(fault === undefined, `a fault was reported: ${fault}`);
    for (const path of pages) {
      const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, {
        headers: { connection: 'close' },
      });
      const text = await response.text();
      holds(response.status === 200, `${path} answers ${response.status}: ${text}`);
      if (path === '/metrics') parseExposition(text);
      else holds((JSON.parse(text) as { readonly ok: unknown }).ok === true, `${path} says ${text}`);
    }
    await this.#held.check();
  }

  async close(): Promise<void> {
    this.#held.close();
    await this.#service.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

interface Expectation {
  /** Those that are beyond doubt, in order. */
  readonly requests: readonly Request[];
  /** What comes behind them; `closed`: whatever it is, it is not read as a request. */
  readonly rest: 'closed' | 'none' | 'partial' | 'strange';
}

function expectationOf(body: Buffer): Expectation {
  const requests: Request[] = [];
  for (let at = 0; at < body.length;) {
    const request = readRequest(body, at);
    if (typeof request === 'string') return { requests, rest: request };
    if (isStrange(request)) return { requests, rest: 'strange' };
    requests.push(request);
    if (endsConnection(request)) return { requests, rest: 'closed' };
    at = request.end;
  }
  return { requests, rest: 'none' };
}

/** What Node and a proxy in front may understand differently, and what is near a limit. */
function isStrange(request: Request): boolean {
  const isKeptOld = request.version === '1.0' && valuesOf(request, 'connection').length > 0;
  const hasOther = ['expect', 'proxy-connection', 'upgrade', 'trailer'].some(
    (name) => valuesOf(request, name).length > 0,
  );
  const lengths = valuesOf(request, 'content-length');
  const encodings = valuesOf(request, 'transfer-encoding');
  const isOddBody =
    lengths.length + encodings.length > 1 ||
    !lengths.every((length) => /^\d{1,6}$/.test(length)) ||
    !encodings.every((encoding) => encoding === 'chunked');
  return isKeptOld || hasOther || isOddBody || headBytesOf(request) > headBytesUsual;
}

/** Whoever sends a body is answered and cut off: nobody has to agree on where it ends. */
function endsConnection(request: Request): boolean {
  const hasBody =
    valuesOf(request, 'transfer-encoding').length > 0 ||
    valuesOf(request, 'content-length').some((length) => Number(length) > 0);
  const isClosing = valuesOf(request, 'connection').some((value) => /(^|\W)close($|\W)/i.test(value));
  return hasBody || isClosing || request.version === '1.0' || statusesFor(request).includes(400);
}

function statusesFor(request: Request): readonly number[] {
  const { method, target, version } = request;
  const hosts = valuesOf(request, 'host');
  if (hosts.length > 1 || (version === '1.1' && hosts.length === 0)) return [400];
  if (!loopbackNames.test(hosts[0] ?? '')) return [421];
  if (!pages.includes(target.split('?', 1)[0] ?? '')) return [404];
  return method === 'GET' || method === 'HEAD' ? pageStatuses : [405];
}

/** What stands behind a request and is none may end the connection before the request is answered. */
async function answersTo(connection: RawConnection, { requests, rest }: Expectation): Promise<Response[]> {
  const answers: Response[] = [];
  for (const request of requests) {
    const answer = await nextAnswer(connection, answers.at(-1)?.end ?? 0, request.method === 'HEAD');
    if (rest !== 'none' && (answer === undefined || refusals.includes(answer.status))) return answers;
    holds(answer !== undefined, `no answer to a ${request.method}`);
    const wanted = statusesFor(request);
    holds(wanted.includes(answer.status), `${answer.status} where ${wanted.join(' or ')} is right`);
    answers.push(answer);
  }
  return answers;
}

async function nextAnswer(
  connection: RawConnection,
  at: number,
  isHead = false,
): Promise<Response | undefined> {
  const found = await connection.until((bytes) => readResponse(bytes, at, connection.isEnded, isHead));
  return found ?? readResponse(connection.received, at, true, isHead);
}

/** The connection goes on: one more request is answered as it should be. */
async function lastAnswer(connection: RawConnection, at: number): Promise<Response> {
  await connection.send(last);
  const answer = await nextAnswer(connection, at);
  holds(answer !== undefined && pageStatuses.includes(answer.status), 'the last request is not answered');
  return answer;
}

function outcomeOf(
  received: Buffer,
  { rest }: Expectation,
  answers: readonly Response[],
  body: Buffer,
  directory: string,
): string {
  holdsNoSecret(received, [directory]);
  const behind = received.toString('latin1', answers.at(-1)?.end ?? 0);
  const others = [...behind.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  const isNoRequest = rest === 'closed' || rest === 'none';
  holds(
    !isNoRequest || others.every((status) => refusals.includes(status)),
    `${others.join()} for what is no request`,
  );
  for (const status of others) {
    holds(statuses.includes(status), `the status ${status} is none of this listener’s`);
    if (status === 200) holdsMayHavePage(body);
  }
  return `${rest} ${answers.map(({ status }) => status).join(' ')} + ${[...new Set(others)].join(' ')}`;
}

/** However strange it was: there is a page, a loopback name beside it, and the limit of size. */
function holdsMayHavePage(body: Buffer): void {
  const text = body.toString('latin1');
  holds(
    pages.some((page) => text.includes(`${page} `) || text.includes(`${page}?`)),
    'a page that was not asked for',
  );
  holds(/host[ \t]*:[ \t]*(localhost|127\.|\[?::1)/i.test(text), 'a page without a loopback name');
  const request = readRequest(body, 0);
  if (typeof request !== 'string' && body.length === request.end)
    holds(headBytesOf(request) <= headBytesMax, 'a page for a head beyond the limit');
}
