// SPDX-License-Identifier: Apache-2.0
// The extensions of the profile (RFC 5280 §4.2), read but not yet judged: certificate.ts knows which role needs what.
import { accept, refuse } from '@sealpost/protocol';
import type { Domain, Result } from '@sealpost/protocol';
import { Tag, decodeDer, derNamedBits, derOid, derSequence } from './der.ts';
import type { DerValue } from './der.ts';
import { parseNameConstraints, parseSubjectAltName } from './names.ts';
import type { LeafName } from './names.ts';
import { Oid } from './oids.ts';

/** RFC 5280 §4.2.1.3; bit n is 1 << n. */
export const KeyUsage = {
  digitalSignature: 1,
  nonRepudiation: 2,
  keyCertSign: 1 << 5,
  crlSign: 1 << 6,
} as const;

export interface BasicConstraints {
  readonly isAuthority: boolean;
  readonly pathLength?: number;
}

/** What is present. */
export interface Extensions {
  readonly critical: ReadonlySet<string>;
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsage?: number;
  readonly purposes?: readonly string[];
  readonly name?: LeafName;
  readonly constrainedTo?: Domain;
  readonly subjectKeyId?: Uint8Array;
  readonly authorityKeyId?: Uint8Array;
}

const extensionsMax = 16;
const purposesMax = 8;
const keyIdBytesMax = 64;
const authorityKeyIdTag = 0x80;

/** Undefined value: the extension is known and malformed. */
type Reader = (value: DerValue) => Partial<Extensions> | undefined;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [Oid.basicConstraints, readBasicConstraints],
  [Oid.keyUsage, readKeyUsage],
  [Oid.extendedKeyUsage, readPurposes],
  [Oid.subjectAltName, readSubjectAltName],
  [Oid.nameConstraints, readNameConstraints],
  [Oid.subjectKeyIdentifier, readSubjectKeyId],
  [Oid.authorityKeyIdentifier, readAuthorityKeyId],
]);

/** [ID-4] Refuses one that is repeated, malformed, or critical and unknown; unknown others are passed over. */
export function parseExtensions(list: DerValue | undefined): Result<Extensions> {
  const values = derSequence(list);
  if (values === undefined || values.length === 0 || values.length > extensionsMax)
    return refuse('certificate-invalid', 'number of extensions');
  const seen = new Set<string>();
  const critical = new Set<string>();
  let found: Extensions = { critical };
  for (const value of values) {
    const extension = readExtension(value);
    if (extension === undefined || seen.has(extension.oid))
      return refuse('certificate-invalid', 'extension malformed or repeated');
    const { oid, isCritical, content } = extension;
    seen.add(oid);
    if (isCritical) critical.add(oid);
    const reader = readers.get(oid);
    if (reader === undefined && !isCritical) continue;
    const inner = decodeDer(content);
    const read = inner && reader?.(inner);
    if (read === undefined) return refuse('certificate-invalid', `extension ${oid}`);
    found = { ...found, ...read };
  }
  return accept(found);
}

function readExtension(
  value: DerValue,
): { oid: string; isCritical: boolean; content: Uint8Array } | undefined {
  const parts = derSequence(value) ?? [];
  const isCritical = parts.length === 3;
  const [type, flag] = parts;
  const content = parts.at(-1);
  const oid = derOid(type);
  if (oid === undefined || parts.length < 2 || parts.length > 3 || content?.tag !== Tag.octetString)
    return undefined;
  // FALSE is the default, which DER leaves out.
  if (isCritical && !isTrue(flag)) return undefined;
  return { oid, isCritical, content: content.content };
}

function isTrue(value: DerValue | undefined): boolean {
  return value?.tag === Tag.boolean && value.content[0] === 0xff;
}

function readBasicConstraints(value: DerValue): Partial<Extensions> | undefined {
  const parts = derSequence(value);
  if (parts === undefined || parts.length > 2) return undefined;
  const [flag, limit] = parts;
  if (flag === undefined) return { basicConstraints: { isAuthority: false } };
  // A path length means nothing without CA:TRUE (RFC 5280 §4.2.1.9).
  if (!isTrue(flag)) return undefined;
  if (limit === undefined) return { basicConstraints: { isAuthority: true } };
  const [pathLength, ...more] = limit.content;
  if (limit.tag !== Tag.integer || pathLength === undefined || pathLength > 127 || more.length > 0)
    return undefined;
  return { basicConstraints: { isAuthority: true, pathLength } };
}

function readKeyUsage(value: DerValue): Partial<Extensions> | undefined {
  const keyUsage = derNamedBits(value);
  return keyUsage === undefined ? undefined : { keyUsage };
}

function readPurposes(value: DerValue): Partial<Extensions> | undefined {
  const values = derSequence(value);
  if (values === undefined || values.length === 0 || values.length > purposesMax) return undefined;
  const purposes = values.map(derOid).filter((oid) => oid !== undefined);
  return new Set(purposes).size === values.length ? { purposes } : undefined;
}

function readSubjectAltName(value: DerValue): Partial<Extensions> | undefined {
  const name = parseSubjectAltName(value);
  return name && { name };
}

function readNameConstraints(value: DerValue): Partial<Extensions> | undefined {
  const constrainedTo = parseNameConstraints(value);
  return constrainedTo === undefined ? undefined : { constrainedTo };
}

function readSubjectKeyId(value: DerValue): Partial<Extensions> | undefined {
  if (value.tag !== Tag.octetString || !isKeyId(value.content)) return undefined;
  return { subjectKeyId: value.content };
}

/** The key identifier alone; issuer and serial number add nothing here. */
function readAuthorityKeyId(value: DerValue): Partial<Extensions> | undefined {
  const [keyId, ...others] = derSequence(value) ?? [];
  if (keyId?.tag !== authorityKeyIdTag || others.length > 0 || !isKeyId(keyId.content)) return undefined;
  return { authorityKeyId: keyId.content };
}

function isKeyId(content: Uint8Array): boolean {
  return content.length > 0 && content.length <= keyIdBytesMax;
}
