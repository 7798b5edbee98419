// SPDX-License-Identifier: Apache-2.0
// Trees and proofs are made by the recursive definitions of RFC 9162 §2.1.1, §2.1.3.1 and §2.1.4.1, which share nothing
// with the verifier's loop.
import { leafHash, nodeHash, toHex } from '@sealpost/protocol';
import { adapterCrypto } from '../keys.ts';
import { entry } from './write.ts';
import type { Case, Vectors } from './write.ts';

const leaves = Array.from({ length: 11 }, (_, index) => leafHash(Uint8Array.of(index), adapterCrypto));

function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

function root(list: readonly Uint8Array[]): Uint8Array {
  const [only] = list;
  if (only === undefined) return adapterCrypto.sha256(new Uint8Array(0));
  if (list.length === 1) return only;
  const k = split(list.length);
  return nodeHash(root(list.slice(0, k)), root(list.slice(k)), adapterCrypto);
}

function inclusionPath(index: number, list: readonly Uint8Array[]): Uint8Array[] {
  if (list.length <= 1) return [];
  const k = split(list.length);
  const [left, right] = [list.slice(0, k), list.slice(k)];
  return index < k
    ? [...inclusionPath(index, left), root(right)]
    : [...inclusionPath(index - k, right), root(left)];
}

function consistencyPath(size: number, list: readonly Uint8Array[], complete = true): Uint8Array[] {
  if (size === list.length) return complete ? [] : [root(list)];
  const k = split(list.length);
  const [left, right] = [list.slice(0, k), list.slice(k)];
  return size <= k
    ? [...consistencyPath(size, left, complete), root(right)]
    : [...consistencyPath(size - k, right, false), root(left)];
}

function inclusion(index: number, size: number) {
  const list = leaves.slice(0, size);
  return {
    leafHash: toHex(leaves[index] ?? new Uint8Array(0)),
    index,
    size,
    root: toHex(root(list)),
    proof: inclusionPath(index, list).map(toHex),
  };
}

function consistency(size1: number, size2: number) {
  return {
    size1,
    size2,
    root1: toHex(root(leaves.slice(0, size1))),
    root2: toHex(root(leaves.slice(0, size2))),
    proof: size1 === 0 ? [] : consistencyPath(size1, leaves.slice(0, size2)).map(toHex),
  };
}

function validCases(): Case[] {
  const cases: Case[] = [];
  for (const size of [1, 2, 3, 5, 8, 11]) {
    for (const index of new Set([0, size >> 1, size - 1])) {
      cases.push(entry(`inclusion of ${index} in ${size}`, 'merkle.inclusion', inclusion(index, size), {}));
    }
  }
  for (const [size1, size2] of [
    [1, 1],
    [1, 2],
    [2, 3],
    [3, 7],
    [4, 7],
    [6, 8],
    [8, 11],
    [11, 11],
  ] as const) {
    cases.push(
      entry(`consistency of ${size1} with ${size2}`, 'merkle.consistency', consistency(size1, size2), {}),
    );
  }
  return cases;
}

const large = { ...inclusion(0, 1), proof: [] };
const zeros = '00'.repeat(32);

function refused(name: string, op: string, input: object): Case {
  return entry(name, op, input, 'proof-invalid');
}

const fiveOfEleven = inclusion(5, 11);
const threeOfSeven = consistency(3, 7);
const fourOfSeven = consistency(4, 7);

export const merkleVectors: Vectors = {
  about: 'Merkle proofs of RFC 9162 section 2.1 with SHA-256.',
  cases: [
    ...validCases(),
    refused('index is the size', 'merkle.inclusion', { ...inclusion(0, 1), index: 1 }),
    refused('empty tree', 'merkle.inclusion', { ...inclusion(0, 1), size: 0 }),
    refused('negative index', 'merkle.inclusion', { ...large, index: -1 }),
    refused('fractional index', 'merkle.inclusion', { ...fiveOfEleven, index: 5.5 }),
    refused('size above 2^53-1', 'merkle.inclusion', { ...large, size: 9_007_199_254_740_992 }),
    refused('other leaf', 'merkle.inclusion', { ...fiveOfEleven, leafHash: zeros }),
    refused('other index', 'merkle.inclusion', { ...fiveOfEleven, index: 4 }),
    refused('other size', 'merkle.inclusion', { ...inclusion(0, 8), size: 16 }),
    refused('other root', 'merkle.inclusion', { ...fiveOfEleven, root: zeros }),
    refused('proof too short', 'merkle.inclusion', {
      ...fiveOfEleven,
      proof: fiveOfEleven.proof.slice(0, -1),
    }),
    refused('proof too long', 'merkle.inclusion', { ...fiveOfEleven, proof: [...fiveOfEleven.proof, zeros] }),
    refused('hash of 31 bytes', 'merkle.inclusion', { ...fiveOfEleven, root: zeros.slice(2) }),
    refused('from the empty tree', 'merkle.consistency', consistency(0, 3)),
    refused('empty tree with itself', 'merkle.consistency', consistency(0, 0)),
    refused('to the empty tree', 'merkle.consistency', { ...threeOfSeven, size2: 0 }),
    refused('sizes the wrong way round', 'merkle.consistency', { ...threeOfSeven, size1: 7, size2: 3 }),
    refused('equal sizes, other root', 'merkle.consistency', { ...consistency(3, 3), root2: zeros }),
    refused('equal sizes with a proof', 'merkle.consistency', { ...consistency(3, 3), proof: [zeros] }),
    refused('consistency without a proof', 'merkle.consistency', { ...fourOfSeven, proof: [] }),
    refused('other first root', 'merkle.consistency', { ...threeOfSeven, root1: zeros }),
    refused('other second root', 'merkle.consistency', { ...threeOfSeven, root2: zeros }),
    refused('consistency proof too short', 'merkle.consistency', {
      ...threeOfSeven,
      proof: threeOfSeven.proof.slice(0, -1),
    }),
    refused('consistency proof too long', 'merkle.consistency', {
      ...threeOfSeven,
      proof: [...threeOfSeven.proof, zeros],
    }),
    refused('size above 2^53-1 in consistency', 'merkle.consistency', {
      ...threeOfSeven,
      size2: 9_007_199_254_740_992,
    }),
  ],
};
