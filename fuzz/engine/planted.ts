// SPDX-License-Identifier: Apache-2.0
// A target with a known bug, for the engine's own test: it has to be looked up by the thread that runs it.
import type { Target } from '../target.ts';

export const hanging: Target = {
  name: 'planted-hang',
  invariant: 'ends',
  inputBytesMax: 16,
  hangMs: 300,
  open: () =>
    Promise.resolve({
      seeds: [new Uint8Array(Buffer.from('hang'))],
      run(input) {
        while (Buffer.from(input).toString() === 'hang') Math.random();
        return 'ended';
      },
    }),
};

export const targets: readonly Target[] = [hanging];
