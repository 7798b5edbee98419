// SPDX-License-Identifier: Apache-2.0
// The seal of one message, spec/seal.md: COSE_Sign1 over claims and the hash of the body (hash envelope, RFC 9995).
// Checks are split where something has to be fetched: decodeSeal and checkSeal need nothing, checkSigner a certificate
// that already passed its chain check, verifySeal cryptography.
import { domainOf } from './address.ts';
import { equalBytes } from './bytes.ts';
import { decodeClaims, encodeClaims } from './claims.ts';
import type { Claims } from './claims.ts';
import { encodeCbor } from './cbor.ts';
import { Label, ObjectType, sha256Algorithm } from './cose.ts';
import { CertificateRole, hashBytesLength } from './crypto.ts';
import type { AccountKind, CryptoProvider, Haste, Signer, SignerCertificate } from './crypto.ts';
import { messageDigest } from './digest.ts';
import { clockSkewSeconds, lifetimeMaxSeconds } from './lifetime.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';
import { checkCertificate, decodeSigned, signObject } from './signed.ts';
import type { SignedForm, SignedObject } from './signed.ts';

export const sealBytesMax = 8192;
export const bodyBytesMax = 65_536;
export const contentTypeCharactersMax = 128;
/** The content type of a body for which none is given. */
export const contentTypeDefault = 'text/plain;charset=utf-8';

/** `origin`: sealed with the sender's own key. `domain`: the domain says how it authenticated the sender. */
export type SealClass = 'origin' | 'domain';

export interface Seal extends SignedObject {
  readonly claims: Claims;
  readonly claimsBytes: Uint8Array;
  readonly contentType: string;
  /** SHA-256 of the body: the payload of the seal. */
  readonly bodyHash: Uint8Array;
  /** The message digest. */
  readonly digest: Uint8Array;
}

const form: SignedForm = {
  type: ObjectType.seal,
  bytesMax: sealBytesMax,
  labels: [
    Label.algorithm,
    Label.claims,
    Label.type,
    Label.x5t,
    Label.payloadHashAlgorithm,
    Label.contentType,
  ],
  invalid: 'seal-invalid',
  spanLabel: Label.claims,
};

// RFC 9110 §8.3.1, without quoted strings: type/subtype;name=value, lower case or as the sender wrote it.
const mediaType =
  /^[!#$&^_.+A-Za-z0-9-]+\/[!#$&^_.+A-Za-z0-9-]+(?: ?; ?[!#$&^_.+A-Za-z0-9-]+=[!#$&^_.+A-Za-z0-9-]+)*$/;

/** [SEAL-13] */
export function isContentType(value: unknown): value is string {
  return typeof value === 'string' && value.length <= contentTypeCharactersMax && mediaType.test(value);
}

/** [SEAL-2] Size, strict decoding, type, algorithm, headers, claims, in this order. */
export function decodeSeal(bytes: Uint8Array, crypto: CryptoProvider): Result<Seal> {
  const decoded = decodeSigned(bytes, form);
  if (!decoded.ok) return decoded;
  const { sign1, object } = decoded.value;
  const header = sign1.protectedMap;
  // [SEAL-5] The payload is a SHA-256, and says so.
  if (
    header.get(Label.payloadHashAlgorithm) !== sha256Algorithm ||
    sign1.payload.length !== hashBytesLength
  ) {
    return refuse('seal-invalid', 'payload is not a SHA-256');
  }
  const contentType = header.get(Label.contentType);
  if (!isContentType(contentType)) return refuse('content-type-invalid');
  const claimsMap = header.get(Label.claims);
  if (!(claimsMap instanceof Map) || sign1.span === undefined) return refuse('claims-invalid', 'not a map');
  const claims = decodeClaims(claimsMap);
  if (!claims.ok) return claims;
  return accept({
    ...object,
    claims: claims.value,
    claimsBytes: sign1.span,
    contentType,
    bodyHash: sign1.payload,
    digest: messageDigest(crypto, ObjectType.seal, sign1.span, sign1.payload),
  });
}

export interface SealRequest {
  readonly claims: Claims;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly signer: Signer;
  readonly crypto: CryptoProvider;
  readonly haste?: Haste;
}

/** Trusts its caller: claims that no verifier would take are sealed all the same. */
export async function makeSeal({
  claims,
  contentType,
  body,
  signer,
  crypto,
  haste,
}: SealRequest): Promise<Seal> {
  const claimsBytes = encodeClaims(claims);
  const bodyHash = crypto.sha256(body);
  const object = await signObject(
    ObjectType.seal,
    [
      [Label.claims, claimsBytes],
      [Label.payloadHashAlgorithm, encodeCbor(sha256Algorithm)],
      [Label.contentType, encodeCbor(contentType)],
    ],
    bodyHash,
    signer,
    haste,
  );
  const digest = messageDigest(crypto, ObjectType.seal, claimsBytes, bodyHash);
  return { ...object, claims, claimsBytes, contentType, bodyHash, digest };
}

/** Everything that needs neither certificate nor signature. `now` in Unix seconds; `body` where it is at hand. */
export function checkSeal({
  seal,
  body,
  now,
  crypto,
}: {
  readonly seal: Seal;
  readonly body?: Uint8Array;
  readonly now: number;
  readonly crypto: CryptoProvider;
}): Result<void> {
  const { expires, issuedAt } = seal.claims;
  // [SEAL-6] The window: at most 30 days, begun, not over. No tolerance at its end.
  if (expires <= issuedAt || expires - issuedAt > lifetimeMaxSeconds) return refuse('lifetime-invalid');
  if (issuedAt > now + clockSkewSeconds) return refuse('issued-in-future');
  if (now >= expires) return refuse('expired');
  if (body === undefined) return accept();
  // [MSG-13]
  if (body.length > bodyBytesMax) return refuse('body-too-large');
  return equalBytes(crypto.sha256(body), seal.bodyHash) ? accept() : refuse('body-mismatch');
}

/** [SEAL-7] [SEAL-8] The class follows from the certificate's role alone; the claims have to fit it. */
export function checkSigner(seal: Seal, certificate: SignerCertificate): Result<SealClass> {
  const named = checkCertificate(seal, certificate);
  if (!named.ok) return named;
  const { issuer, issuedAt, attestation } = seal.claims;
  if (issuedAt < certificate.notBefore || issuedAt > certificate.notAfter)
    return refuse('certificate-not-valid-now');
  switch (certificate.role) {
    case CertificateRole.account:
      if (certificate.kind === undefined) return refuse('certificate-invalid', 'account without a kind');
      if (certificate.address !== issuer) return refuse('issuer-mismatch');
      if (attestation !== undefined) return refuse('claims-invalid', 'attestation in an origin seal');
      return accept<SealClass>('origin');
    case CertificateRole.domainSeal:
      if (certificate.domain !== domainOf(issuer)) return refuse('issuer-mismatch');
      if (attestation === undefined) return refuse('claims-invalid', 'domain seal without attestation');
      return accept<SealClass>('domain');
    case CertificateRole.domainLink:
    case CertificateRole.authority:
      return refuse('certificate-wrong-role');
  }
}

/** [SEAL-12] `certificate` has passed its chain check against the anchor of its domain; this adds the signature. */
export async function verifySeal(
  seal: Seal,
  certificate: SignerCertificate,
  crypto: CryptoProvider,
  haste?: Haste,
): Promise<Result<SealClass>> {
  const sealClass = checkSigner(seal, certificate);
  if (!sealClass.ok) return sealClass;
  const valid = await crypto.verify(certificate.key, seal.signedBytes, seal.signature, haste);
  return valid ? sealClass : refuse('signature-invalid');
}

/** Of a seal that passed `checkSigner`: the kind of account that sent it, as its certificate or its domain says. */
export function senderKind(seal: Seal, certificate: SignerCertificate): AccountKind {
  const kind = certificate.kind ?? seal.claims.attestation?.kind;
  if (kind === undefined) throw new TypeError('the seal was not checked');
  return kind;
}
