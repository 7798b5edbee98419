// SPDX-License-Identifier: Apache-2.0
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Transport, TransportInfo } from '../link/transport.ts';
import { transportInfoOf, transportOf } from './transport.ts';

/** Whoever takes new connections: an MqttServer. */
export interface Acceptor {
  accept(transport: Transport, info: TransportInfo): void;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
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
export function listenTcp(acceptor: Acceptor, options: ListenOptions): Promise<Listener> {
  const server = createServer({ noDelay: true }, (socket) => accept(acceptor, socket));
  return listen(server, options);
}

/**
 * The account's certificate is asked for and handed up as it is: its issuer is a domain's own CA, which the TLS
 * library does not know.
 */
export async function listenTls(
  acceptor: Acceptor,
  { tls, ...options }: ListenTlsOptions,
): Promise<TlsListener> {
  const server = createTlsServer(
    {
      minVersion,
      handshakeTimeout: tlsHandshakeMs,
      ...tls,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket) => accept(acceptor, socket),
  );
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const listener = await listen(server, options);
  return { ...listener, present: (tls) => server.setSecureContext({ minVersion, ...tls }) };
}

function accept(acceptor: Acceptor, socket: Socket): void {
  // Gone before it was handed over.
  if (socket.destroyed || socket.remoteAddress === undefined) socket.destroy();
  else acceptor.accept(transportOf(socket), transportInfoOf(socket));
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
