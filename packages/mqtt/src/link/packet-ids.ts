// SPDX-License-Identifier: Apache-2.0

/**
 * A set of packet identifiers, 32 of them to an entry: never more than 2,048 entries however many a peer leaves behind,
 * and few while identifiers follow each other.
 */
export class PacketIdSet {
  readonly #words = new Map<number, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(packetId: number): boolean {
    const word = this.#words.get(packetId >>> 5);
    return word !== undefined && (word & bitOf(packetId)) !== 0;
  }

  add(packetId: number): void {
    if (this.has(packetId)) return;
    this.#words.set(packetId >>> 5, (this.#words.get(packetId >>> 5) ?? 0) | bitOf(packetId));
    this.#size++;
  }

  /** False: it was not there. */
  delete(packetId: number): boolean {
    if (!this.has(packetId)) return false;
    const word = (this.#words.get(packetId >>> 5) ?? 0) & ~bitOf(packetId);
    if (word === 0) this.#words.delete(packetId >>> 5);
    else this.#words.set(packetId >>> 5, word);
    this.#size--;
    return true;
  }
}

function bitOf(packetId: number): number {
  return 1 << (packetId & 31);
}
