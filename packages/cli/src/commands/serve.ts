// SPDX-License-Identifier: Apache-2.0
import { startPoolAtLowerPriority } from '@sealpost/identity/node';
import { Command } from 'commander';
import { withConfigOptions } from '../config-options.ts';
import type { Context } from '../context.ts';
import type { ServeOptions } from '../domain/serve.ts';

const examples = `
SIGTERM and Ctrl-C end it in order: what was received is stored and answered first.
SIGHUP reads the configuration again; where it cannot be used, the old one stays.

Examples:
  sealpost serve
  sealpost serve --config /srv/sealpost/sealpost.toml
  sealpost serve --set log.level=debug --set listen.mqtts=127.0.0.1:0`;

export function serveCommand(context: Context): Command {
  return withConfigOptions(new Command('serve').description('run the domain that sealpost init prepared'))
    .option('--json', 'one line of JSON when it listens, instead of a sentence')
    .addHelpText('after', examples)
    .action(async (options: ServeOptions) => {
      await startPoolAtLowerPriority();
      // Only here: no other command should pay for loading a server.
      const { serve } = await import('../domain/serve.ts');
      await serve(context, options);
    });
}
