// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { Precedence, precedenceName } from '@sealpost/protocol';
import type { AccountKind, PrecedenceName } from '@sealpost/protocol';
import type { LoadedConfig, StoredAccount, StoredCredential } from '@sealpost/server';
import type { ConfigOptions } from '../config-options.ts';
import type { Context } from '../context.ts';
import { isoTime } from '../evidence-format.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError } from '../failure.ts';
import { formatTable } from '../table.ts';
import { administer } from './administration.ts';
import { checkRoom, makeCredential } from './credentials.ts';
import type { CredentialOptions, MadeCredential } from './credentials.ts';
import { formatGrant, parseGrants } from './grants.ts';
import { writeAccountProfile } from './profile.ts';
import type { ProfileOptions } from './profile.ts';

interface JsonOption {
  readonly json?: boolean;
}

type ListOptions = ConfigOptions & JsonOption;

export interface AddOptions extends ConfigOptions, CredentialOptions, ProfileOptions, JsonOption {
  readonly kind: AccountKind;
  readonly ceiling: PrecedenceName;
  readonly grant?: readonly string[];
}

export interface SetOptions extends ConfigOptions, JsonOption {
  readonly ceiling?: PrecedenceName;
  /** False: none. */
  readonly grants?: boolean;
  readonly grant?: readonly string[];
}

export type AddCredentialOptions = ConfigOptions & CredentialOptions & ProfileOptions & JsonOption;

const saltBytes = 16;

export function addAccount(context: Context, text: string, options: AddOptions): Promise<void> {
  return administer(context, options, async (administration) => {
    const { store, loaded } = administration;
    const address = administration.address(text);
    if (store.find(address) !== undefined) throw alreadyThere(address);
    const { kind, ceiling } = options;
    const account = {
      address,
      kind,
      ceiling: Precedence[ceiling],
      grants: parseGrants(options.grant ?? []),
      salt: new Uint8Array(randomBytes(saltBytes)),
    };
    const made = await makeCredential(context, administration, account, options);
    if (!store.add(account, made.stored)) throw alreadyThere(address);
    const id = store.find(address)?.credentials[0]?.id ?? '';
    const sentence = `${address} is added: ${kind}, sends up to ${ceiling}.`;
    await tellWithProfile(context, loaded, account, options, { id, made }, sentence);
  });
}

export function setAccount(context: Context, text: string, options: SetOptions): Promise<void> {
  return administer(context, options, ({ account, store }) => {
    const { address } = account(text);
    const { ceiling, grant, grants } = options;
    store.change(address, {
      ...(ceiling === undefined ? {} : { ceiling: Precedence[ceiling] }),
      ...(grant === undefined && grants !== false ? {} : { grants: parseGrants(grant ?? []) }),
    });
    show(context, options, [account(address)]);
  });
}

export function setDisabled(
  context: Context,
  text: string,
  isDisabled: boolean,
  options: ListOptions,
): Promise<void> {
  return administer(context, options, ({ account, store }) => {
    const { address } = account(text);
    store.setDisabled(address, isDisabled);
    const done = isDisabled
      ? 'is disabled: it cannot sign in, and its mailbox goes on taking mail'
      : 'is enabled: it can sign in again';
    context.terminal.out(
      options.json === true ? JSON.stringify({ address, isDisabled }) : `${address} ${done}.`,
    );
  });
}

export function listAccounts(context: Context, options: ListOptions): Promise<void> {
  return administer(context, options, ({ store }) => {
    const accounts = store.list();
    if (accounts.length === 0 && options.json !== true)
      context.terminal.talk('No account yet: sealpost account add makes one.');
    else show(context, options, accounts);
  });
}

export function addCredential(context: Context, text: string, options: AddCredentialOptions): Promise<void> {
  return administer(context, options, async (administration) => {
    const { store, loaded } = administration;
    const account = administration.account(text);
    checkRoom(account);
    const made = await makeCredential(context, administration, account, options);
    const id = store.addCredential(account.address, made.stored) ?? '';
    const sentence = `${account.address} has one more credential.`;
    await tellWithProfile(context, loaded, account, options, { id, made }, sentence);
  });
}

export function listCredentials(context: Context, text: string, options: ListOptions): Promise<void> {
  return administer(context, options, ({ account }) => {
    const { credentials } = account(text);
    const { terminal } = context;
    if (options.json === true)
      for (const credential of credentials) terminal.out(JSON.stringify(credentialJson(credential)));
    else for (const line of formatTable(credentials.map(credentialRow))) terminal.out(line);
  });
}

export function revokeCredential(
  context: Context,
  text: string,
  id: string,
  options: ListOptions,
): Promise<void> {
  return administer(context, options, ({ account, store }) => {
    const { address } = account(text);
    if (!store.revoke(address, id))
      throw new CommandError(
        'credential-unknown',
        `${address} has no credential ${id}; sealpost account credential list ${address} shows those it has.`,
        ExitCode.data,
      );
    context.terminal.out(
      options.json === true
        ? JSON.stringify({ address, credential: id, revoked: true })
        : `${id} of ${address} is revoked: nobody can sign in or seal with it any more.`,
    );
  });
}

function alreadyThere(address: string): CommandError {
  return new CommandError(
    'already-there',
    `${address} is there already; change it with sealpost account set, or give it one more credential.`,
    ExitCode.data,
  );
}

interface Told {
  readonly address: string;
  readonly id: string;
  readonly made: MadeCredential;
  readonly profile: string | undefined;
}

/** A password that is shown only now is shown even if its profile cannot be written: it is in the store already. */
async function tellWithProfile(
  context: Context,
  loaded: LoadedConfig,
  account: Pick<StoredAccount, 'address' | 'kind'>,
  options: ProfileOptions & JsonOption,
  { id, made }: Pick<Told, 'id' | 'made'>,
  sentence: string,
): Promise<void> {
  const { address } = account;
  try {
    const profile = await writeAccountProfile(loaded, account, options, made.secrets);
    tell(context, options, { address, id, made, profile }, sentence);
  } catch (error) {
    tell(context, options, { address, id, made, profile: undefined }, sentence);
    throw error;
  }
}

function tell(
  { terminal }: Context,
  { json }: JsonOption,
  { address, id, made, profile }: Told,
  sentence: string,
): void {
  const { shownPassword, secrets } = made;
  const { certFile, keyFile } = secrets;
  if (json === true) {
    const password = shownPassword;
    terminal.out(JSON.stringify({ address, credential: id, password, certFile, keyFile, profile }));
    return;
  }
  terminal.out(`${sentence} The credential is ${id}.`);
  if (shownPassword !== undefined) terminal.out(`Its password, shown only now: ${shownPassword}`);
  if (certFile !== undefined) terminal.out(`Its certificate is ${certFile}, its key ${keyFile ?? ''}.`);
  if (profile !== undefined) terminal.out(`Its profile is ${profile}: sealpost inbox --profile ${profile}`);
}

function show({ terminal }: Context, { json }: JsonOption, accounts: readonly StoredAccount[]): void {
  if (json === true) for (const account of accounts) terminal.out(JSON.stringify(accountJson(account)));
  else for (const line of formatTable(accounts.map(accountRow))) terminal.out(line);
}

function accountRow({ address, kind, ceiling, grants, isDisabled, credentials }: StoredAccount): string[] {
  const good = credentials.filter(({ revokedAt }) => revokedAt === undefined).length;
  return [
    address,
    kind,
    `sends up to ${precedenceName(ceiling)}`,
    grants.length === 0 ? 'grants nothing' : `grants ${grants.map(formatGrant).join(' and ')}`,
    good === 1 ? '1 credential' : `${good} credentials`,
    isDisabled ? 'disabled' : '',
  ];
}

/** Field by field: no record and no salt may slip in. */
function accountJson(account: StoredAccount): unknown {
  const { address, kind, ceiling, grants, isDisabled, credentials, createdAt } = account;
  return {
    address,
    kind,
    ceiling: precedenceName(ceiling),
    grants: grants.map(formatGrant),
    isDisabled,
    created: isoTime(createdAt),
    credentials: credentials.map(credentialJson),
  };
}

function credentialRow(credential: StoredCredential): string[] {
  const { id, label, createdAt, lastSignInAt, revokedAt, expires } = credential;
  return [
    id,
    kindOf(credential),
    label,
    `made ${isoTime(createdAt)}`,
    lastSignInAt === undefined ? 'never used' : `used ${isoTime(lastSignInAt)}`,
    expires === undefined ? '' : `ends ${isoTime(expires)}`,
    revokedAt === undefined ? '' : `revoked ${isoTime(revokedAt)}`,
  ];
}

function credentialJson(credential: StoredCredential): unknown {
  const { id, label, createdAt, lastSignInAt, revokedAt, expires } = credential;
  return {
    credential: id,
    kind: kindOf(credential),
    label,
    created: isoTime(createdAt),
    lastSignIn: time(lastSignInAt),
    expires: time(expires),
    revoked: time(revokedAt),
  };
}

function kindOf({ record }: StoredCredential): string {
  return record === undefined ? 'certificate' : 'password';
}

function time(at: number | undefined): string | undefined {
  return at === undefined ? undefined : isoTime(at);
}
