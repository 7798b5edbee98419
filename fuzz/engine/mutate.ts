// SPDX-License-Identifier: Apache-2.0
// Changes that need no knowledge of the format.
import type { Random } from './random.ts';

export interface Material {
  readonly random: Random;
  readonly dictionary: readonly Uint8Array[];
  readonly inputBytesMax: number;
  /** Another input of the corpus. */
  other(): Uint8Array;
}

type Mutator = (input: Uint8Array, material: Material) => Uint8Array;

const interestingBytes = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x2f, 0x40, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f];
const interestingWords = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff];
const stackedMax = 6;
const insertedBytesMax = 64;

/** One to six changes, one on top of the other. */
export function mutate(input: Uint8Array, material: Material): Uint8Array {
  let changed = input;
  for (let count = material.random.between(1, stackedMax); count > 0; count--)
    changed = material.random.pick(mutators)?.(changed, material) ?? changed;
  return changed.subarray(0, material.inputBytesMax);
}

/** `removed` bytes at `at` give way to `inserted`. */
export function replace(input: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  const result = new Uint8Array(input.length - removed + inserted.length);
  result.set(input.subarray(0, at));
  result.set(inserted, at);
  result.set(input.subarray(at + removed), at + inserted.length);
  return result;
}

function edited(input: Uint8Array, edit: (copy: Uint8Array) => void): Uint8Array {
  if (input.length === 0) return input;
  const copy = input.slice();
  edit(copy);
  return copy;
}

function part(input: Uint8Array, random: Random, bytesMax: number): Uint8Array {
  const at = random.below(input.length);
  return input.subarray(at, at + random.between(1, bytesMax));
}

const mutators: readonly Mutator[] = [
  function flipBit(input, { random }) {
    return edited(input, (copy) => {
      const at = random.below(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    });
  },
  function setByte(input, { random }) {
    return edited(input, (copy) => {
      copy[random.below(copy.length)] = random.chance(2)
        ? random.below(256)
        : (random.pick(interestingBytes) ?? 0);
    });
  },
  function addToByte(input, { random }) {
    return edited(input, (copy) => {
      const at = random.below(copy.length);
      copy[at] = (copy[at] ?? 0) + random.between(-4, 4);
    });
  },
  function setWord(input, { random }) {
    if (input.length < 2) return input;
    return edited(input, (copy) => {
      const word = (random.pick(interestingWords) ?? 0) + random.between(-1, 1);
      const at = random.below(copy.length - 1);
      copy[at] = word >> 8;
      copy[at + 1] = word;
    });
  },
  /** A byte becomes the number of bytes behind it, or near it: formats are full of lengths. */
  function setLength(input, { random }) {
    return edited(input, (copy) => {
      const at = random.below(copy.length);
      copy[at] = copy.length - at - 1 + (random.chance(2) ? 0 : random.between(-3, 3));
    });
  },
  function insertBytes(input, { random }) {
    const inserted = random.chance(2)
      ? random.bytes(random.between(1, 8))
      : new Uint8Array(random.between(1, insertedBytesMax)).fill(random.below(256));
    return replace(input, random.below(input.length + 1), 0, inserted);
  },
  function removeBytes(input, { random }) {
    const at = random.below(input.length);
    return replace(input, at, Math.min(input.length - at, 1 + random.size(input.length)), new Uint8Array(0));
  },
  function repeatBytes(input, { random }) {
    const piece = part(input, random, insertedBytesMax);
    return replace(input, random.below(input.length + 1), 0, piece);
  },
  function useDictionary(input, { random, dictionary }) {
    const word = random.pick(dictionary);
    if (word === undefined) return input;
    const at = random.below(input.length + 1);
    const removed = random.chance(2) ? 0 : Math.min(word.length, input.length - at);
    return replace(input, at, removed, word);
  },
  function spliceOther(input, { random, other }) {
    const theirs = other();
    if (random.chance(2)) return replace(input, random.below(input.length + 1), 0, part(theirs, random, 256));
    const cut = random.below(input.length + 1);
    return replace(input, cut, input.length - cut, theirs.subarray(random.below(theirs.length)));
  },
  function truncate(input, { random }) {
    return input.subarray(0, random.below(input.length + 1));
  },
];
