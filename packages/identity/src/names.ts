// SPDX-License-Identifier: Apache-2.0
// The names that a certificate is about. Subject and issuer are never read, only compared [ID-11].
import { domainOf, isCanonicalAddress, localPartOf, parseDomain, utf8Text } from '@sealpost/protocol';
import type { Address, Domain } from '@sealpost/protocol';
import { Tag, derOid, derSequence } from './der.ts';
import type { DerValue } from './der.ts';
import { Oid } from './oids.ts';

/** GeneralName choices, RFC 5280 §4.2.1.6. */
export const NameTag = { otherName: 0xa0, rfc822Name: 0x81, dnsName: 0x82 } as const;

export interface LeafName {
  readonly domain: Domain;
  /** Absent when the certificate is the domain's own. */
  readonly address?: Address;
}

const nameAttributesMax = 8;
const nonAscii = /[^\p{ASCII}]/u;

/** [ID-10] Exactly one name, in canonical form. */
export function parseSubjectAltName(value: DerValue): LeafName | undefined {
  const names = derSequence(value);
  const [name] = names ?? [];
  if (name === undefined || names?.length !== 1) return undefined;
  if (name.tag === NameTag.dnsName) {
    const domain = canonicalDomain(name.content);
    return domain && { domain };
  }
  const address = addressOf(name);
  return address && { address, domain: domainOf(address) };
}

/** RFC 9598 §3: SmtpUTF8Mailbox for local parts with non-ASCII characters, and never for others. */
function addressOf(name: DerValue): Address | undefined {
  const isUtf8 = name.tag === NameTag.otherName;
  const content = isUtf8 ? utf8Mailbox(name) : name.tag === NameTag.rfc822Name ? name.content : undefined;
  const text = content && utf8Text(content);
  if (text === undefined || !isCanonicalAddress(text)) return undefined;
  return nonAscii.test(localPartOf(text)) === isUtf8 ? text : undefined;
}

function utf8Mailbox(name: DerValue): Uint8Array | undefined {
  const [type, wrapped, ...more] = name.children;
  if (derOid(type) !== Oid.smtpUtf8Mailbox || wrapped?.tag !== 0xa0 || more.length > 0) return undefined;
  const [text, ...others] = wrapped.children;
  return text?.tag === Tag.utf8String && others.length === 0 ? text.content : undefined;
}

function canonicalDomain(content: Uint8Array): Domain | undefined {
  const text = utf8Text(content);
  const parsed = text === undefined ? undefined : parseDomain(text);
  return parsed?.ok === true && parsed.value === text ? parsed.value : undefined;
}

/** [ID-6] The one domain that an authority is constrained to: permitted are its addresses and its host names. */
export function parseNameConstraints(value: DerValue): Domain | undefined {
  const [permitted, ...others] = derSequence(value) ?? [];
  if (permitted?.tag !== 0xa0 || others.length > 0 || permitted.children.length !== 2) return undefined;
  const bases = permitted.children.map((subtree) => {
    const [base, ...limits] = derSequence(subtree) ?? [];
    return limits.length === 0 ? base : undefined;
  });
  const mail = bases.find((base) => base?.tag === NameTag.rfc822Name);
  const host = bases.find((base) => base?.tag === NameTag.dnsName);
  const domain = mail && canonicalDomain(mail.content);
  return domain !== undefined && host !== undefined && canonicalDomain(host.content) === domain
    ? domain
    : undefined;
}

/** A distinguished name of the narrow profile: a few attributes of plain text, one per set. */
export function isName(value: DerValue | undefined): value is DerValue {
  const sets = derSequence(value);
  return sets !== undefined && sets.length <= nameAttributesMax && sets.every(isSingleAttribute);
}

function isSingleAttribute(set: DerValue): boolean {
  const [attribute, ...others] = set.tag === Tag.set ? set.children : [];
  const [type, text, ...more] = derSequence(attribute) ?? [];
  if (others.length > 0 || more.length > 0 || type?.tag !== Tag.oid) return false;
  return text?.tag === Tag.utf8String || text?.tag === Tag.printableString || text?.tag === Tag.ia5String;
}
