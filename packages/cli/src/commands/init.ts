// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { portBase } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { InitOptions } from '../domain/init.ts';

const examples = `
Makes sealpost.toml and data/ with the keys of the domain. Keep data/ secret and
saved: whoever has its keys speaks for the domain.

Examples:
  sealpost init home.example
  sealpost init home.example --host mail.home.example --directory /srv/sealpost
  sealpost init home.test --local --directory ./home`;

export function initCommand(context: Context): Command {
  return new Command('init')
    .description('prepare a domain: its keys, its certificates and its configuration')
    .argument('<domain>', 'the domain that will be served')
    .option('--directory <dir>', 'where to put everything; this folder otherwise')
    .option('--host <name>', 'name under which clients and peers reach this machine; the domain otherwise')
    .option('--local', 'listen on this machine only, as localhost')
    .option('--port-base <port>', 'first of its three ports; the usual ones otherwise', portBase)
    .option('--json', 'write JSON for scripts')
    .addHelpText('after', examples)
    .action(async (domain: string, options: InitOptions) => {
      // Only here: no other command should pay for loading a server.
      const { init } = await import('../domain/init.ts');
      await init(context, domain, options);
    });
}
