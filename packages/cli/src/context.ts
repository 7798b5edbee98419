// SPDX-License-Identifier: Apache-2.0
import type { Client } from '@sealpost/client';
import { connectProfile } from '@sealpost/client/node';
import { Option } from 'commander';
import type { Command } from 'commander';
import { findProfile } from './profile-discovery.ts';
import type { AccountOptions } from './profile-discovery.ts';
import type { Terminal } from './terminal.ts';

/** What a command may touch. */
export interface Context {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  /** Fires when the process is asked to end (SIGINT, SIGTERM). */
  readonly ending: AbortSignal;
  /** Called with every SIGHUP from then on; without it, SIGHUP ends the process. */
  onHangup?(reload: () => void): void;
  /** Asks a person without showing the answer; absent where there is no terminal. */
  askSecret?(question: string): Promise<string>;
}

export function withAccountOptions(command: Command): Command {
  return command
    .option('--as <address>', 'account to use, from the data folder of sealpost dev')
    .option('--data <dir>', 'data folder of sealpost dev, when it is not the one that runs now')
    .addOption(new Option('--profile <file>', 'profile file to use').conflicts(['as', 'data']))
    .option('--json', 'write JSON for scripts');
}

/** Signs in, runs `use`, and signs out whatever happened. Whoever waits at a prompt hears of every failure at once. */
export async function withClient<T>(
  { env }: Context,
  options: AccountOptions,
  use: (client: Client) => Promise<T>,
  { failFast = true }: { readonly failFast?: boolean } = {},
): Promise<T> {
  const client = await connectProfile(await findProfile(options, env), { failFast });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
