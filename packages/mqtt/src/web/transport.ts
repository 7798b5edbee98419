// SPDX-License-Identifier: Apache-2.0
import type { Transport } from '../link/transport.ts';

// Neither DOM nor Node types are assumed.
declare function setTimeout(run: () => void, delayMs: number): object;
declare function clearTimeout(timer: object): void;

/** A WebSocket does not say when its buffer is empty, so it is looked at. */
const drainCheckMs = 10;
/** After `close`, a server that does not answer it is not waited for. */
const lingerMs = 2_000;
/** A WebSocket cannot be told to stop reading: what arrives meanwhile is kept, up to here. */
const heldBytesMax = 4 * 1024 * 1024;

const normalClosure = 1000;

/** What it needs of the standard (HTML §10.5). */
export interface StandardWebSocket {
  readonly bufferedAmount: number;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  send(data: Uint8Array): void;
  close(code?: number): void;
}

/** The client's end of a WebSocket that is open already, with `binaryType` set to `arraybuffer`. */
export class StandardWebSocketTransport implements Transport {
  onData: (bytes: Uint8Array) => void = () => undefined;
  onClose: (error?: Error) => void = () => undefined;
  onDrain: () => void = () => undefined;
  readonly #webSocket: StandardWebSocket;
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isPaused = false;
  #isOver = false;
  #isClosing = false;
  #error: Error | undefined;
  #drainTimer: object | undefined;
  #lingerTimer: object | undefined;

  constructor(webSocket: StandardWebSocket) {
    this.#webSocket = webSocket;
    webSocket.addEventListener('message', ({ data }) => this.#received(data));
    webSocket.addEventListener('error', () => (this.#error ??= new Error('the WebSocket failed')));
    webSocket.addEventListener('close', () => this.#over());
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  send(bytes: Uint8Array): void {
    if (this.#isOver || this.#isClosing) return;
    this.#webSocket.send(bytes);
    this.#drainTimer ??= setTimeout(() => this.#checkDrain(), drainCheckMs);
  }

  close(): void {
    if (this.#isClosing || this.#isOver) return;
    this.#isClosing = true;
    this.#webSocket.close(normalClosure);
    this.#lingerTimer = setTimeout(() => this.#over(), lingerMs);
  }

  destroy(): void {
    this.#isClosing = true;
    if (this.#isOver) return;
    this.#webSocket.close();
    if (this.#lingerTimer !== undefined) clearTimeout(this.#lingerTimer);
    this.#lingerTimer = setTimeout(() => this.#over(), 0);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    while (!this.#isPaused && !this.#isClosing) {
      const bytes = this.#held.shift();
      if (bytes === undefined) return;
      this.#heldBytes -= bytes.length;
      this.onData(bytes);
    }
  }

  #received(data: unknown): void {
    if (this.#isClosing || this.#isOver) return;
    // [MQTT-6.0.0-1]
    if (!(data instanceof ArrayBuffer)) this.#fail('a WebSocket message that is not binary');
    else if (!this.#isPaused) this.onData(new Uint8Array(data));
    else if (this.#heldBytes + data.byteLength > heldBytesMax)
      this.#fail('the server sends more than is read');
    else {
      this.#held.push(new Uint8Array(data));
      this.#heldBytes += data.byteLength;
    }
  }

  #fail(sentence: string): void {
    this.#error = new Error(sentence);
    this.destroy();
  }

  #checkDrain(): void {
    this.#drainTimer = undefined;
    if (this.#isOver) return;
    if (this.#webSocket.bufferedAmount === 0) this.onDrain();
    else this.#drainTimer = setTimeout(() => this.#checkDrain(), drainCheckMs);
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of [this.#drainTimer, this.#lingerTimer]) if (timer !== undefined) clearTimeout(timer);
    this.#held.length = 0;
    this.onClose(this.#error);
  }
}
