// SPDX-License-Identifier: Apache-2.0
import {
  ConfigError,
  anchorText,
  formatPlace,
  peerText,
  preparedDirectory,
  readMaterials,
} from '@sealpost/server';
import type { LoadedConfig } from '@sealpost/server';
import type { ConfigOptions } from '../config-options.ts';
import type { Context } from '../context.ts';
import { failureOf, formatFailure } from '../failure.ts';
import { formatTable } from '../table.ts';
import { asCommandErrors, commandError, readConfig } from './config-file.ts';

export interface ShowOptions extends ConfigOptions {
  readonly origin?: boolean;
  readonly json?: boolean;
}

/** Everything that is wrong, a line each; the last is the failure of the command. */
export async function checkConfig(context: Context, options: ConfigOptions): Promise<void> {
  try {
    const loaded = await readConfig(options, context.env);
    await readMaterials(loaded);
    context.terminal.out(`${loaded.file} can be used.`);
  } catch (error) {
    const problems = problemsOf(error);
    if (problems === undefined) throw error;
    for (const problem of problems.slice(0, -1)) {
      const failure = failureOf(commandError([problem]));
      if (failure !== undefined) context.terminal.talk(formatFailure(failure));
    }
    throw commandError(problems.slice(-1));
  }
}

function problemsOf(error: unknown): ConfigError['problems'] | undefined {
  const found = error instanceof Error && error.cause instanceof ConfigError ? error.cause : error;
  return found instanceof ConfigError ? found.problems : undefined;
}

/** What is in force. No key has a secret for its value: secrets are in files that keys name. */
export async function showConfig({ terminal, env }: Context, options: ShowOptions): Promise<void> {
  const loaded = await readConfig(options, env);
  const { written, origins } = loaded;
  const names = Object.keys(written);
  if (options.json === true) {
    const shown = names.map((name) => [name, { value: written[name], origin: origins.get(name) }]);
    terminal.out(JSON.stringify(Object.fromEntries(shown)));
    return;
  }
  const rows = names.map((name) => row(loaded, name, options.origin === true));
  for (const line of formatTable(rows)) terminal.out(line);
}

/** The lines that operators of other domains need, as they put them into their own configuration. */
export async function showPeer({ terminal, env }: Context, options: ConfigOptions): Promise<void> {
  const loaded = await readConfig(options, env);
  const directory = await asCommandErrors(() => preparedDirectory(loaded));
  // A blank line first, for whoever appends it to a file.
  terminal.out(`\n${await peerLines(loaded, directory)}`.trimEnd());
}

async function peerLines({ config }: LoadedConfig, directory: string): Promise<string> {
  const { domain, host = domain, listen } = config;
  const anchor = await anchorText(directory);
  return peerText({
    domain,
    anchor,
    ...(listen.relay === undefined ? {} : { address: formatPlace({ host, port: listen.relay.port }) }),
  });
}

function row({ written, origins }: LoadedConfig, name: string, hasOrigin: boolean): string[] {
  const assignment = `${name} = ${JSON.stringify(written[name])}`;
  return hasOrigin ? [assignment, `# ${origins.get(name) ?? ''}`] : [assignment];
}
