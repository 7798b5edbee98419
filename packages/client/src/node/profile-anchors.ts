// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { parseDomain } from '@sealpost/protocol';
import { staticAnchors } from '@sealpost/identity';
import type { Anchor, Anchors } from '@sealpost/identity';
import { nodeCrypto, readCertificates } from '@sealpost/identity/node';
import { ProfileError, asProfileError } from './profile-error.ts';
import type { ProfileAnchor } from './profile.ts';

/** The anchors that a profile states: each pins the keys of the authorities in its files. */
export async function profileAnchors(stated: readonly ProfileAnchor[]): Promise<Anchors> {
  try {
    return staticAnchors(await Promise.all(stated.map(readAnchor)));
  } catch (error) {
    throw asProfileError(error);
  }
}

async function readAnchor({ domain, authorityFiles }: ProfileAnchor): Promise<Anchor> {
  const parsed = parseDomain(domain);
  if (!parsed.ok) throw new ProfileError(`anchor of ${domain}: not a domain`);
  const files = await Promise.all(authorityFiles.map((file) => readCertificates(file)));
  const authorities = files.flat();
  return { domain: parsed.value, authorities, keyHashes: authorities.map(keyHash), proof: 'static' };
}

/** SHA-256 of the SubjectPublicKeyInfo, as anchors pin it. */
function keyHash(der: Uint8Array): Uint8Array {
  const spki = new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' });
  return nodeCrypto.sha256(spki);
}
