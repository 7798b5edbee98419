// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SealpostError } from '@sealpost/client';
import { errorCodes } from '@sealpost/protocol';
import { exitCodeOf } from './exit-code.ts';
import { failureOf, formatFailure, usageError } from './failure.ts';

test('every registered error has an exit code, and temporary ones say try again', () => {
  for (const code of errorCodes) assert.ok([65, 67, 68, 69, 75, 77].includes(exitCodeOf(code)), code);
  assert.equal(exitCodeOf('mailbox-unknown'), 67);
  assert.equal(exitCodeOf('peer-unknown'), 68);
  assert.equal(exitCodeOf('unreachable'), 69);
  assert.equal(exitCodeOf('overloaded'), 75);
  assert.equal(exitCodeOf('undecided'), 75);
  assert.equal(exitCodeOf('credentials-invalid'), 77);
  assert.equal(exitCodeOf('not-allowed'), 77);
  assert.equal(exitCodeOf('body-too-large'), 65);
});

test('an error is one sentence with its code', () => {
  const failure = failureOf(new SealpostError({ code: 'mailbox-unknown', cause: 'private' }));
  assert.ok(failure);
  assert.equal(formatFailure(failure), 'sealpost: There is no such mailbox. [mailbox-unknown]');
  const later = failureOf(new SealpostError({ code: 'overloaded', retryAfterSeconds: 5 }));
  assert.match(later?.sentence ?? '', /Try again in 5 s\.$/);
});

test('what the system refuses is told in plain words', () => {
  const taken = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE', port: 18_830 });
  assert.deepEqual(failureOf(taken), {
    sentence: 'Port 18830 is already in use; end what listens there, or choose another.',
    code: 'port-in-use',
    exitCode: 69,
  });
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES', path: '/root/x' });
  assert.equal(failureOf(denied)?.exitCode, 77);
});

test('a bug is one line too, and shows no stack', () => {
  const failure = failureOf(new Error('first\n    at second'));
  assert.equal(failure?.exitCode, 70);
  assert.ok(failure !== undefined && !formatFailure(failure).includes('\n'));
  assert.equal(failureOf(usageError('Say who.'))?.exitCode, 64);
});
