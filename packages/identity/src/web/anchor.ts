// SPDX-License-Identifier: Apache-2.0
import { accept, parseDomain, refuse } from '@sealpost/protocol';
import type { Result } from '@sealpost/protocol';
import type { Anchor } from '../anchors.ts';
import { parseCertificate } from '../certificate.ts';
import { encodePublicKey } from '../public-key.ts';
import { webCrypto } from './crypto-provider.ts';

/** Pins the keys of a domain's authorities, given by their DER certificates. */
export function pinnedAnchor(domain: string, authorities: readonly Uint8Array[]): Result<Anchor> {
  const parsed = parseDomain(domain);
  if (!parsed.ok) return parsed;
  const keyHashes: Uint8Array[] = [];
  for (const der of authorities) {
    const authority = parseCertificate(der, webCrypto);
    if (!authority.ok) return authority;
    if (authority.value.role !== 'authority') return refuse('certificate-wrong-role');
    keyHashes.push(webCrypto.sha256(encodePublicKey(authority.value.key)));
  }
  return accept({ domain: parsed.value, authorities, keyHashes, proof: 'static' });
}
