// SPDX-License-Identifier: Apache-2.0
// Proofs come from the recursive definitions of RFC 9162 §2.1; the verifier under test is the iterative one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafHash, nodeHash, verifyConsistency, verifyInclusion } from '../src/index.ts';
import { crypto } from './support.ts';

const sizeMax = 33;
const leaves = Array.from({ length: sizeMax }, (_, index) => leafHash(Uint8Array.of(index), crypto));

function split(size: number): number {
  return 2 ** Math.ceil(Math.log2(size) - 1);
}

function root(list: readonly Uint8Array[]): Uint8Array {
  const [only] = list;
  if (only === undefined) return crypto.sha256(new Uint8Array(0));
  const k = split(list.length);
  return list.length === 1 ? only : nodeHash(root(list.slice(0, k)), root(list.slice(k)), crypto);
}

function path(index: number, list: readonly Uint8Array[]): Uint8Array[] {
  if (list.length <= 1) return [];
  const k = split(list.length);
  return index < k
    ? [...path(index, list.slice(0, k)), root(list.slice(k))]
    : [...path(index - k, list.slice(k)), root(list.slice(0, k))];
}

function subproof(size: number, list: readonly Uint8Array[], complete: boolean): Uint8Array[] {
  if (size === list.length) return complete ? [] : [root(list)];
  const k = split(list.length);
  return size <= k
    ? [...subproof(size, list.slice(0, k), complete), root(list.slice(k))]
    : [...subproof(size - k, list.slice(k), false), root(list.slice(0, k))];
}

function leaf(index: number): Uint8Array {
  return leaves[index] ?? new Uint8Array(0);
}

test('every leaf of every tree is included, and nowhere else', () => {
  for (let size = 1; size <= sizeMax; size++) {
    const list = leaves.slice(0, size);
    for (let index = 0; index < size; index++) {
      const claim = { leafHash: leaf(index), index, size, root: root(list), proof: path(index, list) };
      assert.ok(verifyInclusion(claim, crypto));
      assert.ok(!verifyInclusion({ ...claim, index: (index + 1) % (size + 1) }, crypto));
      assert.ok(!verifyInclusion({ ...claim, proof: [...claim.proof, leaf(0)] }, crypto));
      if (size > 1) assert.ok(!verifyInclusion({ ...claim, proof: claim.proof.slice(1) }, crypto));
    }
  }
});

test('every tree is consistent with every larger one', () => {
  for (let size2 = 1; size2 <= sizeMax; size2++) {
    const list = leaves.slice(0, size2);
    for (let size1 = 1; size1 <= size2; size1++) {
      const proof = subproof(size1, list, true);
      const claim = { size1, size2, root1: root(leaves.slice(0, size1)), root2: root(list), proof };
      assert.ok(verifyConsistency(claim, crypto));
      assert.ok(!verifyConsistency({ ...claim, proof: [...proof, leaf(0)] }, crypto));
      assert.ok(!verifyConsistency({ ...claim, root1: leaf(0), root2: leaf(1) }, crypto));
      if (proof.length > 0) assert.ok(!verifyConsistency({ ...claim, proof: proof.slice(0, -1) }, crypto));
    }
  }
});

test('the edges: empty trees and numbers beyond 2^53-1', () => {
  const hash = leaf(0);
  const inclusion = { leafHash: hash, index: 0, size: 1, root: hash, proof: [] };
  assert.ok(verifyInclusion(inclusion, crypto));
  for (const [index, size] of [
    [0, 0],
    [1, 1],
    [-1, 1],
    [0.5, 1],
    [0, 2 ** 53],
    [2 ** 53, 2 ** 53 + 2],
  ] as const) {
    assert.ok(!verifyInclusion({ ...inclusion, index, size }, crypto));
  }
  const consistency = { root1: hash, root2: hash, proof: [] };
  assert.ok(verifyConsistency({ ...consistency, size1: 2 ** 53 - 1, size2: 2 ** 53 - 1 }, crypto));
  for (const [size1, size2] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [2, 1],
    [2 ** 53, 2 ** 53],
  ] as const) {
    assert.ok(!verifyConsistency({ ...consistency, size1, size2 }, crypto));
  }
});
