// SPDX-License-Identifier: Apache-2.0
import { CommanderError } from 'commander';
import type { Context } from './context.ts';
import { ExitCode } from './exit-code.ts';
import { failureOf, formatFailure } from './failure.ts';
import { program } from './program.ts';

/** Runs one command line, without the program's own name, and says how the process should end. Never rejects. */
export async function run(args: readonly string[], context: Context): Promise<ExitCode> {
  try {
    await program(context).parseAsync(args, { from: 'user' });
    return ExitCode.ok;
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) return commanderExit(error);
    context.terminal.talk(formatFailure(failure));
    if (context.env['SEALPOST_DEBUG'] === '1' && error instanceof Error)
      context.terminal.talk(String(error.stack));
    return failure.exitCode;
  }
}

/** commander has already written help or a usage error. Help that was asked for is no error. */
function commanderExit(error: unknown): ExitCode {
  return error instanceof CommanderError && error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
}
