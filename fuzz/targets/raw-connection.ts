// SPDX-License-Identifier: Apache-2.0
// A connection that behaves as badly as one likes, and collects what comes back.
import { connect, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import type { Random } from '../engine/random.ts';

/** How a peer sends, and how it ends. One byte of the input chooses it. */
export type Manner = 'half-open' | 'halves' | 'patient' | 'plain' | 'reset' | 'trickle';

const unusual: readonly Manner[] = ['half-open', 'halves', 'patient', 'reset', 'reset', 'trickle'];
const mannerCodes = 32;
const trickleBytes = 3;

export function mannerOf(code: number): Manner {
  return unusual[code % mannerCodes] ?? 'plain';
}

/** Mostly plain: the others take longer, or show less. */
export function randomManner(random: Random): number {
  return random.below(mannerCodes);
}

interface RawOptions {
  readonly port: number;
  readonly isSecure?: boolean;
  /** Does not end its side when the other has ended its own. */
  readonly isHalfOpen?: boolean;
}

export class RawConnection {
  /** Resolves when nothing of it is left. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #stream: Socket;
  #received = Buffer.alloc(0);
  #isEnded = false;
  #wake: () => void = () => undefined;
  #error: Error | undefined;

  private constructor(socket: Socket, stream: Socket) {
    this.#socket = socket;
    this.#stream = stream;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#end();
      resolve();
    });
    // A reset is an end like any other: what was sent may have been refused unread.
    stream.on('error', () => stream.destroy());
    stream.on('end', () => this.#end());
    stream.on('close', () => socket.destroy());
    stream.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
  }

  /** Resolves when bytes can be sent; a server that hangs up at once is no error. */
  static async open({ port, isSecure = false, isHalfOpen = false }: RawOptions): Promise<RawConnection> {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: isHalfOpen });
    const stream = isSecure ? connectSecure({ socket, rejectUnauthorized: false }) : socket;
    const connection = new RawConnection(socket, stream);
    await new Promise<void>((resolve) => {
      stream.once(isSecure ? 'secureConnect' : 'connect', resolve);
      socket.once('close', () => resolve());
    });
    return connection;
  }

  get received(): Buffer {
    return this.#received;
  }

  /** The other side sends nothing more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  async send(bytes: Uint8Array, manner: Manner = 'plain'): Promise<void> {
    const size = { halves: Math.ceil(bytes.length / 2), trickle: trickleBytes }[manner as string];
    for (let at = 0; at < bytes.length && this.#stream.writable; at += size ?? bytes.length) {
      this.#stream.write(bytes.subarray(at, at + (size ?? bytes.length)));
      if (size !== undefined) await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  end(): void {
    this.#stream.end();
  }

  /** Before the other side can answer, with an RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  giveUp(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  /** The first result of `look` that is not undefined; undefined when the other side has ended first. */
  async until<T>(look: (received: Buffer) => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = look(this.#received);
      if (this.#error !== undefined) throw this.#error;
      if (found !== undefined || this.#isEnded) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #end(): void {
    this.#isEnded = true;
    this.#wake();
  }
}
