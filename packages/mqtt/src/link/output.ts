// SPDX-License-Identifier: Apache-2.0
import type { Transport } from './transport.ts';

// Neither DOM nor Node types are assumed.
declare function queueMicrotask(run: () => void): void;

const joinBytesMax = 64 * 1024;

/**
 * Gathers what is written in one turn of the event loop into as few sends as possible. Packets that the codec wrote
 * one behind the other into its slab go out as one view, without a copy.
 */
export class Output {
  readonly #transport: Transport;
  #buffer: ArrayBufferLike | undefined;
  #start = 0;
  #end = 0;
  #earlier: Uint8Array[] = [];
  #earlierBytes = 0;
  #scheduled = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Not yet given to the transport. */
  get pendingBytes(): number {
    return this.#earlierBytes + this.#end - this.#start;
  }

  write(bytes: Uint8Array): void {
    if (bytes.buffer === this.#buffer && bytes.byteOffset === this.#end) {
      this.#end += bytes.length;
      return;
    }
    this.#setAside();
    this.#buffer = bytes.buffer;
    this.#start = bytes.byteOffset;
    this.#end = bytes.byteOffset + bytes.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#flushLater);
  }

  flush(): void {
    this.#setAside();
    const views = this.#earlier;
    const total = this.#earlierBytes;
    if (views.length === 0) return;
    this.#earlier = [];
    this.#earlierBytes = 0;
    const [first] = views;
    if (views.length === 1 && first !== undefined) this.#transport.send(first);
    else if (total <= joinBytesMax) this.#transport.send(join(views, total));
    else for (const view of views) this.#transport.send(view);
  }

  readonly #flushLater = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  #setAside(): void {
    if (this.#buffer === undefined) return;
    this.#earlier.push(new Uint8Array(this.#buffer, this.#start, this.#end - this.#start));
    this.#earlierBytes += this.#end - this.#start;
    this.#buffer = undefined;
    this.#start = 0;
    this.#end = 0;
  }
}

function join(views: readonly Uint8Array[], total: number): Uint8Array {
  const joined = new Uint8Array(total);
  let at = 0;
  for (const view of views) {
    joined.set(view, at);
    at += view.length;
  }
  return joined;
}
