// SPDX-License-Identifier: Apache-2.0
// The only user of the X.509 library. Loading it takes longer than everything else a client does at start, so it is
// imported when something is first issued.
import { createPrivateKey } from 'node:crypto';
// The library needs this side effect before itself.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  AuthorityKeyIdentifierExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { toHex } from '@sealpost/protocol';
import { nodeCrypto } from './crypto-provider.ts';

export interface ExtensionValue {
  readonly oid: string;
  readonly isCritical: boolean;
  /** DER. */
  readonly value: Uint8Array;
}

export interface Issuing {
  /** Display only; cut to the 64 characters that X.520 allows. */
  readonly commonName: string;
  /** SubjectPublicKeyInfo. */
  readonly keyInfo: Uint8Array;
  /** Absent for a self-signed authority. */
  readonly issuer?: Uint8Array;
  /** PKCS#8 PEM of the issuer's P-256 key. */
  readonly issuerKey: string;
  readonly isAuthority: boolean;
  /** Unix seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Beside basic constraints, key usage and key identifiers. */
  readonly extensions: readonly ExtensionValue[];
}

const serialBytesLength = 16;
const commonNameCharactersMax = 64;

/** Signed with ecdsa-with-SHA256; returns DER. */
export async function issueCertificate(issuing: Issuing): Promise<Uint8Array> {
  const { commonName, keyInfo, issuer, issuerKey, isAuthority, notBefore, notAfter } = issuing;
  const subject = new Name([{ CN: [{ utf8String: shortened(commonName) }] }]);
  const issuerCertificate = issuer && new X509Certificate(new Uint8Array(issuer));
  const certificate = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer: issuerCertificate?.subjectName ?? subject,
    notBefore: new Date(notBefore * 1000),
    notAfter: new Date(notAfter * 1000),
    publicKey: new Uint8Array(keyInfo),
    signingKey: createPrivateKey(issuerKey).toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
    ]),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      ...(isAuthority ? [new BasicConstraintsExtension(true, 0, true)] : []),
      keyUsage(isAuthority),
      await SubjectKeyIdentifierExtension.create(new Uint8Array(keyInfo)),
      ...(issuerCertificate === undefined ? [] : [authorityKeyId(issuerCertificate)]),
      ...issuing.extensions.map(
        ({ oid, isCritical, value }) => new Extension(oid, isCritical, new Uint8Array(value)),
      ),
    ],
  });
  return new Uint8Array(certificate.rawData);
}

/** The ellipsis also keeps OpenSSL from taking what is left for a host name, which it would hold against the constraints. */
function shortened(commonName: string): string {
  const characters = Array.from(commonName);
  if (characters.length <= commonNameCharactersMax) return commonName;
  return `${characters.slice(0, commonNameCharactersMax - 1).join('')}…`;
}

function keyUsage(isAuthority: boolean): KeyUsagesExtension {
  return isAuthority
    ? new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true)
    : new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation, true);
}

/** [ID-3] 126 random bits; the leading ones keep it positive and its length fixed. */
function newSerial(): string {
  const serial = nodeCrypto.randomBytes(serialBytesLength);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return toHex(serial);
}

function authorityKeyId(issuer: X509Certificate): AuthorityKeyIdentifierExtension {
  const subjectKeyId = issuer.getExtension(SubjectKeyIdentifierExtension);
  if (subjectKeyId === null) throw new TypeError('the issuer has no subject key identifier');
  return new AuthorityKeyIdentifierExtension(subjectKeyId.keyId);
}
