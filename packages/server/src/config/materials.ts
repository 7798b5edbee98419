// SPDX-License-Identifier: Apache-2.0
// What the configuration points at: keys, certificates, anchors, peers. Everything that is wrong with any of it is found
// before anything listens.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { parseCertificate, type Anchor } from '@sealpost/identity';
import {
  encodePem,
  loadAuthority,
  nodeCrypto,
  readCertificates,
  readPrivateKey,
} from '@sealpost/identity/node';
import { CertificateRole, equalBytes, type Domain } from '@sealpost/protocol';
import type { TlsMaterial } from '../estate/listener.ts';
import type { LoadedConfig } from './load.ts';
import { ConfigError, type Problem } from './problem.ts';
import type { Place } from './values.ts';

export interface PeerPlan {
  readonly domain: Domain;
  readonly dial?: Place;
}

export interface Materials {
  readonly directory: string;
  readonly host: string;
  /** Absent: the domain makes its own. */
  readonly tls?: TlsMaterial;
  /** Of the peers. */
  readonly anchors: readonly Anchor[];
  readonly peers: readonly PeerPlan[];
}

type Read<T> = { readonly value: T } | { readonly problem: Problem };

/** Where the keys of the domain are. Throws a ConfigError when they are not there or are another domain's. */
export async function preparedDirectory(loaded: LoadedConfig): Promise<string> {
  const directory = loaded.at(loaded.config.data);
  const checked = await checkDirectory(loaded, directory);
  if ('problem' in checked) throw new ConfigError([checked.problem]);
  return directory;
}

/** Reads and checks, and changes nothing. Throws a ConfigError with everything that is wrong. */
export async function readMaterials(loaded: LoadedConfig): Promise<Materials> {
  const { config, at } = loaded;
  const directory = at(config.data);
  const problems: Problem[] = [];
  const noted = <T>(read: Read<T>): T | undefined => {
    if ('value' in read) return read.value;
    problems.push(read.problem);
    return undefined;
  };
  const { mqtt, mqtts } = config.listen;
  if (mqtt === undefined && mqtts === undefined)
    problems.push({
      key: 'listen',
      sentence: `${loaded.file}: no account could connect; give listen.mqtts a place, as in mqtts = "[::]:8883".`,
    });
  noted(await checkDirectory(loaded, directory));
  const tls = noted(await readTls(loaded));
  const anchors: Anchor[] = [];
  const seen = new Set<Domain>();
  for (const [index, { domain }] of config.peer.entries()) {
    const place = placeOf(loaded, `peer.${index}.domain`);
    if (domain === config.domain)
      problems.push({
        key: 'peer.domain',
        sentence: `${place}: ${domain} is this domain itself; leave it out of the peers.`,
      });
    else if (seen.has(domain))
      problems.push({
        key: 'peer.domain',
        sentence: `${place}: ${domain} is a peer twice; leave one of the two entries.`,
      });
    seen.add(domain);
    const anchor = noted(await readAnchor(loaded, index));
    if (anchor !== undefined) anchors.push(anchor);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    directory,
    host: config.host ?? config.domain,
    ...(tls === undefined ? {} : { tls }),
    anchors,
    peers: config.peer.map(({ domain, address }) => ({
      domain,
      ...(address === undefined ? {} : { dial: address }),
    })),
  };
}

function placeOf({ origins, file }: LoadedConfig, name: string): string {
  return origins.get(name) ?? file;
}

async function checkDirectory({ config, file }: LoadedConfig, directory: string): Promise<Read<void>> {
  const prepare = `prepare it with sealpost init ${config.domain}`;
  try {
    const authority = await loadAuthority(directory);
    if (authority.domain !== config.domain)
      return problem(
        'domain',
        `${file}: domain is ${config.domain}, but the keys in ${directory} are those of ${authority.domain}; name the one or the other.`,
      );
    await access(directory, constants.W_OK);
    return { value: undefined };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return problem(
        'data',
        `${directory} has no keys of ${config.domain}; ${prepare}, or correct data in ${file}.`,
        'missing',
      );
    if (code === 'EACCES' || code === 'EROFS')
      return problem(
        'data',
        `${directory} may not be written by this user; give it to whoever runs sealpost, with chown.`,
        'permission',
      );
    return problem('data', `${messageOf(error)}.`);
  }
}

async function readTls(loaded: LoadedConfig): Promise<Read<TlsMaterial | undefined>> {
  const { config, at } = loaded;
  const { certificate_file: certificateFile, key_file: keyFile } = config.tls;
  if (certificateFile === undefined && keyFile === undefined) return { value: undefined };
  if (certificateFile === undefined)
    return problem(
      'tls.certificate_file',
      `${placeOf(loaded, 'tls.key_file')}: tls.key_file needs tls.certificate_file beside it; name the certificate too, or neither.`,
    );
  if (keyFile === undefined)
    return problem(
      'tls.key_file',
      `${placeOf(loaded, 'tls.certificate_file')}: tls.certificate_file needs tls.key_file beside it; name the key too, or neither.`,
    );
  const certificates = await readPems(loaded, 'tls.certificate_file', at(certificateFile));
  if ('problem' in certificates) return certificates;
  const key = await readKey(loaded, at(keyFile));
  if ('problem' in key) return key;
  return fitting(loaded, at(certificateFile), certificates.value, at(keyFile), key.value);
}

function fitting(
  loaded: LoadedConfig,
  certificateFile: string,
  certificates: readonly Uint8Array[],
  keyFile: string,
  key: string,
): Read<TlsMaterial> {
  const place = placeOf(loaded, 'tls.certificate_file');
  try {
    const [leaf = new Uint8Array(0)] = certificates;
    const certificate = new X509Certificate(leaf);
    const privateKey = createPrivateKey(key);
    if (!certificate.checkPrivateKey(privateKey))
      return problem(
        'tls.key_file',
        `${place}: the key in ${keyFile} does not belong to the certificate in ${certificateFile}; name the pair that was issued together.`,
      );
    if (certificate.validToDate.getTime() < Date.now())
      return problem(
        'tls.certificate_file',
        `${place}: the certificate in ${certificateFile} expired on ${certificate.validToDate.toISOString().slice(0, 10)}; renew it.`,
      );
    if (certificate.validFromDate.getTime() > Date.now())
      return problem(
        'tls.certificate_file',
        `${place}: the certificate in ${certificateFile} is not valid before ${certificate.validFromDate.toISOString()}; check this machine's clock.`,
      );
    return { value: { certificate: encodePem(certificates), key } };
  } catch {
    return problem(
      'tls',
      `${place}: ${certificateFile} and ${keyFile} are not a certificate and a private key in PEM; name such files.`,
    );
  }
}

async function readKey(loaded: LoadedConfig, file: string): Promise<Read<string>> {
  try {
    return { value: await readPrivateKey(file) };
  } catch (error) {
    return unreadable(loaded, 'tls.key_file', file, error);
  }
}

async function readPems(
  loaded: LoadedConfig,
  key: string,
  file: string,
): Promise<Read<readonly Uint8Array[]>> {
  try {
    return { value: await readCertificates(file) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) return unreadable(loaded, key, file, error);
    const name = nameOf(key);
    const sentence = `${placeOf(loaded, key)}: ${name} names ${file}, which has no certificate in PEM; name a file that has.`;
    return problem(name, sentence);
  }
}

function unreadable(loaded: LoadedConfig, key: string, file: string, error: unknown): { problem: Problem } {
  const place = placeOf(loaded, key);
  const name = nameOf(key);
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return problem(
        name,
        `${place}: ${name} names ${file}, which is not there; correct the path.`,
        'missing',
      );
    case 'EACCES':
      return problem(
        name,
        `${place}: ${file} may not be read by this user; give it to whoever runs sealpost, with chown.`,
        'permission',
      );
    case 'EISDIR':
      return problem(name, `${place}: ${name} names ${file}, which is a folder; name a file.`);
    default:
      return problem(name, `${place}: ${messageOf(error)}.`);
  }
}

/** Without the number of the entry. */
function nameOf(key: string): string {
  return key.replace(/\.[0-9]+/, '');
}

/** By the hash that the operator was given, by the authority's certificate, or by both. */
async function readAnchor(loaded: LoadedConfig, index: number): Promise<Read<Anchor | undefined>> {
  const peer = loaded.config.peer[index];
  if (peer === undefined) return { value: undefined };
  const { domain, anchor, anchor_file: file } = peer;
  if (file === undefined)
    return {
      value: anchor && { domain, keyHashes: [anchor], authorities: [], proof: 'static' },
    };
  const path = loaded.at(file);
  const read = await readPems(loaded, `peer.${index}.anchor_file`, path);
  if ('problem' in read) return read;
  const parsed = read.value.map((der) => parseCertificate(der, nodeCrypto));
  const authorities = parsed.flatMap((result) => (result.ok ? [result.value] : []));
  const own = authorities.filter((one) => one.role === CertificateRole.authority && one.domain === domain);
  const place = placeOf(loaded, `peer.${index}.anchor_file`);
  if (own.length === 0)
    return problem(
      'peer.anchor_file',
      `${place}: ${path} has no certificate of the authority of ${domain}; ask its operator for authority.pem.`,
    );
  const pinned = anchor === undefined ? own : own.filter(({ keyHash }) => equalBytes(keyHash, anchor));
  if (pinned.length === 0)
    return problem(
      'peer.anchor',
      `${place}: the certificate in ${path} does not have the key that anchor names; ask the operator of ${domain} which of the two is right.`,
    );
  return {
    value: {
      domain,
      keyHashes: pinned.map(({ keyHash }) => keyHash),
      authorities: pinned.map(({ der }) => der),
      proof: 'static',
    },
  };
}

function problem(key: string, sentence: string, kind?: Problem['kind']): { problem: Problem } {
  return { problem: { key, sentence, ...(kind === undefined ? {} : { kind }) } };
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').replace(/\.$/, '');
}
