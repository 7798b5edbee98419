// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, relative, resolve } from 'node:path';
import { parseDomain } from '@sealpost/protocol';
import type { Domain } from '@sealpost/protocol';
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError, usageError } from '../failure.ts';

interface InitOptions {
  readonly directory?: string;
  readonly host?: string;
  readonly local?: boolean;
  readonly json?: boolean;
}

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
    .option('--json', 'write JSON for scripts')
    .addHelpText('after', examples)
    .action((domain: string, options: InitOptions) => init(context, domain, options));
}

async function init({ terminal }: Context, text: string, options: InitOptions): Promise<void> {
  const domain = domainFrom(text);
  const isLocal = options.local === true;
  const host = options.host ?? (isLocal ? 'localhost' : domain);
  const directory = resolve(options.directory ?? '.');
  const { initDomain, relayPortDefault } = await import('@sealpost/server');
  const made = await initDomain({ domain, directory, host, isLocal });
  if (made === undefined)
    throw new CommandError(
      'already-there',
      `${shown(directory)} has a sealpost.toml or a data folder already, and nothing in it was touched; choose another with --directory.`,
      ExitCode.configuration,
    );
  const { file, anchor } = made;
  if (options.json === true) {
    terminal.out(JSON.stringify({ domain, file, anchor }));
    return;
  }
  const config = `--config ${shown(file)}`;
  const lines = [
    `${domain} is prepared: ${shown(file)} and, secret, the folder data beside it.`,
    '',
    'Next, an account, and then the domain itself:',
    '',
    `  sealpost account add ann@${domain} ${config}`,
    `  sealpost serve ${config}`,
    '',
    `To exchange mail with another domain, give its operator these lines for the end of`,
    'its sealpost.toml, and put its own at the end of yours:',
    '',
    '  [[peer]]',
    `  domain = "${domain}"`,
    `  address = "${host}:${relayPortDefault}"`,
    `  anchor = "${anchor}"`,
  ];
  for (const line of lines) terminal.out(line);
}

function domainFrom(text: string): Domain {
  const parsed = parseDomain(text);
  if (parsed.ok && parsed.value === text) return parsed.value;
  const better = parseDomain(text.trim().toLowerCase().replace(/\.+$/, ''));
  throw usageError(
    better.ok
      ? `${text} is not how domains are written here; write ${better.value}.`
      : `${text} is not a domain; write lower-case labels of a-z, 0-9 and -, as in home.example.`,
  );
}

/** As it can be pasted from here. */
function shown(path: string): string {
  const short = relative('.', path);
  return short === '' ? '.' : short.startsWith('..') || isAbsolute(short) ? path : short;
}
