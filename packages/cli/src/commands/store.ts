// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError } from '../failure.ts';

const examples = `
Reads every page, every index entry and every sealed message, and changes nothing.
The domain may run meanwhile.

Examples:
  sealpost store check /srv/sealpost`;

export function storeCommand(context: Context): Command {
  return new Command('store').description('look after what a domain has stored').addCommand(
    new Command('check')
      .description('see whether everything that is stored holds together')
      .argument('<dir>', 'folder of the domain')
      .option('--json', 'write JSON for scripts')
      .addHelpText('after', examples)
      .action(async (directory: string, options: { readonly json?: boolean }) =>
        check(context, directory, options.json === true),
      ),
  );
}

async function check({ terminal }: Context, directory: string, isJson: boolean): Promise<void> {
  const { checkStores } = await import('@sealpost/server');
  const stores = await checkStores(directory);
  if (isJson) terminal.out(JSON.stringify(stores));
  else
    for (const { path, seals, problems } of stores)
      if (problems.length === 0) terminal.out(`${path} is whole; ${seals} seals verified.`);
  const [problem, ...others] = stores.flatMap(({ problems }) => problems);
  if (problem === undefined) return;
  for (const each of others) terminal.talk(each);
  throw new CommandError('store-damaged', problem, ExitCode.data);
}
