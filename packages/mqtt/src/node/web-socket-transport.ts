// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { Transport } from '../link/transport.ts';
import { lingerMs } from './transport.ts';

/** RFC 6455 §7.4.1. */
const CloseCode = { normal: 1000, unsupportedData: 1003 } as const;

/** The server's end of a WebSocket. It must be open already; `socket` is what it runs on. */
export function webSocketTransportOf(webSocket: WebSocket, socket: Socket): Transport {
  return new WebSocketTransport(webSocket, socket);
}

/** [MQTT-6.0.0-2]: a stream of bytes. Where one message of the WebSocket ends and the next begins means nothing. */
class WebSocketTransport implements Transport {
  onData: (bytes: Uint8Array) => void = () => undefined;
  onClose: (error?: Error) => void = () => undefined;
  onDrain: () => void = () => undefined;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  #error: Error | undefined;
  #closing = false;

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    webSocket.on('message', (data, isBinary) => this.#received(data, isBinary));
    webSocket.on('ping', (data: Buffer) => this.#pinged(data));
    webSocket.on('error', (error) => (this.#error = error));
    webSocket.on('close', () => this.onClose(this.#error));
    socket.on('drain', () => this.onDrain());
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  send(bytes: Uint8Array): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.send(bytes);
  }

  close(): void {
    this.#close(CloseCode.normal);
  }

  destroy(): void {
    this.#closing = true;
    this.#webSocket.terminate();
  }

  pause(): void {
    if (!this.#closing) this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  #received(data: RawData, isBinary: boolean): void {
    if (this.#closing) return;
    if (!isBinary) {
      // [MQTT-6.0.0-1]
      this.#error = new Error('a WebSocket message that is not binary');
      this.#close(CloseCode.unsupportedData);
      return;
    }
    const chunk = data as Buffer;
    this.onData(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  /** RFC 6455 §5.5.3: not every ping needs its pong. Who does not read them gets no more of them. */
  #pinged(data: Buffer): void {
    if (!this.#closing && this.#socket.writableLength === 0) this.#webSocket.pong(data);
  }

  /** As for a socket: what was sent still leaves, what comes is thrown away, and nobody is waited for long. */
  #close(code: number): void {
    if (this.#closing) return;
    this.#closing = true;
    const webSocket = this.#webSocket;
    webSocket.close(code);
    webSocket.resume();
    const timer = setTimeout(() => webSocket.terminate(), lingerMs);
    timer.unref();
    webSocket.once('close', () => clearTimeout(timer));
  }
}
