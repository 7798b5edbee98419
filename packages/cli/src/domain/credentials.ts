// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { mkdir, access } from 'node:fs/promises';
import { join } from 'node:path';
import { credentialsMax, hashPassword, issueAccountCredential, labelCharactersMax } from '@sealpost/server';
import type { StoredAccount, StoredCredential } from '@sealpost/server';
import type { Context } from '../context.ts';
import { ExitCode } from '../exit-code.ts';
import { CommandError, usageError } from '../failure.ts';
import type { Administration } from './administration.ts';
import { newPassword } from './new-password.ts';
import type { PasswordOptions } from './new-password.ts';
import type { Secrets } from './profile.ts';

export interface CredentialOptions extends PasswordOptions {
  /** Folder for a key and a certificate. */
  readonly certificate?: string;
  readonly label?: string;
}

/** What goes into the store, what goes to the client, and what must be shown. */
export interface MadeCredential {
  readonly stored: Pick<StoredCredential, 'label' | 'record' | 'certificateHash' | 'expires'>;
  readonly secrets: Secrets;
  readonly shownPassword?: string;
}

type Owner = Pick<StoredAccount, 'address' | 'kind' | 'salt'>;

/** A certificate when a folder for it is named, else a password. */
export async function makeCredential(
  context: Context,
  { directory }: Administration,
  owner: Owner,
  options: CredentialOptions,
): Promise<MadeCredential> {
  const { certificate: folder } = options;
  if (folder !== undefined) {
    if (options.passwordFile !== undefined || options.generatePassword === true)
      throw usageError(
        'A credential is a password or a certificate; add the second with sealpost account credential add.',
      );
    return makeCertificate(directory, owner, folder, labelOf(options, 'certificate'));
  }
  const label = labelOf(options, 'password');
  const { password, isGenerated } = await newPassword(context, options);
  const record = await hashPassword(Buffer.from(password), owner.salt);
  return {
    stored: { label, record },
    secrets: { password },
    ...(isGenerated ? { shownPassword: password } : {}),
  };
}

export function checkRoom({ address, credentials }: StoredAccount): void {
  if (credentials.filter(({ revokedAt }) => revokedAt === undefined).length < credentialsMax) return;
  throw usageError(
    `${address} has ${credentialsMax} credentials, which is the most; revoke one first, with sealpost account credential revoke.`,
  );
}

async function makeCertificate(
  directory: string,
  { address, kind }: Owner,
  folder: string,
  label: string,
): Promise<MadeCredential> {
  const certFile = join(folder, `${address}.pem`);
  const keyFile = join(folder, `${address}.key`);
  for (const file of [certFile, keyFile]) await refuseExisting(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const issued = await issueAccountCredential(directory, { address, kind }, folder);
  const certificate = new X509Certificate(issued.certificate);
  return {
    stored: {
      label,
      certificateHash: issued.hash,
      expires: Math.floor(certificate.validToDate.getTime() / 1000),
    },
    secrets: { certFile, keyFile },
  };
}

async function refuseExisting(file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere)
    throw new CommandError(
      'already-there',
      `${file} is there already, and was not touched; name another folder with --certificate.`,
      ExitCode.configuration,
    );
}

function labelOf({ label }: CredentialOptions, otherwise: string): string {
  if (label === undefined) return otherwise;
  if (label.length === 0 || label.length > labelCharactersMax || /\p{C}/u.test(label))
    throw usageError(
      `A label has 1 to ${labelCharactersMax} characters, all of them visible; choose another.`,
    );
  return label;
}
