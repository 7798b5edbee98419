// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { connect as connectSecure, type ConnectionOptions } from 'node:tls';
import type { Transport, TransportInfo } from '../link/transport.ts';
import { transportInfoOf, transportOf } from './transport.ts';

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** Default 10 s, for the whole of it. */
  readonly timeoutMs?: number;
}

export interface ConnectTlsOptions extends ConnectOptions {
  /** `ca`, `cert`, `key`, `servername`, `rejectUnauthorized` … */
  readonly tls?: ConnectionOptions;
}

export interface ConnectedTransport extends Transport {
  readonly info: TransportInfo;
}

const timeoutMsDefault = 10_000;

/** Rejects with the error of the socket. */
export function connectTcp({ host, port, timeoutMs }: ConnectOptions): Promise<ConnectedTransport> {
  const socket = connect({ host, port, noDelay: true });
  return connected(socket, 'connect', timeoutMs);
}

/** The server's certificate is checked against `tls.ca` or the system's, unless the options say otherwise. */
export function connectTls({ host, port, timeoutMs, tls }: ConnectTlsOptions): Promise<ConnectedTransport> {
  const socket = connectSecure({ host, port, minVersion: 'TLSv1.2', ...serverName(host), ...tls });
  return connected(socket, 'secureConnect', timeoutMs);
}

/** RFC 6066 §3: an IP address is no server name. */
function serverName(host: string): { servername?: string } {
  return /^[\d.]+$|:/.test(host) ? {} : { servername: host };
}

function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number = timeoutMsDefault,
): Promise<ConnectedTransport> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('connection timed out')), timeoutMs);
    const closedEarly = (): void => fail(new Error('connection closed'));
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.off('close', closedEarly);
      reject(error);
    };
    socket.once('error', fail);
    socket.once('close', closedEarly);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', fail);
      socket.off('close', closedEarly);
      resolve(Object.assign(transportOf(socket), { info: transportInfoOf(socket) }));
    });
  });
}
