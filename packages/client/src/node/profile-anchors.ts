// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseDomain } from '@sealpost/protocol';
import { staticAnchors } from '@sealpost/identity';
import type { Anchor, Anchors } from '@sealpost/identity';
import { nodeCrypto } from '@sealpost/identity/node';
import { SealpostError } from '../error.ts';
import { certificatesIn } from './pem.ts';
import type { ProfileAnchor } from './profile.ts';

/** The anchors that a profile states: each pins the keys of the authorities in its files. */
export async function profileAnchors(stated: readonly ProfileAnchor[]): Promise<Anchors> {
  return staticAnchors(await Promise.all(stated.map(readAnchor)));
}

async function readAnchor({ domain, authorityFiles }: ProfileAnchor): Promise<Anchor> {
  const parsed = parseDomain(domain);
  if (!parsed.ok) throw new SealpostError(parsed.refusal);
  const texts = await Promise.all(authorityFiles.map((file) => readFile(file, 'utf8')));
  const authorities = texts.flatMap(certificatesIn);
  return { domain: parsed.value, authorities, keyHashes: authorities.map(keyHash), proof: 'static' };
}

/** SHA-256 of the SubjectPublicKeyInfo, as anchors pin it. */
function keyHash(der: Uint8Array): Uint8Array {
  const spki = new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' });
  return nodeCrypto.sha256(spki);
}
