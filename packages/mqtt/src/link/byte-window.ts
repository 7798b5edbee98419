// SPDX-License-Identifier: Apache-2.0

const startBytes = 32 * 1024;
const floorBytes = 4 * 1024;
const ceilingBytes = 1024 * 1024;
/** How long the least delay is believed. */
const baseAgeMs = 10_000;

/**
 * How many unacknowledged bytes may be on the way. What is inside it cannot be overtaken any more, so it should be
 * about bandwidth × delay and not larger. The delay of an acknowledgement is compared with the base, the delay of a
 * message that had the way to itself: near it, nothing queues on the way, and a window that limited us grows by what
 * was acknowledged (it doubles per round trip); a quarter of a second or more above it, bytes only queue, and the
 * window shrinks. A base that is too old is measured again by letting the way run empty for one message.
 */
export class ByteWindow {
  #windowBytes = startBytes;
  #inFlightBytes = 0;
  #baseMs = Infinity;
  /** Of the base. */
  #measuredMs = -Infinity;
  /** The message in flight was written to an empty way, and nothing was written since. */
  #alone = false;
  #remeasure = false;

  get windowBytes(): number {
    return this.#windowBytes;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** At least one message, however large. */
  hasRoom(bytes: number): boolean {
    if (this.#inFlightBytes === 0) return true;
    return !this.#remeasure && this.#inFlightBytes + bytes <= this.#windowBytes;
  }

  wrote(bytes: number): void {
    this.#alone = this.#inFlightBytes === 0;
    this.#inFlightBytes += bytes;
  }

  /** `limited`: something waited because the window was full. */
  acknowledged(bytes: number, delayMs: number, limited: boolean, nowMs: number): void {
    this.#inFlightBytes -= bytes;
    const crowding = limited && !this.#remeasure;
    if (this.#alone || delayMs < this.#baseMs) this.#measure(delayMs, nowMs);
    else if (nowMs - this.#measuredMs > baseAgeMs) this.#remeasure = true;
    const extraMs = delayMs - this.#baseMs;
    if (crowding && extraMs <= Math.max(20, this.#baseMs / 2))
      this.#windowBytes = Math.min(ceilingBytes, this.#windowBytes + bytes);
    else if (extraMs > Math.max(250, this.#baseMs))
      this.#windowBytes = Math.max(floorBytes, this.#windowBytes - (bytes >> 1));
  }

  /** A new connection: other route, nothing in flight. */
  reset(): void {
    this.#windowBytes = startBytes;
    this.#inFlightBytes = 0;
    this.#baseMs = Infinity;
    this.#measuredMs = -Infinity;
    this.#alone = false;
    this.#remeasure = false;
  }

  #measure(delayMs: number, nowMs: number): void {
    const old = this.#remeasure || nowMs - this.#measuredMs > baseAgeMs;
    if (!old && delayMs > this.#baseMs) return;
    this.#baseMs = delayMs;
    this.#measuredMs = nowMs;
    if (this.#alone) this.#remeasure = false;
  }
}
