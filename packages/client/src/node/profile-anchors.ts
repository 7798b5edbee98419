// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { fromHex, parseDomain } from '@sealpost/protocol';
import { staticAnchors } from '@sealpost/identity';
import type { Anchor, Anchors } from '@sealpost/identity';
import { nodeCrypto, readCertificates } from '@sealpost/identity/node';
import { ProfileError, asProfileError } from './profile-error.ts';
import { keyHashForm } from './profile.ts';
import type { ProfileAnchor } from './profile.ts';

/** The anchors that a profile states: each pins the keys of the authorities in its files. */
export async function profileAnchors(stated: readonly ProfileAnchor[]): Promise<Anchors> {
  try {
    return staticAnchors(await Promise.all(stated.map(readAnchor)));
  } catch (error) {
    throw asProfileError(error);
  }
}

async function readAnchor({ domain, authorityFiles, keyHashes }: ProfileAnchor): Promise<Anchor> {
  const parsed = parseDomain(domain);
  if (!parsed.ok) throw new ProfileError(`anchor of ${domain}: not a domain`);
  const files = await Promise.all((authorityFiles ?? []).map((file) => readCertificates(file)));
  const authorities = files.flat();
  const stated = (keyHashes ?? []).map((text) => fromHex(keyHashForm.exec(text)?.[1] ?? ''));
  return {
    domain: parsed.value,
    authorities,
    // Where hashes are stated they alone count: a file beside them proves nothing.
    keyHashes: stated.length > 0 ? stated.filter((hash) => hash !== undefined) : authorities.map(keyHash),
    proof: 'static',
  };
}

/** SHA-256 of the SubjectPublicKeyInfo, as anchors pin it. */
function keyHash(der: Uint8Array): Uint8Array {
  const spki = new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' });
  return nodeCrypto.sha256(spki);
}
