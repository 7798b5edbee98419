// SPDX-License-Identifier: Apache-2.0
// The operator's listener: three pages, read only, on this machine only.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isLoopbackHost } from '@sealpost/mqtt/node';

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Pages {
  /** By path. */
  readonly [path: string]: () => Promise<Page>;
}

export interface OperationsListener {
  readonly port: number;
  close(): Promise<void>;
}

/** A scraper and a probe or two; whoever comes on top is turned away. */
const connectionsMax = 32;
const limits = {
  maxHeaderSize: 4 * 1024,
  /** From the connection to the end of the headers, and to the end of the request. */
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
} as const;

/** Rejects when `host` is not this machine: nothing here asks who is asking. */
export async function listenForOperators(
  { host, port }: { readonly host: string; readonly port: number },
  pages: Pages,
  report: (error: unknown) => void,
): Promise<OperationsListener> {
  if (!isLoopbackHost(host)) throw new RangeError(`${host} can be reached from elsewhere`);
  const server = createServer({ ...limits, keepAlive: false }, (request, response) => {
    answer(pages, request, response).catch((error: unknown) => {
      report(error);
      response.destroy();
    });
  });
  server.maxConnections = connectionsMax;
  // Malformed, too large, too slow: Node has a default answer for each, and it is a good one.
  await listening(server, host, port);
  const address = server.address();
  if (address === null || typeof address === 'string' || !isLoopbackHost(address.address)) {
    server.close();
    throw new RangeError(`${host} can be reached from elsewhere`);
  }
  return {
    port: address.port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Nobody needs to send anything here, or to be two.
  if (
    request.headers['transfer-encoding'] !== undefined ||
    Number(request.headers['content-length'] ?? 0) > 0 ||
    hostsOf(request).length > 1
  )
    response.shouldKeepAlive = false;
  const { status, contentType, body } = await pageFor(pages, request);
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function pageFor(pages: Pages, request: IncomingMessage): Promise<Page> {
  const { method, url = '' } = request;
  const [host = '', ...others] = hostsOf(request);
  // RFC 9112 §3.2: a proxy in front may have looked at another one than we do.
  if (others.length > 0) return text(400, 'One Host only.');
  // A page in somebody's browser must not read this through a name that leads here.
  if (!isLoopbackHost(hostNameOf(host))) return text(421, 'Ask for this machine by a loopback name.');
  const path = url.split('?', 1)[0] ?? '';
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) return text(404, `There are ${Object.keys(pages).join(', ')}.`);
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'GET and HEAD only.');
  return page();
}

function text(status: number, sentence: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${sentence}\n` };
}

/** All of them: `headers` has the first one only. */
function hostsOf({ headersDistinct }: IncomingMessage): readonly string[] {
  return headersDistinct['host'] ?? [];
}

function hostNameOf(host: string): string {
  return host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
}
