// SPDX-License-Identifier: Apache-2.0
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Transport, TransportInfo } from '../link/transport.ts';
import { Doorway, type Gate } from './doorway.ts';
import { transportInfoOf, transportOf } from './transport.ts';

/** Whoever takes new connections: an MqttServer. */
export interface Acceptor {
  /** `established` is called when the handshake is over, however it ended. */
  accept(transport: Transport, info: TransportInfo, established?: () => void): void;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Default: everybody may. */
  readonly gate?: Gate;
}

export interface ListenTlsOptions extends ListenOptions {
  /** `cert`, `key` and what else the listener presents. A client certificate is asked for and never judged here. */
  readonly tls: TlsOptions;
}

export interface Listener {
  readonly port: number;
  /** Takes no new connections; those that are open are the acceptor's. */
  close(): Promise<void>;
}

export interface TlsListener extends Listener {
  /** What is presented from the next handshake on. Throws when key and certificate do not fit. */
  present(tls: TlsOptions): void;
}

const tlsHandshakeMs = 10_000;
const minVersion = 'TLSv1.2';

/** Rejects with the error of the socket: address in use, not permitted. */
export function listenTcp(acceptor: Acceptor, { gate, ...options }: ListenOptions): Promise<Listener> {
  const doorway = new Doorway(gate);
  const server = createServer({ noDelay: true }, (socket) => {
    if (doorway.enter(socket)) accept(acceptor, socket, doorway);
  });
  return listen(server, options);
}

/**
 * The account's certificate is asked for and handed up as it is: its issuer is a domain's own CA, which the TLS
 * library does not know.
 */
export async function listenTls(
  acceptor: Acceptor,
  { tls, gate, ...options }: ListenTlsOptions,
): Promise<TlsListener> {
  const doorway = new Doorway(gate);
  const secure = createTlsServer(
    {
      minVersion,
      handshakeTimeout: tlsHandshakeMs,
      ...tls,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket) => accept(acceptor, socket, doorway),
  );
  secure.on('tlsClientError', (_error, socket) => socket.destroy());
  // A server of its own in front: who may not connect costs no handshake.
  const server = createServer({ noDelay: true }, (socket) => {
    if (doorway.enter(socket)) secure.emit('connection', socket);
  });
  const listener = await listen(server, options);
  return { ...listener, present: (tls) => secure.setSecureContext({ minVersion, ...tls }) };
}

function accept(acceptor: Acceptor, socket: Socket, doorway: Doorway): void {
  // Gone before it was handed over.
  if (socket.destroyed || socket.remoteAddress === undefined) socket.destroy();
  else acceptor.accept(transportOf(socket), transportInfoOf(socket), doorway.established(socket));
}

function listen(server: Server, { host, port }: ListenOptions): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve({ port: (server.address() as AddressInfo).port, close: () => close(server) });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
  });
}
