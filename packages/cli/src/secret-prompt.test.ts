// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { readSecret, type Keyboard } from './secret-prompt.ts';

class FakeKeyboard extends EventEmitter implements Keyboard {
  isRaw = false;

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }

  resume(): void {}

  pause(): void {}

  type(text: string): void {
    assert.ok(this.isRaw, 'the terminal would show it');
    this.emit('data', Buffer.from(text));
  }
}

test('what is typed is returned, corrected, and shown nowhere', async () => {
  const keyboard = new FakeKeyboard();
  const shown: string[] = [];
  const answer = readSecret(keyboard, (text) => shown.push(text), 'Password: ', new AbortController().signal);
  keyboard.type('opem');
  keyboard.type('\u007Fn sésame\r');
  assert.equal(await answer, 'open sésame');
  assert.deepEqual(shown, ['Password: ', '\n']);
  assert.equal(keyboard.isRaw, false);
});

test('Ctrl-C, and the end of the process, end the question and leave the terminal as it was', async () => {
  const keyboard = new FakeKeyboard();
  const never = new AbortController().signal;
  const answer = readSecret(keyboard, () => undefined, 'Password: ', never);
  keyboard.type('open\u0003');
  await assert.rejects(answer, { code: 'usage' });
  const ending = new AbortController();
  const other = readSecret(keyboard, () => undefined, 'Password: ', ending.signal);
  ending.abort();
  await assert.rejects(other, { code: 'usage' });
  assert.equal(keyboard.isRaw, false);
});
