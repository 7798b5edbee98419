// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { findTool, requireTool } from './tools.ts';

function setCi(t: TestContext, value: string): void {
  const before = process.env['CI'];
  process.env['CI'] = value;
  t.after(() => {
    if (before === undefined) delete process.env['CI'];
    else process.env['CI'] = before;
  });
}

const missing = 'no-such-program-anywhere';

test('a program that exists is found by its path', (t) => {
  assert.equal(requireTool(t, 'sh', 'dash'), findTool('sh'));
  assert.match(findTool('sh') ?? '', /\/sh$/);
});

test('a missing program skips the test and names the package', (t) => {
  setCi(t, '');
  const reasons: (string | undefined)[] = [];
  assert.equal(
    requireTool({ skip: (reason) => void reasons.push(reason) }, missing, 'some-package'),
    undefined,
  );
  assert.deepEqual(reasons, [`needs ${missing}: apt-get install some-package`]);
});

test('a missing program fails in CI', (t) => {
  setCi(t, 'true');
  assert.throws(() => requireTool({ skip: () => assert.fail() }, missing, 'some-package'), /some-package/);
});
