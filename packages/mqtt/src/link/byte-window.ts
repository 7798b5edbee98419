// SPDX-License-Identifier: Apache-2.0

const startBytes = 32 * 1024;
const floorBytes = 4 * 1024;
const ceilingBytes = 1024 * 1024;
/** The least delay seen is forgotten after one to two of these, so that a route that became longer is believed. */
const baseAgeMs = 10_000;

/**
 * How many unacknowledged bytes may be on the way. What is inside it cannot be overtaken any more, so it should be
 * about bandwidth × delay and not larger. The delay of an acknowledgement is compared with the least one seen lately:
 * near it, nothing queues on the way and a window that limited us grows by what was acknowledged (doubles per round
 * trip); far above it, bytes only queue, and the window shrinks.
 */
export class ByteWindow {
  #windowBytes = startBytes;
  #inFlightBytes = 0;
  #baseMs = Infinity;
  #olderBaseMs = Infinity;
  #baseSince = 0;

  get windowBytes(): number {
    return this.#windowBytes;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** At least one message, however large. */
  hasRoom(bytes: number): boolean {
    return this.#inFlightBytes === 0 || this.#inFlightBytes + bytes <= this.#windowBytes;
  }

  wrote(bytes: number): void {
    this.#inFlightBytes += bytes;
  }

  /** `limited`: something waited because the window was full. */
  acknowledged(bytes: number, delayMs: number, limited: boolean, nowMs: number): void {
    this.#inFlightBytes -= bytes;
    const baseMs = this.#base(delayMs, nowMs);
    if (limited && delayMs <= 2 * baseMs + 20)
      this.#windowBytes = Math.min(ceilingBytes, this.#windowBytes + bytes);
    else if (delayMs > 3 * baseMs + 250)
      this.#windowBytes = Math.max(floorBytes, this.#windowBytes - (bytes >> 1));
  }

  /** A new connection: other route, nothing in flight. */
  reset(): void {
    this.#windowBytes = startBytes;
    this.#inFlightBytes = 0;
    this.#baseMs = Infinity;
    this.#olderBaseMs = Infinity;
  }

  #base(delayMs: number, nowMs: number): number {
    if (nowMs - this.#baseSince > baseAgeMs) {
      this.#olderBaseMs = this.#baseMs;
      this.#baseMs = delayMs;
      this.#baseSince = nowMs;
    } else if (delayMs < this.#baseMs) {
      this.#baseMs = delayMs;
    }
    return Math.min(this.#baseMs, this.#olderBaseMs);
  }
}
