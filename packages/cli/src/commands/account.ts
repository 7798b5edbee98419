// SPDX-License-Identifier: Apache-2.0
import { AccountKind, precedenceNames } from '@sealpost/protocol';
import { Command, Option } from 'commander';
import { collect, withConfigOptions } from '../config-options.ts';
import type { ConfigOptions } from '../config-options.ts';
import type { Context } from '../context.ts';
import type { AddCredentialOptions, AddOptions, SetOptions } from '../domain/accounts.ts';
import { usageError } from '../failure.ts';

type ListOptions = ConfigOptions & { readonly json?: boolean };

const examples = `
They work while sealpost serve runs, which follows within about a second.

Examples:
  sealpost account add ann@home.example
  sealpost account add desk@fire.example --kind role --ceiling flash --grant flash,device
  sealpost account add alarm@home.example --kind device --certificate ./alarm --profile alarm.json
  sealpost account credential add ann@home.example --label phone --generate-password
  sealpost account disable ann@home.example`;

/** Only here: no other command should pay for loading a server. */
function accounts(): Promise<typeof import('../domain/accounts.ts')> {
  return import('../domain/accounts.ts');
}

export function accountCommand(context: Context): Command {
  const command = new Command('account')
    .description('who may sign in to the domain, and how')
    .helpCommand(false)
    .addHelpText('after', examples);
  for (const make of [add, list, set, disable, enable, credential]) command.addCommand(make(context));
  return command;
}

function add(context: Context): Command {
  const command = new Command('add').description('add an account').argument('<address>');
  return withJson(withProfile(withCredential(withConfigOptions(command))))
    .addOption(
      new Option('--kind <kind>', 'what it is').choices(Object.values(AccountKind)).default('person'),
    )
    .addOption(ceiling().default('priority'))
    .addOption(grant())
    .action(async (address: string, options: AddOptions) =>
      (await accounts()).addAccount(context, address, options),
    );
}

function list(context: Context): Command {
  return withJson(withConfigOptions(new Command('list').description('show all accounts'))).action(
    async (options: ListOptions) => (await accounts()).listAccounts(context, options),
  );
}

function set(context: Context): Command {
  const command = new Command('set').description('change what an account may do').argument('<address>');
  return withJson(withConfigOptions(command))
    .addOption(ceiling())
    .addOption(grant().conflicts('grants'))
    .option('--no-grants', 'take all grants back')
    .action(async (address: string, options: SetOptions) =>
      (await accounts()).setAccount(context, address, options),
    );
}

function disable(context: Context): Command {
  const command = new Command('disable').description('keep an account from signing in').argument('<address>');
  return withJson(withConfigOptions(command)).action(async (address: string, options: ListOptions) =>
    (await accounts()).setDisabled(context, address, true, options),
  );
}

function enable(context: Context): Command {
  const command = new Command('enable').description('let it sign in again').argument('<address>');
  return withJson(withConfigOptions(command)).action(async (address: string, options: ListOptions) =>
    (await accounts()).setDisabled(context, address, false, options),
  );
}

function credential(context: Context): Command {
  const command = new Command('credential')
    .description('passwords and certificates of an account')
    .helpCommand(false);
  const adding = new Command('add').description('add a password or a certificate').argument('<address>');
  const listing = new Command('list').description('show them').argument('<address>');
  const revoking = new Command('revoke').description('take one back').argument('<address>').argument('<id>');
  return command
    .addCommand(
      withJson(withProfile(withCredential(withConfigOptions(adding)))).action(
        async (address: string, options: AddCredentialOptions) =>
          (await accounts()).addCredential(context, address, options),
      ),
    )
    .addCommand(
      withJson(withConfigOptions(listing)).action(async (address: string, options: ListOptions) =>
        (await accounts()).listCredentials(context, address, options),
      ),
    )
    .addCommand(
      withJson(withConfigOptions(revoking)).action(
        async (address: string, id: string, options: ListOptions) =>
          (await accounts()).revokeCredential(context, address, id, options),
      ),
    );
}

function withCredential(command: Command): Command {
  return command
    .option('--password-file <file>', 'file with the password in its one line; - for standard input')
    .option('--generate-password', 'make a password and show it this once')
    .option('--certificate <dir>', 'no password: put a key and a certificate of the domain there')
    .option('--label <text>', 'what to know the credential by')
    .addOption(
      new Option('--password <password>').hideHelp().argParser(() => {
        throw usageError(
          'A password in the command line can be read by every process here; give --password-file FILE, or - for standard input.',
        );
      }),
    );
}

function withProfile(command: Command): Command {
  return command
    .option('--profile <file>', 'write a profile for sealpost send, inbox and the others')
    .option('--reach <host:port>', 'where clients find the TLS listener, if not as the configuration says');
}

function withJson(command: Command): Command {
  return command.option('--json', 'write JSON for scripts');
}

function ceiling(): Option {
  return new Option('--ceiling <precedence>', 'the highest lane for what it sends').choices(precedenceNames);
}

function grant(): Option {
  return new Option(
    '--grant <precedence[,kind][,sender]>',
    'let mail into this mailbox up to this precedence; may be repeated',
  ).argParser(collect);
}
