// SPDX-License-Identifier: Apache-2.0
// The extension values that make a certificate of this profile; ../extensions.ts reads them.
import { localPartOf, utf8 } from '@sealpost/protocol';
import type { Address, Domain } from '@sealpost/protocol';
import { Tag } from '../der.ts';
import { encodeDer, encodeOid } from '../der-writer.ts';
import { NameTag } from '../names.ts';
import { Oid } from '../oids.ts';
import type { ExtensionValue } from './issue.ts';

const nonAscii = /[^\p{ASCII}]/u;

export function purposesExtension(purposes: readonly string[]): ExtensionValue {
  return {
    oid: Oid.extendedKeyUsage,
    isCritical: false,
    value: encodeDer(Tag.sequence, ...purposes.map(encodeOid)),
  };
}

/** [ID-10] RFC 9598 for local parts that are not ASCII. */
export function addressExtension(address: Address): ExtensionValue {
  const text = utf8(address);
  const name = nonAscii.test(localPartOf(address))
    ? encodeDer(
        NameTag.otherName,
        encodeOid(Oid.smtpUtf8Mailbox),
        encodeDer(0xa0, encodeDer(Tag.utf8String, text)),
      )
    : encodeDer(NameTag.rfc822Name, text);
  return subjectAltName(name);
}

export function domainExtension(domain: Domain): ExtensionValue {
  return subjectAltName(encodeDer(NameTag.dnsName, utf8(domain)));
}

export function subjectAltName(...names: readonly Uint8Array[]): ExtensionValue {
  return { oid: Oid.subjectAltName, isCritical: false, value: encodeDer(Tag.sequence, ...names) };
}

/** [ID-6] Its addresses and its host names, nothing else. */
export function constraintsExtension(domain: Domain): ExtensionValue {
  const subtrees = [NameTag.rfc822Name, NameTag.dnsName].map((tag) =>
    encodeDer(Tag.sequence, encodeDer(tag, utf8(domain))),
  );
  return {
    oid: Oid.nameConstraints,
    isCritical: true,
    value: encodeDer(Tag.sequence, encodeDer(0xa0, ...subtrees)),
  };
}
