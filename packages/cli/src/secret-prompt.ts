// SPDX-License-Identifier: Apache-2.0
import { ReadStream } from 'node:tty';
import { ExitCode } from './exit-code.ts';
import { CommandError } from './failure.ts';

/** Where a secret is typed. */
export interface Keyboard {
  setRawMode(isRaw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
}

const charactersMax = 1024;

/** The question goes to standard error, and nothing that is typed goes anywhere. */
export function askSecret(question: string, ending: AbortSignal): Promise<string> {
  if (!(process.stdin instanceof ReadStream)) return Promise.reject(new Error('no terminal'));
  return readSecret(process.stdin, (text) => void process.stderr.write(text), question, ending);
}

/** One line; Ctrl-C and Ctrl-D end the command. */
export async function readSecret(
  keyboard: Keyboard,
  show: (text: string) => void,
  question: string,
  ending: AbortSignal,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const typed: string[] = [];
  const stop = (): void => reject(new CommandError('usage', 'No password was given.', ExitCode.usage));
  const listener = (chunk: Buffer): void => {
    for (const character of chunk.toString('utf8')) {
      if (character === '\r' || character === '\n') resolve(typed.join(''));
      else if (character === '\u0003' || character === '\u0004') stop();
      else if (character === '\u007F' || character === '\b') typed.pop();
      else if (character >= ' ' && typed.length < charactersMax) typed.push(character);
    }
  };
  show(question);
  keyboard.setRawMode(true);
  keyboard.on('data', listener);
  ending.addEventListener('abort', stop, { once: true });
  keyboard.resume();
  try {
    return await promise;
  } finally {
    ending.removeEventListener('abort', stop);
    keyboard.off('data', listener);
    keyboard.setRawMode(false);
    keyboard.pause();
    show('\n');
  }
}
