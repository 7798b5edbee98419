// SPDX-License-Identifier: Apache-2.0
import { SealpostError } from '@sealpost/client';
import { ProfileError } from '@sealpost/client/node';
import { CommanderError } from 'commander';
import { ExitCode, exitCodeOf } from './exit-code.ts';

/** What the command itself finds wrong, before or beside any server. */
export type CommandErrorCode =
  | 'usage'
  | 'profile-missing'
  | 'profile-invalid'
  | 'config-missing'
  | 'config-invalid'
  | 'already-there'
  | 'account-unknown'
  | 'credential-unknown'
  | 'port-in-use'
  | 'not-permitted'
  | 'story-failed'
  | 'undecided'
  | 'store-damaged'
  | 'bug';

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: CommandErrorCode;
  readonly exitCode: ExitCode;

  constructor(code: CommandErrorCode, sentence: string, exitCode: ExitCode) {
    super(sentence);
    this.code = code;
    this.exitCode = exitCode;
  }
}

export function usageError(sentence: string): CommandError {
  return new CommandError('usage', sentence, ExitCode.usage);
}

/** One sentence, its code, and how the process ends. Nobody but us is shown a stack. */
export interface Failure {
  readonly sentence: string;
  readonly code: string;
  readonly exitCode: ExitCode;
}

/** Undefined when commander has already said what there is to say. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof CommanderError) return undefined;
  if (error instanceof CommandError)
    return { sentence: error.message, code: error.code, exitCode: error.exitCode };
  if (error instanceof SealpostError)
    return { sentence: withRetry(error), code: error.code, exitCode: exitCodeOf(error.code) };
  if (error instanceof ProfileError)
    return {
      sentence: `The profile cannot be used: ${oneLine(error.message)}.`,
      code: 'profile-invalid',
      exitCode: ExitCode.configuration,
    };
  const stored = storeFailure(error);
  if (stored !== undefined) return stored;
  const system = systemFailure(error);
  if (system !== undefined) return system;
  const what = error instanceof Error ? error.message : String(error);
  return {
    sentence: `This is a bug in sealpost: ${oneLine(what)}; SEALPOST_DEBUG=1 shows where.`,
    code: 'bug',
    exitCode: ExitCode.bug,
  };
}

export function formatFailure({ sentence, code }: Failure): string {
  return `sealpost: ${sentence} [${code}]`;
}

function withRetry({ message, retryAfterSeconds }: SealpostError): string {
  return retryAfterSeconds === undefined ? message : `${message} Try again in ${retryAfterSeconds} s.`;
}

const storeExitCodes: Readonly<Record<string, ExitCode>> = {
  'store-newer': ExitCode.configuration,
  'store-foreign': ExitCode.configuration,
  'store-damaged': ExitCode.data,
  'store-taken': ExitCode.unavailable,
  'store-full': ExitCode.io,
  'store-read-only': ExitCode.io,
  'store-io': ExitCode.io,
  'already-there': ExitCode.cannotCreate,
  'nothing-there': ExitCode.configuration,
  'backup-invalid': ExitCode.data,
  'no-room': ExitCode.io,
};

/** Of a store or a backup. By its code, because one that comes from another thread has lost its class. */
function storeFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const code = String(error.code);
  const exitCode = storeExitCodes[code];
  return exitCode === undefined ? undefined : { sentence: error.message, code, exitCode };
}

/** What the operating system refuses is somebody's configuration, not a bug of ours. */
function systemFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path, port } = error as NodeJS.ErrnoException & { port?: number };
  switch (code) {
    case 'EADDRINUSE':
      return {
        sentence: `${port === undefined ? 'A port' : `Port ${port}`} is already in use; end what listens there, or choose another.`,
        code: 'port-in-use',
        exitCode: ExitCode.unavailable,
      };
    case 'EACCES':
    case 'EPERM':
      return {
        sentence: `Not permitted: ${path ?? (port === undefined ? error.message : `port ${port}`)}.`,
        code: 'not-permitted',
        exitCode: ExitCode.permission,
      };
    case 'ENOENT':
      return {
        sentence: `There is no ${path ?? 'such file'}.`,
        code: 'profile-missing',
        exitCode: ExitCode.configuration,
      };
    default:
      return undefined;
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
}
