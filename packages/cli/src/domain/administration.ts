// SPDX-License-Identifier: Apache-2.0
// What every account command begins with: the configuration, the domain's directory, and an address of that domain.
import { AccountStore, preparedDirectory } from '@sealpost/server';
import type { LoadedConfig, StoredAccount } from '@sealpost/server';
import { domainOf, parseAddress } from '@sealpost/protocol';
import type { Address } from '@sealpost/protocol';
import type { ConfigOptions } from '../config-options.ts';
import type { Context } from '../context.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError, usageError } from '../failure.ts';
import { asCommandErrors, readConfig } from './config-file.ts';

export interface Administration {
  readonly loaded: LoadedConfig;
  readonly directory: string;
  readonly store: AccountStore;
  /** An address as it was typed, if it is one of this domain. */
  address(text: string): Address;
  /** That account, which must be there. */
  account(text: string): StoredAccount;
}

export async function administer<T>(
  { env }: Context,
  options: ConfigOptions,
  work: (administration: Administration) => Promise<T> | T,
): Promise<T> {
  const loaded = await readConfig(options, env);
  const directory = await asCommandErrors(() => preparedDirectory(loaded));
  const store = AccountStore.open(directory);
  const { domain } = loaded.config;
  const address = (text: string): Address => addressIn(domain, text);
  try {
    return await work({
      loaded,
      directory,
      store,
      address,
      account: (text) => store.find(address(text)) ?? unknownAccount(address(text)),
    });
  } finally {
    store.close();
  }
}

function addressIn(domain: string, text: string): Address {
  if (!text.includes('@')) throw usageError(`${text} has no domain; write ${text}@${domain}.`);
  const parsed = parseAddress(text);
  if (!parsed.ok) throw usageError(`${text} is not an address; write it as in ann@${domain}.`);
  if (domainOf(parsed.value) !== domain)
    throw usageError(
      `${parsed.value} is not an address of ${domain}; name one of its own, or the configuration of the other domain with --config.`,
    );
  return parsed.value;
}

function unknownAccount(address: Address): never {
  throw new CommandError(
    'account-unknown',
    `There is no account ${address}; sealpost account list shows those there are.`,
    ExitCode.noMailbox,
  );
}
