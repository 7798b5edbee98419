// SPDX-License-Identifier: Apache-2.0
// What a domain owns on disk before it can run: its authority, its seal and its link credential, one directory a domain.
import { mkdir } from 'node:fs/promises';
import { parseCertificate } from '@sealpost/identity';
import {
  createAuthority,
  loadAuthority,
  loadCredential,
  nodeCrypto,
  saveAuthority,
  saveCredential,
  type Authority,
  type Credential,
} from '@sealpost/identity/node';
import { Algorithm, type Domain } from '@sealpost/protocol';
import { made } from './made.ts';

export interface Estate {
  readonly domain: Domain;
  readonly directory: string;
  readonly authority: Authority;
  /** Signs for the domain: seals of accounts without a key, and evidence. */
  readonly seal: Credential;
  /** For TLS between domains. */
  readonly link: Credential;
}

/** A credential that ends sooner is issued anew by the next start: a third of its life. */
const renewedBeforeSeconds = 30 * 86_400;

/** Makes what is missing, in a directory that only its owner can enter; what ends soon is issued anew. */
export async function openEstate(directory: string, domain: Domain): Promise<Estate> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authority = await made(
    () => loadAuthority(directory),
    () => createAuthority(domain),
    (created) => saveAuthority(directory, created),
  );
  return withCredentials(directory, authority);
}

/** Rejects with ENOENT when the directory has no authority: nobody makes one by a misspelt path. */
export async function loadEstate(directory: string): Promise<Estate> {
  return withCredentials(directory, await loadAuthority(directory));
}

async function withCredentials(directory: string, authority: Authority): Promise<Estate> {
  const issued = (name: string, issue: () => Promise<Credential>): Promise<Credential> =>
    made(
      async () => fresh(await loadCredential(directory, name)),
      issue,
      (credential) => saveCredential(directory, name, credential),
    );
  return {
    domain: authority.domain,
    directory,
    authority,
    seal: await issued('domain-seal', () => authority.issueDomainSeal({ algorithm: Algorithm.Ed25519 })),
    link: await issued('domain-link', () => authority.issueDomainLink()),
  };
}

/** Rejects as if there were none when it ends soon. */
function fresh(credential: Credential): Credential {
  const parsed = parseCertificate(credential.certificate, nodeCrypto);
  const endsSoon = parsed.ok && parsed.value.notAfter < Date.now() / 1000 + renewedBeforeSeconds;
  if (endsSoon) throw Object.assign(new Error('ends soon'), { code: 'ENOENT' });
  return credential;
}
