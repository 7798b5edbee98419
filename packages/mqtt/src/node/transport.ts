// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Transport, TransportInfo } from '../link/transport.ts';
import { isLoopbackAddress } from './loopback.ts';

/** After `close`, a peer that does not end its side is cut off. */
export const lingerMs = 2_000;

/** A socket of TCP or TLS. It must be open already and nobody else may listen to its data. */
export function transportOf(socket: Socket | TLSSocket): Transport {
  return new SocketTransport(socket);
}

export function transportInfoOf(socket: Socket | TLSSocket): TransportInfo {
  const remote = socket.remoteAddress ?? '';
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  const issuer = certificate?.issuerCertificate;
  return {
    secure: socket instanceof TLSSocket,
    loopback: isLoopbackAddress(remote),
    remote: `${remote}:${socket.remotePort ?? 0}`,
    ...(certificate === undefined ? undefined : { peerCertificate: new Uint8Array(certificate.raw) }),
    ...(issuer === undefined ? undefined : { peerIssuer: new Uint8Array(issuer.raw) }),
  };
}

class SocketTransport implements Transport {
  onData: (bytes: Uint8Array) => void = () => undefined;
  onClose: (error?: Error) => void = () => undefined;
  onDrain: () => void = () => undefined;
  readonly #socket: Socket;
  #error: Error | undefined;
  #closing = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    // A plain view: slices of a Buffer are Buffers, which are slower and look different in tests.
    socket.on('data', (chunk) => {
      if (!this.#closing) this.onData(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    });
    socket.on('drain', () => this.onDrain());
    socket.on('error', (error) => (this.#error = error));
    socket.on('end', () => this.close());
    socket.on('close', () => this.onClose(this.#error));
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Reads on and throws away what comes, because unread data would turn the end into a reset that overtakes it. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    const socket = this.#socket;
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}
