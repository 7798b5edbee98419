// SPDX-License-Identifier: Apache-2.0
import { access } from 'node:fs/promises';
import { ConfigError, configFileName, loadConfig } from '@sealpost/server';
import type { LoadedConfig, Problem } from '@sealpost/server';
import type { ConfigOptions } from '../config-options.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError } from '../failure.ts';

const systemFile = `/etc/sealpost/${configFileName}`;

export async function readConfig(options: ConfigOptions, env: NodeJS.ProcessEnv): Promise<LoadedConfig> {
  return asCommandErrors(async () =>
    loadConfig({ file: await configFile(options, env), env, flags: options.set ?? [] }),
  );
}

async function configFile({ config }: ConfigOptions, env: NodeJS.ProcessEnv): Promise<string> {
  const named = config ?? env['SEALPOST_CONFIG'];
  if (named !== undefined && named !== '') return named;
  for (const file of [configFileName, systemFile]) if (await isThere(file)) return file;
  throw new CommandError(
    'config-missing',
    `There is no ${configFileName} here; make one with sealpost init DOMAIN, or name yours with --config FILE.`,
    ExitCode.configuration,
  );
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** What is wrong with a configuration is the operator's to mend: one sentence, and how many more there are. */
export async function asCommandErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw Object.assign(commandError(error.problems), { cause: error });
  }
}

export function commandError([first, ...others]: readonly Problem[]): CommandError {
  const more = others.length === 0 ? '' : ` (And ${others.length} more: sealpost config check shows all.)`;
  return new CommandError(
    first?.kind === 'missing' ? 'config-missing' : 'config-invalid',
    `${first?.sentence ?? ''}${more}`,
    first?.kind === 'permission' ? ExitCode.permission : ExitCode.configuration,
  );
}
