// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { readProfile } from '@sealpost/client/node';
import type { Profile } from '@sealpost/client/node';
import { parseAddress } from '@sealpost/protocol';
import { readDevRecord } from './dev/record.ts';
import { ExitCode } from './exit-code.ts';
import { CommandError, usageError } from './failure.ts';

export interface AccountOptions {
  readonly profile?: string;
  readonly as?: string;
  readonly data?: string;
}

/**
 * Whose profile to use: --profile FILE, or --as ADDRESS in --data DIR or in the data folder of the `sealpost dev` that
 * runs now, or the environment's SEALPOST_PROFILE.
 */
export async function findProfile(options: AccountOptions, env: NodeJS.ProcessEnv): Promise<Profile> {
  const file = await profileFile(options, env);
  const profile = await readProfile(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CommandError('profile-missing', `There is no profile ${file}.`, ExitCode.configuration);
  });
  if (!profile.ok)
    throw new CommandError(
      'profile-invalid',
      `The profile cannot be used: ${profile.refusal.cause ?? file}.`,
      ExitCode.configuration,
    );
  return profile.value;
}

async function profileFile(options: AccountOptions, env: NodeJS.ProcessEnv): Promise<string> {
  if (options.profile !== undefined) return options.profile;
  if (options.as !== undefined) return profilePath(await dataFolder(options, env), options.as);
  const fromEnvironment = env['SEALPOST_PROFILE'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  throw usageError('Say whose account to use: --as ADDRESS or --profile FILE.');
}

async function dataFolder({ data }: AccountOptions, env: NodeJS.ProcessEnv): Promise<string> {
  if (data !== undefined) return data;
  const record = await readDevRecord(env);
  if (record !== undefined) return record.dataDir;
  throw new CommandError(
    'profile-missing',
    'No sealpost dev runs here: start it, or say --data DIR or --profile FILE.',
    ExitCode.configuration,
  );
}

/** Where `sealpost dev` keeps the profile of an account. The address is one path segment: it has no slash. */
export function profilePath(dataDir: string, addressText: string): string {
  const address = parseAddress(addressText);
  if (!address.ok) throw usageError(`${addressText} is not an address.`);
  return join(dataDir, 'profiles', `${address.value}.json`);
}
