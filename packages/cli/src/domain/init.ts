// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, relative, resolve } from 'node:path';
import { parseDomain } from '@sealpost/protocol';
import type { Domain } from '@sealpost/protocol';
import { initDomain } from '@sealpost/server';
import type { Context } from '../context.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError, usageError } from '../failure.ts';

export interface InitOptions {
  readonly directory?: string;
  readonly host?: string;
  readonly local?: boolean;
  readonly portBase?: number;
  readonly json?: boolean;
}

export async function init({ terminal }: Context, text: string, options: InitOptions): Promise<void> {
  const domain = domainFrom(text);
  const isLocal = options.local === true;
  const host = options.host ?? (isLocal ? 'localhost' : domain);
  const directory = resolve(options.directory ?? '.');
  const made = await initDomain({
    domain,
    directory,
    host,
    isLocal,
    ...(options.portBase === undefined ? {} : { portBase: options.portBase }),
  });
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
    'To exchange mail with another domain, give its operator what this prints, for the end',
    'of its sealpost.toml, and put what its operator gives you at the end of yours:',
    '',
    `  sealpost config peer ${config}`,
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
