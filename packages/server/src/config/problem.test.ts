// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFlags } from './environment.ts';
import { ConfigError } from './problem.ts';

test('what a sentence quotes stays on its line and draws nothing', () => {
  const { problems } = readFlags(['\u{1b}[2J\nsealpost: all is well\r']);
  const error = new ConfigError(problems);
  assert.equal(error.problems.length, 1);
  assert.match(error.message, /has no value/);
  assert.doesNotMatch(error.message, /\p{Cc}/u);
});
