// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { writeProfile } from '@sealpost/client/node';
import type { Profile } from '@sealpost/client/node';
import type { Federation } from '@sealpost/server';
import { profilePath } from '../profile-discovery.ts';

type Account = Federation['accounts'][number];

/** One profile per account in the data folder: the same that `--as` finds. Paths in them are relative. */
export async function writeProfiles(dataDir: string, federation: Federation): Promise<void> {
  for (const account of federation.accounts) {
    const file = profilePath(dataDir, account.address);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeProfile(
      file,
      profileOf(account, federation, (path) => relative(dirname(file), path)),
    );
  }
}

function profileOf(account: Account, federation: Federation, at: (path: string) => string): Profile {
  const { address, kind, username, password, certFile, keyFile } = account;
  const own = federation.domains.find(({ domain }) => address.endsWith(`@${domain}`));
  if (own === undefined) throw new Error(`no domain for ${address}`);
  return {
    address,
    kind,
    mqtt: { host: own.mqtt.host, port: own.mqtt.port },
    mqtts: { host: own.mqtts.host, port: own.mqtts.port, caFile: at(own.mqtts.caFile) },
    username,
    password,
    ...(certFile === undefined || keyFile === undefined
      ? {}
      : { certFile: at(certFile), keyFile: at(keyFile) }),
    anchors: federation.domains.map(({ domain, authorityFile }) => ({
      domain,
      authorityFiles: [at(authorityFile)],
    })),
  };
}
