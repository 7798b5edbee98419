// SPDX-License-Identifier: Apache-2.0
// Where a password comes from: a file, standard input, a person, or chance. Never from the command line, which every
// process of the machine can read.
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { passwordBytesMax } from '@sealpost/server';
import type { Context } from '../context.ts';
import { usageError } from '../failure.ts';

export interface PasswordOptions {
  readonly passwordFile?: string;
  readonly generatePassword?: boolean;
}

export interface NewPassword {
  readonly password: string;
  /** Nobody knows it yet: it has to be shown, once. */
  readonly isGenerated: boolean;
}

const charactersMin = 8;
const letters = 'abcdefghijkmnopqrstuvwxyz23456789';
const generatedCharacters = 20;

export async function newPassword(context: Context, options: PasswordOptions): Promise<NewPassword> {
  if (options.generatePassword === true) return { password: generated(), isGenerated: true };
  const { passwordFile: file } = options;
  if (file === '-') return given(await readAll(context.stdin));
  if (file !== undefined) return given(await readPasswordFile(file));
  const { askSecret } = context;
  if (askSecret === undefined)
    throw usageError(
      'No password was given; say --password-file FILE, --password-file - for standard input, or --generate-password.',
    );
  const { password } = given(await askSecret('Password: '));
  if ((await askSecret('Once more: ')) !== password)
    throw usageError('The two passwords differ; type the same one twice.');
  return { password, isGenerated: false };
}

async function readPasswordFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw usageError(`There is no ${file}; give a file that has the password in its one line.`);
  }
}

/** Letters and digits only, so that it stands in any shell as it is: 100 bits. */
export function generated(): string {
  return Array.from({ length: generatedCharacters }, () => letters.charAt(randomInt(letters.length))).join(
    '',
  );
}

function given(text: string): NewPassword {
  const password = text.replace(/\r?\n$/, '');
  if (/[\r\n\0]/.test(password)) throw usageError('A password is one line; give a file that has only one.');
  if (password.length < charactersMin)
    throw usageError(`A password has at least ${charactersMin} characters; choose a longer one.`);
  if (Buffer.byteLength(password) > passwordBytesMax)
    throw usageError(`A password has at most ${passwordBytesMax} bytes; choose a shorter one.`);
  return { password, isGenerated: false };
}

async function readAll(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > passwordBytesMax + 2) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
