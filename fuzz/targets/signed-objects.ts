// SPDX-License-Identifier: Apache-2.0
// Changes inside a COSE_Sign1 that leave it decodable: one value of a header or of the payload becomes another.
import {
  Tagged,
  decodeCbor,
  encodeCbor,
  type SignedObject,
  type Signer,
  type SignerCertificate,
} from '@sealpost/protocol';
import type { Random } from '../engine/random.ts';
import { encodeTree, item } from './cbor.ts';

type Tree = unknown;

/** The input itself where it is no CBOR. */
export function varySigned(input: Uint8Array, random: Random): Uint8Array {
  const decoded = decodeCbor(input);
  if (!decoded.ok || !(decoded.value instanceof Tagged) || !Array.isArray(decoded.value.value)) return input;
  const parts = [...(decoded.value.value as unknown[])];
  const at = random.pick([0, 0, 0, 1, 2, 2, 3]);
  const part = parts[at];
  const inner = part instanceof Uint8Array ? decodeCbor(part) : undefined;
  parts[at] =
    inner?.ok === true && inner.value instanceof Map
      ? new Uint8Array(encodeTree(change(inner.value, random)))
      : change(part, random);
  return encodeTree(new Tagged(random.chance(40) ? random.below(300) : 18, parts));
}

/** Somewhere in the tree. */
function change(tree: Tree, random: Random): Tree {
  if (tree instanceof Map && tree.size > 0 && !random.chance(6)) return changeMap(tree, random);
  if (Array.isArray(tree) && tree.length > 0 && !random.chance(4)) {
    const at = random.below(tree.length);
    return tree.map((one: unknown, index) => (index === at ? change(one, random) : one));
  }
  return leaf(tree, random);
}

function changeMap(map: ReadonlyMap<unknown, unknown>, random: Random): Tree {
  const entries = [...map];
  const at = random.below(entries.length);
  const [key, value] = entries[at] ?? [];
  const changed = new Map(entries);
  switch (random.below(5)) {
    case 0:
      changed.delete(key);
      return changed;
    case 1:
      return changed.set(random.pick(keys), random.chance(2) ? value : anything(random));
    default:
      return changed.set(key, change(value, random));
  }
}

const keys = [
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  15,
  16,
  33,
  34,
  258,
  259,
  -1,
  -65537,
  -65538,
  -65539,
  -65540,
  -65541,
  -65542,
  -65543,
  -65544,
  -65550,
  -70_000,
  'a',
] as const;

const edges = [
  -4,
  -2,
  2,
  4,
  6,
  0,
  1,
  -1,
  5,
  10,
  1000,
  1001,
  1_764_000_000,
  2 ** 32,
  2 ** 53 - 1,
  65_001,
  65_002,
  -7,
  -8,
  -9,
  -16,
  -19,
];

function leaf(value: Tree, random: Random): Tree {
  if (random.chance(4)) return anything(random);
  if (typeof value === 'number') return random.chance(2) ? value + random.between(-3, 3) : random.pick(edges);
  if (typeof value === 'string') return text(value, random);
  if (value instanceof Uint8Array) {
    const bytes = random.chance(4)
      ? random.bytes(random.pick([0, 15, 16, 17, 31, 32, 33, 63, 64, 65]))
      : value.slice();
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
    return bytes;
  }
  return anything(random);
}

function text(value: string, random: Random): string {
  const at = random.below(value.length + 1);
  const inserted = random.pick([
    '',
    'a',
    '@',
    '.',
    'é',
    '\0',
    '\u{2028}',
    '/',
    ';',
    '=',
    ' ',
    'x'.repeat(300),
  ]);
  return value.slice(0, at) + inserted + value.slice(at + random.below(2));
}

function anything(random: Random): Tree {
  const decoded = decodeCbor(item(random, 2));
  return decoded.ok ? decoded.value : random.pick([null, true, [], new Map(), '', encodeCbor(0)]);
}

/** Signs everything with the signature that is there already. */
export function echo({ algorithm, certificateHash, signature }: SignedObject): Signer {
  const certificate = { hash: certificateHash } as SignerCertificate;
  return { algorithm, certificate, chain: [], sign: () => Promise.resolve(signature) };
}
