// SPDX-License-Identifier: Apache-2.0
// The certificate profile, spec/identity.md. What passes here is well-formed and has one role; whether it is to be
// believed is the chain check's question.
import { Algorithm, CertificateRole, accept, equalBytes, refuse, toHex } from '@sealpost/protocol';
import type { CryptoProvider, PublicKey, Refused, Result, SignerCertificate } from '@sealpost/protocol';
import { Tag, decodeDer, derBitString, derBytesMax, derOid, derSequence, derTime } from './der.ts';
import type { DerValue } from './der.ts';
import { parseEcdsaSignature } from './ecdsa-signature.ts';
import { KeyUsage, parseExtensions } from './extensions.ts';
import type { Extensions } from './extensions.ts';
import { isName } from './names.ts';
import { Oid } from './oids.ts';
import { parsePublicKey } from './public-key.ts';
import { roleOf } from './roles.ts';

export const certificateBytesMax = derBytesMax;
/** [ID-12] Longest life of a leaf: 398 days. */
export const leafLifetimeMaxSeconds = 398 * 86_400;

export interface Certificate extends SignerCertificate {
  readonly der: Uint8Array;
  /** Hex of the INTEGER's octets. */
  readonly serial: string;
  /** Encoded names, compared byte for byte. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** SHA-256 of the SubjectPublicKeyInfo, as anchors pin it. */
  readonly keyHash: Uint8Array;
  readonly subjectKeyId?: Uint8Array;
  readonly authorityKeyId?: Uint8Array;
  /** TBSCertificate, what the issuer signed. */
  readonly signedBytes: Uint8Array;
  /** r ‖ s of the issuer's P-256 key. */
  readonly signature: Uint8Array;
}

type Identity = Pick<SignerCertificate, 'role' | 'domain' | 'address' | 'kind'>;

const versionThree = Uint8Array.of(0xa0, 3, Tag.integer, 1, 2);
const serialBytesMax = 20;

function invalid(cause: string): Refused {
  return refuse('certificate-invalid', cause);
}

/** Accepts certificates of the narrow profile only. The result keeps a copy of the bytes. */
export function parseCertificate(der: Uint8Array, crypto: CryptoProvider): Result<Certificate> {
  // [ID-1] Size first, then one strict decoding of the whole.
  if (der.length > certificateBytesMax) return invalid('larger than 2048 bytes');
  const bytes = new Uint8Array(der);
  const parts = derSequence(decodeDer(bytes));
  if (parts === undefined) return invalid('DER');
  const [signed, algorithm, signatureValue, ...others] = parts;
  if (others.length > 0) return invalid('after the signature');
  const [version, serial, innerAlgorithm, issuer, validity, subject, keyInfo, extensionList, ...more] =
    derSequence(signed) ?? [];
  if (signed === undefined || version === undefined || !equalBytes(version.encoded, versionThree))
    return invalid('version');
  // RFC 5280 §4.1.2.8: unique identifiers would stand before the extensions or in their place.
  if (extensionList?.tag !== 0xa3 || extensionList.children.length !== 1 || more.length > 0)
    return invalid('extensions missing, or something beside them');
  if (!isSerial(serial)) return invalid('serial number');
  if (!isEcdsaWithSha256(algorithm) || !isEcdsaWithSha256(innerAlgorithm))
    return invalid('signature algorithm');
  if (!isName(issuer) || !isName(subject) || issuer.children.length === 0)
    return invalid('issuer or subject');
  const [notBefore, notAfter] = parseValidity(validity);
  if (notBefore === undefined || notAfter === undefined || notBefore > notAfter) return invalid('validity');
  const key = keyInfo && parsePublicKey(keyInfo.encoded);
  if (keyInfo === undefined || key === undefined) return invalid('public key');
  const signatureBytes = derBitString(signatureValue);
  const signature = signatureBytes && parseEcdsaSignature(signatureBytes);
  if (signature === undefined) return invalid('signature');
  const extensions = parseExtensions(extensionList.children[0]);
  if (!extensions.ok) return extensions;
  const identity = identify(extensions.value, key);
  if (!identity.ok) return identity;
  if (identity.value.role !== CertificateRole.authority && notAfter - notBefore > leafLifetimeMaxSeconds)
    return invalid('lifetime');
  const { subjectKeyId, authorityKeyId } = extensions.value;
  return accept({
    ...identity.value,
    hash: crypto.sha256(bytes),
    der: bytes,
    serial: toHex(serial.content),
    issuer: issuer.encoded,
    subject: subject.encoded,
    key,
    keyHash: crypto.sha256(keyInfo.encoded),
    notBefore,
    notAfter,
    ...(subjectKeyId !== undefined && { subjectKeyId }),
    ...(authorityKeyId !== undefined && { authorityKeyId }),
    signedBytes: signed.encoded,
    signature,
  });
}

/** [ID-3] Positive, at most 20 octets (RFC 5280 §4.1.2.2). */
function isSerial(value: DerValue | undefined): value is DerValue {
  if (value?.tag !== Tag.integer || value.content.length > serialBytesMax) return false;
  return (value.content[0] ?? 0x80) < 0x80 && value.content.some((octet) => octet !== 0);
}

/** [ID-2] RFC 5758 §3.2: no parameters. */
function isEcdsaWithSha256(value: DerValue | undefined): boolean {
  const [oid, ...parameters] = derSequence(value) ?? [];
  return derOid(oid) === Oid.ecdsaWithSha256 && parameters.length === 0;
}

function parseValidity(value: DerValue | undefined): readonly (number | undefined)[] {
  const times = derSequence(value) ?? [];
  return times.length === 2 ? times.map(derTime) : [];
}

function identify(extensions: Extensions, key: PublicKey): Result<Identity> {
  return extensions.basicConstraints?.isAuthority === true
    ? identifyAuthority(extensions, key)
    : identifyLeaf(extensions);
}

/** [ID-5] [ID-6] */
function identifyAuthority(extensions: Extensions, key: PublicKey): Result<Identity> {
  const { critical, basicConstraints, keyUsage, constrainedTo, purposes, name, subjectKeyId } = extensions;
  if (key.algorithm !== Algorithm.Esp256) return invalid('authority: not a P-256 key');
  if (!critical.has(Oid.basicConstraints) || basicConstraints?.pathLength !== 0)
    return invalid('authority: basic constraints');
  if (!critical.has(Oid.keyUsage) || keyUsage !== (KeyUsage.keyCertSign | KeyUsage.crlSign))
    return invalid('authority: key usage');
  if (!critical.has(Oid.nameConstraints) || constrainedTo === undefined)
    return invalid('authority: name constraints');
  if (purposes !== undefined || name !== undefined) return invalid('authority: purposes or names of a leaf');
  if (subjectKeyId === undefined) return invalid('authority: subject key identifier');
  return accept<Identity>({ role: CertificateRole.authority, domain: constrainedTo });
}

/** [ID-7] [ID-8] [ID-9] [ID-10] */
function identifyLeaf(extensions: Extensions): Result<Identity> {
  const { critical, keyUsage = 0, constrainedTo, purposes = [], name, authorityKeyId } = extensions;
  const allowedUsage = KeyUsage.digitalSignature | KeyUsage.nonRepudiation;
  if (
    !critical.has(Oid.keyUsage) ||
    (keyUsage & KeyUsage.digitalSignature) === 0 ||
    (keyUsage & ~allowedUsage) !== 0
  )
    return invalid('key usage');
  if (constrainedTo !== undefined) return invalid('name constraints in a leaf');
  if (authorityKeyId === undefined) return invalid('authority key identifier');
  const role = roleOf(purposes);
  if (role === undefined) return invalid('extended key usage');
  if (name === undefined) return invalid('subject alternative name');
  const isAccount = role.role === CertificateRole.account;
  if (isAccount !== (name.address !== undefined)) return invalid('a name that does not fit the role');
  return accept<Identity>({ ...role, ...name });
}
