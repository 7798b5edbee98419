// SPDX-License-Identifier: Apache-2.0
// A profile for an account of a domain that is served: everything a client needs, in files that can be carried to another
// machine.
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { writeProfile } from '@sealpost/client/node';
import type { Profile } from '@sealpost/client/node';
import { anchorText, formatKeyHash, parsePlace, readMaterials, tlsAuthorityFile } from '@sealpost/server';
import type { LoadedConfig, Place, StoredAccount } from '@sealpost/server';
import { usageError } from '../failure.ts';
import { asCommandErrors } from './config-file.ts';

export interface ProfileOptions {
  readonly profile?: string;
  /** `host:port` of the TLS listener, where it is not what the configuration says. */
  readonly reach?: string;
}

export interface Secrets {
  readonly password?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** Writes FILE and, where the domain has made its own listener certificate, the authority's beside it. */
export async function writeAccountProfile(
  loaded: LoadedConfig,
  account: Pick<StoredAccount, 'address' | 'kind'>,
  { profile: file, reach }: ProfileOptions,
  secrets: Secrets,
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const { config } = loaded;
  const materials = await asCommandErrors(() => readMaterials(loaded));
  const folder = dirname(resolve(file));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const place = placeOf(loaded, reach);
  const caFile = `${basename(file).replace(/\.json$/, '')}-tls-authority.pem`;
  const hasOwnAuthority = place !== undefined && materials.tls === undefined;
  if (hasOwnAuthority) await copyFile(join(materials.directory, tlsAuthorityFile), join(folder, caFile));
  const profile: Profile = {
    address: account.address,
    kind: account.kind,
    ...(config.listen.mqtt === undefined || place !== undefined ? {} : { mqtt: config.listen.mqtt }),
    ...(place === undefined ? {} : { mqtts: { ...place, ...(hasOwnAuthority ? { caFile } : {}) } }),
    username: account.address,
    ...pathsFrom(folder, secrets),
    anchors: [
      { domain: config.domain, keyHashes: [await anchorText(materials.directory)] },
      ...materials.anchors.map(({ domain, keyHashes }) => ({
        domain,
        keyHashes: keyHashes.map(formatKeyHash),
      })),
    ],
  };
  await writeProfile(file, profile);
  return file;
}

function placeOf({ config }: LoadedConfig, reach: string | undefined): Place | undefined {
  if (reach !== undefined) {
    const place = parsePlace(reach);
    if (place === undefined) throw usageError(`--reach ${reach} is not a place; write host:port.`);
    return place;
  }
  const { mqtts } = config.listen;
  return mqtts && { host: config.host ?? config.domain, port: mqtts.port };
}

function pathsFrom(folder: string, { password, certFile, keyFile }: Secrets): Secrets {
  return {
    ...(password === undefined ? {} : { password }),
    ...(certFile === undefined ? {} : { certFile: relative(folder, resolve(certFile)) }),
    ...(keyFile === undefined ? {} : { keyFile: relative(folder, resolve(keyFile)) }),
  };
}
