// SPDX-License-Identifier: Apache-2.0
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import { WebSocketServer } from 'ws';
import { serverLimits } from '../server/limits.ts';
import { Doorway } from './doorway.ts';
import type { Acceptor, ListenOptions, TlsListener } from './listen.ts';
import { isLoopbackHost } from './loopback.ts';
import { lingerMs, transportInfoOf } from './transport.ts';
import { webSocketTransportOf } from './web-socket-transport.ts';

export interface ListenWebSocketOptions extends ListenOptions {
  /** With it the listener is `wss`. Without it, it is `ws`, and on loopback only. */
  readonly tls?: TlsOptions;
  /**
   * Pages that may connect, as browsers name them in `Origin`: scheme, host and port, `https://mail.example`. Compared
   * exactly. A client that names no origin is no browser and needs none.
   */
  readonly origins: readonly string[];
  /** Of one WebSocket message, whatever number of packets or parts of packets is in it. */
  readonly messageBytesMax?: number;
}

/** Where WebSocket clients find MQTT. */
export const webSocketPath = '/mqtt';
const subprotocol = 'mqtt';
/** RFC 6455 §4.2.2: the only one. In drafts before it, a browser names its page in another header. */
const webSocketVersion = '13';
/** From accepting the socket to the end of its HTTP request. */
const requestMs = 10_000;
const requestCheckMs = 1_000;
const minVersion = 'TLSv1.2';
const requestHeaderBytesMax = 8 * 1024;

/**
 * MQTT over WebSocket (MQTT 5.0 §6). Rejects with the error of the socket, and with RangeError for `ws` on anything but
 * loopback: what a browser sends there could be read and altered on its way.
 */
export async function listenWebSocket(
  acceptor: Acceptor,
  { host, port, tls, gate, origins, messageBytesMax = serverLimits.packetBytesMax }: ListenWebSocketOptions,
): Promise<TlsListener> {
  if (tls === undefined && !isLoopbackHost(host))
    throw new RangeError(`WebSocket without TLS is for loopback only, not for ${host}`);
  const http = {
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: requestCheckMs,
    maxHeaderSize: requestHeaderBytesMax,
    noDelay: true,
  };
  const server =
    tls === undefined
      ? createServer(http, upgradeRequired)
      : createSecureServer({ minVersion, handshakeTimeout: requestMs, ...tls, ...http }, upgradeRequired);
  const doorway = new Doorway(gate);
  // Before the TLS handshake, as it is before HTTP: who may not connect costs neither.
  server.prependListener('connection', (socket: Socket) => void doorway.enter(socket));
  // In a variable, because the types do not know `closeTimeout` yet.
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: messageBytesMax,
    skipUTF8Validation: true,
    autoPong: false,
    closeTimeout: lingerMs,
    handleProtocols: () => subprotocol,
  };
  const webSockets = new WebSocketServer(options);
  const allowed = new Set(origins);
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const socket = stream as Socket;
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request, allowed);
    if (refusal !== undefined) {
      refuse(socket, refusal);
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      // Nobody else listens when it is not handed over, and what it has sent already is still read.
      webSocket.on('error', () => undefined);
      if (socket.destroyed || socket.remoteAddress === undefined) webSocket.terminate();
      else
        acceptor.accept(
          webSocketTransportOf(webSocket, socket),
          transportInfoOf(socket),
          doorway.established(socket),
        );
    });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return {
    port: await listen(server, host, port),
    close: () => close(server),
    present(given) {
      if (server instanceof SecureServer) server.setSecureContext({ minVersion, ...given });
    },
  };
}

/** The status of a request that does not become a WebSocket; undefined when it may. */
function refusalOf({ url = '', headers }: IncomingMessage, allowed: ReadonlySet<string>): number | undefined {
  const { origin } = headers;
  if (origin !== undefined && !allowed.has(origin)) return 403;
  if (url.split('?', 1)[0] !== webSocketPath) return 404;
  // [MQTT-6.0.0-3]: the client offers `mqtt`; [MQTT-6.0.0-4]: and the server answers with it.
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (!offered.includes(subprotocol)) return 400;
  return headers['sec-websocket-version'] === webSocketVersion ? undefined : 426;
}

function refuse(socket: Socket, status: number): void {
  // RFC 6455 §4.4.
  const version =
    status === 426 ? `Upgrade: websocket\r\nSec-WebSocket-Version: ${webSocketVersion}\r\n` : '';
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${version}Content-Length: 0\r\n\r\n`,
  );
  // Whoever does not end its side is not waited for.
  socket.once('finish', () => socket.destroy());
}

/** RFC 9110 §15.5.22: what else is asked here. */
function upgradeRequired(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, {
    Upgrade: 'websocket',
    Connection: 'Upgrade, close',
    'Content-Type': 'text/plain',
  });
  response.end('This is MQTT over WebSocket.\n');
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    // Those that have become WebSockets are the acceptor's; the others have nothing to wait for.
    server.closeAllConnections();
  });
}
