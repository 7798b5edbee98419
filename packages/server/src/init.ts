// SPDX-License-Identifier: Apache-2.0
// Prepares a domain: keys, certificates and one configuration file, in a folder that has none of them yet.
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Domain } from '@sealpost/protocol';
import { AccountStore } from './accounts/store.ts';
import { formatKeyHash } from './config/values.ts';
import { openEstate } from './estate/estate.ts';
import { openListenerTls } from './estate/listener.ts';

export interface InitOptions {
  readonly domain: Domain;
  /** Made if need be; the file and the data go there. */
  readonly directory: string;
  /** The name under which clients and peers reach this machine. */
  readonly host: string;
  /** Listens on this machine only. */
  readonly isLocal: boolean;
}

export interface Initialised {
  readonly file: string;
  /** `sha256:…`: what operators of other domains are told. */
  readonly anchor: string;
}

export const configFileName = 'sealpost.toml';
const dataFolder = 'data';
export const relayPortDefault = 8884;

/** Undefined: the file or the data folder is there already, and nothing was touched. */
export async function initDomain(options: InitOptions): Promise<Initialised | undefined> {
  const { domain, directory, host } = options;
  const file = join(directory, configFileName);
  const data = join(directory, dataFolder);
  if ((await exists(file)) || (await exists(data))) return undefined;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { authority } = await openEstate(data, domain);
  await openListenerTls(data, host);
  AccountStore.open(data).close();
  // Last, so that where the file is, everything else is too; `wx`: never over one that appeared in between.
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(configText(options));
    await handle.sync();
  } finally {
    await handle.close();
  }
  const [keyHash = new Uint8Array(0)] = authority.anchor.keyHashes;
  return { file, anchor: formatKeyHash(keyHash) };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function configText({ domain, host, isLocal }: InitOptions): string {
  const any = isLocal ? '127.0.0.1' : '[::]';
  return `# Sealpost for ${domain}. Every key is described in docs/configuration.md; \`sealpost config show --origin\`
# says what is in force and why.
domain = "${domain}"
# The name under which clients and other domains reach this machine.
host = "${host}"
data = "${dataFolder}"

[listen]
# Without TLS, for programs on this machine only.
mqtt = "127.0.0.1:1883"
mqtts = "${any}:8883"
relay = "${any}:${relayPortDefault}"

# A certificate that clients know already, instead of the one that was made for this domain:
# [tls]
# certificate_file = "/etc/ssl/certs/${host}.pem"
# key_file = "/etc/ssl/private/${host}.key"

# One entry for each domain that mail is exchanged with, as its operator gave it to you:
# [[peer]]
# domain = "other.example"
# address = "other.example:${relayPortDefault}"
# anchor = "sha256:…"
`;
}
