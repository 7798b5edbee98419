// SPDX-License-Identifier: Apache-2.0
// The chain check, spec/identity.md: a leaf, the authority that issued it, the anchor that pins the authority, a time.
// Complete because the profile is narrow; it relies on no name constraint and on no validator of others.
import { CertificateRole, accept, equalBytes, refuse } from '@sealpost/protocol';
import type { CryptoProvider, Refused, Result } from '@sealpost/protocol';
import type { Anchor } from './anchors.ts';
import type { Certificate } from './certificate.ts';

export interface Chain {
  readonly leaf: Certificate;
  readonly authority: Certificate;
  readonly anchor: Anchor;
  /** Unix seconds. */
  readonly now: number;
}

/** Authorities whose own signature was verified: the same few stand above every leaf. */
const selfSigned = new WeakSet<Certificate>();

function untrusted(cause: string): Refused {
  return refuse('certificate-untrusted', cause);
}

export async function checkChain(chain: Chain, crypto: CryptoProvider): Promise<Result<void>> {
  const stated = checkStatements(chain);
  if (!stated.ok) return stated;
  const { leaf, authority } = chain;
  // [ID-16] Only the key is pinned: the rest of the authority's certificate has to be its own word.
  if (!(await isSelfSigned(authority, crypto))) return untrusted("the authority's own signature");
  // [ID-15]
  if (!(await crypto.verify(authority.key, leaf.signedBytes, leaf.signature)))
    return untrusted("the leaf's signature");
  return accept();
}

async function isSelfSigned(authority: Certificate, crypto: CryptoProvider): Promise<boolean> {
  if (selfSigned.has(authority)) return true;
  const isValid = await crypto.verify(authority.key, authority.signedBytes, authority.signature);
  if (isValid) selfSigned.add(authority);
  return isValid;
}

/** Everything that needs no cryptography. */
function checkStatements({ leaf, authority, anchor, now }: Chain): Result<void> {
  // [ID-14] First, and whatever the authority's name constraints say: an authority speaks for its own domain only.
  if (leaf.domain !== anchor.domain || authority.domain !== anchor.domain)
    return refuse('certificate-wrong-domain', `${leaf.domain} under ${anchor.domain}`);
  if (leaf.role === CertificateRole.authority || authority.role !== CertificateRole.authority)
    return refuse('certificate-wrong-role', 'not a leaf under an authority');
  if (!anchor.keyHashes.some((hash) => equalBytes(hash, authority.keyHash)))
    return untrusted('the anchor does not pin this authority');
  if (!isIssuedBy(authority, authority)) return untrusted('the authority is not self-issued');
  if (!isIssuedBy(leaf, authority)) return untrusted('the leaf names another issuer');
  // [ID-17]
  if (!isValidAt(leaf, now) || !isValidAt(authority, now)) return refuse('certificate-not-valid-now');
  return accept();
}

/** Whether the certificate names this authority as its issuer; no signature is looked at. */
export function isIssuedBy(certificate: Certificate, authority: Certificate): boolean {
  const { subjectKeyId } = authority;
  // A self-issued authority may leave out its own key identifier (RFC 5280 §4.2.1.1).
  const keyId = certificate.authorityKeyId ?? (certificate === authority ? subjectKeyId : undefined);
  return (
    keyId !== undefined &&
    subjectKeyId !== undefined &&
    equalBytes(keyId, subjectKeyId) &&
    equalBytes(certificate.issuer, authority.subject)
  );
}

/** `now` in Unix seconds. */
export function isValidAt({ notBefore, notAfter }: Certificate, now: number): boolean {
  return notBefore <= now && now <= notAfter;
}
