// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { withConfigOptions } from '../config-options.ts';
import type { ConfigOptions } from '../config-options.ts';
import type { Context } from '../context.ts';
import type { ShowOptions } from '../domain/config.ts';

const examples = `
Examples:
  sealpost config check
  sealpost config check --config /srv/sealpost/sealpost.toml
  sealpost config show --origin
  sealpost config peer`;

export function configCommand(context: Context): Command {
  const check = new Command('check').description('say what is wrong with the configuration, if anything');
  const show = new Command('show').description('show what is in force');
  const peer = new Command('peer').description('print what other domains put into theirs to reach this one');
  return new Command('config')
    .description('the configuration of the domain that is served')
    .helpCommand(false)
    .addHelpText('after', examples)
    .addCommand(
      withConfigOptions(check).action(async (options: ConfigOptions) => {
        const { checkConfig } = await import('../domain/config.ts');
        await checkConfig(context, options);
      }),
    )
    .addCommand(
      withConfigOptions(show)
        .option('--origin', 'and who gave each value: default, file and line, environment or flag')
        .option('--json', 'write JSON for scripts')
        .action(async (options: ShowOptions) => {
          const { showConfig } = await import('../domain/config.ts');
          await showConfig(context, options);
        }),
    )
    .addCommand(
      withConfigOptions(peer).action(async (options: ConfigOptions) => {
        const { showPeer } = await import('../domain/config.ts');
        await showPeer(context, options);
      }),
    );
}
