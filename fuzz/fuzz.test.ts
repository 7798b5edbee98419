// SPDX-License-Identifier: Apache-2.0
// Every target for ten seconds, two at a time. The seed is another each time and is printed; a finding prints the line
// that replays it. Longer: npm run fuzz -- --minutes 10.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replayCommand } from './engine/finding.ts';
import { fuzz } from './engine/watch.ts';
import { formatResult } from './format.ts';
import { targets } from './targets.ts';

const seconds = 10;
const atOnce = 2;

describe('fuzz', { concurrency: atOnce }, () => {
  for (const target of targets)
    it(`${target.name}: ${target.invariant}`, async (t) => {
      const seed = Date.now() % 2 ** 32;
      const result = await fuzz(target, seed, seconds * 1000);
      t.diagnostic(formatResult(target.name, seed, result));
      const findings = result.findings.map(
        ({ description, input }) => `${description}\n  ${replayCommand(target.name, input)}`,
      );
      assert.equal(findings.length, 0, findings.join('\n\n'));
      assert.ok(result.executions > 0 && result.blocks > 0, 'nothing ran');
    });
});
