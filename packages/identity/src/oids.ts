// SPDX-License-Identifier: Apache-2.0
// Object identifiers in dotted form.

/** [ID-8] 2.25 and the decimal value of the UUID 15edb8fb-aec0-4790-b3b0-ee461c3041b8: docs/decisions/0002-certificate-roles.md. */
export const sealpostArc = '2.25.29148114170674693890228010201899876792';

/** RFC 5280, RFC 5480, RFC 8410, RFC 5758, RFC 9598. */
export const Oid = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  ecPublicKey: '1.2.840.10045.2.1',
  p256: '1.2.840.10045.3.1.7',
  ed25519: '1.3.101.112',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  smtpUtf8Mailbox: '1.3.6.1.5.5.7.8.9',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  domainSeal: `${sealpostArc}.1.1`,
  domainLink: `${sealpostArc}.1.2`,
  person: `${sealpostArc}.2.1`,
  role: `${sealpostArc}.2.2`,
  organisation: `${sealpostArc}.2.3`,
  device: `${sealpostArc}.2.4`,
  channel: `${sealpostArc}.2.5`,
} as const;
