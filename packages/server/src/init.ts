// SPDX-License-Identifier: Apache-2.0
// Prepares a domain: keys, certificates and one configuration file, in a folder that has none of them yet.
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAuthority } from '@sealpost/identity/node';
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
  /** Three ports from here on instead of the usual ones: for several domains on one machine. */
  readonly portBase?: number;
}

export interface Initialised {
  readonly file: string;
  /** What operators of other domains are told. */
  readonly anchor: string;
}

export const configFileName = 'sealpost.toml';
const dataFolder = 'data';
const usualPorts = { mqtt: 1883, mqtts: 8883, relay: 8884 };

/** Undefined: the file or the data folder is there already, and nothing was touched. */
export async function initDomain(options: InitOptions): Promise<Initialised | undefined> {
  const { domain, directory, host } = options;
  const file = join(directory, configFileName);
  const data = join(directory, dataFolder);
  if ((await exists(file)) || (await exists(data))) return undefined;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await openEstate(data, domain);
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
  return { file, anchor: await anchorText(data) };
}

/** `sha256:…` of the authority in this directory: what operators of other domains are told, and compare. */
export async function anchorText(directory: string): Promise<string> {
  const [keyHash = new Uint8Array(0)] = (await loadAuthority(directory)).anchor.keyHashes;
  return formatKeyHash(keyHash);
}

/** What the operator of another domain puts at the end of its configuration. */
export function peerText({ domain, address, anchor }: PeerText): string {
  const place = address === undefined ? '' : `address = "${address}"\n`;
  return `[[peer]]\ndomain = "${domain}"\n${place}anchor = "${anchor}"\n`;
}

interface PeerText {
  readonly domain: string;
  /** Absent: it only dials. */
  readonly address?: string;
  readonly anchor: string;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function portsFrom(base: number | undefined): typeof usualPorts {
  return base === undefined ? usualPorts : { mqtt: base, mqtts: base + 1, relay: base + 2 };
}

function configText({ domain, host, isLocal, portBase }: InitOptions): string {
  const ports = portsFrom(portBase);
  const any = isLocal ? '127.0.0.1' : '[::]';
  return `# Sealpost for ${domain}. Every key is described in docs/configuration.md; \`sealpost config show --origin\`
# says what is in force and why.
domain = "${domain}"
# The name under which clients and other domains reach this machine.
host = "${host}"
data = "${dataFolder}"

[listen]
# Without TLS, for programs on this machine only.
mqtt = "127.0.0.1:${ports.mqtt}"
mqtts = "${any}:${ports.mqtts}"
relay = "${any}:${ports.relay}"

# Health and numbers for whoever watches this machine, over HTTP and on this machine only:
# [operations]
# listen = "127.0.0.1:8880"

# A certificate that clients know already, instead of the one that was made for this domain:
# [tls]
# certificate_file = "/etc/ssl/certs/${host}.pem"
# key_file = "/etc/ssl/private/${host}.key"

# One entry for each domain that mail is exchanged with, as its operator gave it to you:
# [[peer]]
# domain = "other.example"
# address = "other.example:${usualPorts.relay}"
# anchor = "sha256:…"
`;
}
