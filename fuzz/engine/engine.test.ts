// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeCbor } from '@sealpost/protocol';
import type { OpenTarget, Target } from '../target.ts';
import { Campaign } from './campaign.ts';
import { Coverage } from './coverage.ts';
import { minimise } from './minimise.ts';
import { hanging } from './planted.ts';
import { Random } from './random.ts';
import { fuzz, replay } from './watch.ts';

const planted = new URL('planted.ts', import.meta.url).href;

const shape: Target = {
  name: 'test',
  invariant: '',
  inputBytesMax: 64,
  hangMs: 1000,
  open: () => Promise.reject(new Error('opened by hand')),
};

function campaign(open: OpenTarget, seed: number, milliseconds: number): Campaign {
  return new Campaign(shape, open, { seed, milliseconds, running: () => undefined, idle: () => undefined });
}

function numbers(seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: 50 }, () => random.uint32());
}

test('the same seed gives the same numbers, another seed others', () => {
  assert.deepEqual(numbers(7), numbers(7));
  assert.notDeepEqual(numbers(7), numbers(8));
});

test('a block that has not run before is new, once', () => {
  const coverage = new Coverage();
  coverage.start();
  const runs = (hex: string): boolean => {
    decodeCbor(Buffer.from(hex, 'hex'));
    return coverage.add(coverage.take());
  };
  assert.equal(runs('01'), true);
  assert.equal(runs('02'), false);
  assert.equal(runs('6161'), true);
  assert.equal(runs('6162'), false);
  coverage.stop();
});

test('an input is made as small as the failure allows', async () => {
  const input = new Uint8Array(Buffer.from('some bytes, then BOOM, then more'));
  const smallest = await minimise(input, async (smaller) => Buffer.from(smaller).includes('BOOM'));
  assert.equal(Buffer.from(smallest).toString(), 'BOOM');
});

test('a bug behind an outcome is found, made small and reported with its input', async () => {
  const open: OpenTarget = {
    seeds: [Uint8Array.of(1, 2, 3)],
    dictionary: [new Uint8Array(Buffer.from('magic'))],
    run(input) {
      const text = Buffer.from(input).toString('latin1');
      if (!text.includes('magic')) return 'nothing';
      if (text.includes('magic!')) throw new TypeError('planted');
      return 'magic';
    },
  };
  const { findings, outcomes } = await campaign(open, 1, 3000).run();
  assert.deepEqual(
    findings.map(({ input }) => Buffer.from(input).toString()),
    ['magic!'],
  );
  assert.ok((outcomes['nothing'] ?? 0) > 0);
});

test('what is thrown where nobody waits is a finding', async () => {
  const open: OpenTarget = { seeds: [], run: () => 'fine' };
  const running = campaign(open, 1, 50);
  running.stray(new RangeError('let go'));
  const { findings } = await running.run();
  assert.match(findings[0]?.description ?? '', /RangeError: let go/);
});

test('an input that hangs ends the thread and is found', async () => {
  const { findings } = await fuzz(hanging, 1, 60_000, planted);
  assert.match(findings[0]?.description ?? '', /did not end/);
  assert.equal(Buffer.from(findings[0]?.input ?? []).toString(), 'hang');
  assert.equal(await replay(hanging, Buffer.from('other'), planted), undefined);
});
