// SPDX-License-Identifier: Apache-2.0
import type { Transport } from '@sealpost/mqtt/link';

/** A transport whose other side is the test. */
export class MemoryTransport implements Transport {
  onData: (bytes: Uint8Array) => void = () => undefined;
  onClose: (error?: Error) => void = () => undefined;
  onDrain: () => void = () => undefined;
  bufferedBytes = 0;
  paused = false;
  closed = false;
  readonly sent: Uint8Array[] = [];

  send(bytes: Uint8Array): void {
    this.sent.push(bytes.slice());
  }

  close(): void {
    this.closed = true;
  }

  destroy(): void {
    this.closed = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}
