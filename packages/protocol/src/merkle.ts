// SPDX-License-Identifier: Apache-2.0
// Merkle trees of RFC 9162 §2.1 with SHA-256: verification only.
import { concatBytes, equalBytes } from './bytes.ts';
import { hashBytesLength } from './crypto.ts';
import type { CryptoProvider } from './crypto.ts';

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

export interface InclusionProof {
  readonly leafHash: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

export interface ConsistencyProof {
  readonly size1: number;
  readonly size2: number;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

export function leafHash(entry: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(concatBytes(leafPrefix, entry));
}

export function nodeHash(left: Uint8Array, right: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(concatBytes(nodePrefix, left, right));
}

/** RFC 9162 §2.1.3.2. */
export function verifyInclusion(
  { leafHash, index, size, root, proof }: InclusionProof,
  crypto: CryptoProvider,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (!areHashes([leafHash, root, ...proof])) return false;
  let position = index;
  let last = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(position) || position === last) {
      hash = nodeHash(sibling, hash, crypto);
      while (!isOdd(position) && position !== 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling, crypto);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 && equalBytes(hash, root);
}

/** RFC 9162 §2.1.4.2. A proof from or to the empty tree says nothing and is refused. */
export function verifyConsistency(
  { size1, size2, root1, root2, proof }: ConsistencyProof,
  crypto: CryptoProvider,
): boolean {
  if (!isCount(size1) || !isCount(size2) || size1 === 0 || size1 > size2) return false;
  if (!areHashes([root1, root2, ...proof])) return false;
  if (size1 === size2) return proof.length === 0 && equalBytes(root1, root2);
  let position = size1 - 1;
  let last = size2 - 1;
  while (isOdd(position)) {
    position = half(position);
    last = half(last);
  }
  // If size1 is a power of two, its root is itself the first node and is left out of the proof.
  const path = position === 0 ? [root1, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined || proof.length === 0) return false;
  let hash1 = first;
  let hash2 = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(position) || position === last) {
      hash1 = nodeHash(sibling, hash1, crypto);
      hash2 = nodeHash(sibling, hash2, crypto);
      while (!isOdd(position) && position !== 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      hash2 = nodeHash(hash2, sibling, crypto);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 && equalBytes(hash1, root1) && equalBytes(hash2, root2);
}

// Sizes go up to 2^53-1, beyond what JavaScript's bit operators hold.
function half(value: number): number {
  return Math.floor(value / 2);
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.every((value) => value.length === hashBytesLength);
}
