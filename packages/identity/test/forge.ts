// SPDX-License-Identifier: Apache-2.0
// Builds certificates field by field, so that a test can get any one of them wrong.
import { createPrivateKey, sign } from 'node:crypto';
import { Algorithm, parseAddress, parseDomain, toHex, utf8 } from '@sealpost/protocol';
import type { Address, Domain } from '@sealpost/protocol';
import { encodePublicKey } from '../src/public-key.ts';
import { Tag, decodeDer, derBytesMax } from '../src/der.ts';
import { encodeDer, encodeOid } from '../src/der-writer.ts';
import { NameTag } from '../src/names.ts';
import { generateKeys } from '../src/node/index.ts';
import type { KeyPair } from '../src/node/index.ts';
import { Oid } from '../src/oids.ts';

/** Encoded values of the fields of a certificate, in their order. */
export interface Draft {
  readonly version: Uint8Array;
  readonly serial: Uint8Array;
  readonly innerAlgorithm: Uint8Array;
  readonly issuer: Uint8Array;
  readonly validity: Uint8Array;
  readonly subject: Uint8Array;
  readonly keyInfo: Uint8Array;
  readonly extensions: readonly Uint8Array[];
  readonly outerAlgorithm: Uint8Array;
}

export const now = 1_800_000_000;
export const day = 86_400;

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new TypeError(text);
  return parsed.value;
}

export function domain(text: string): Domain {
  const parsed = parseDomain(text);
  if (!parsed.ok) throw new TypeError(text);
  return parsed.value;
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => encodeDer(Tag.sequence, ...parts);
export const integer = (...octets: readonly number[]): Uint8Array =>
  encodeDer(Tag.integer, Uint8Array.from(octets));
export const algorithm = (...parts: readonly Uint8Array[]): Uint8Array => sequence(...parts);
export const ecdsaWithSha256 = algorithm(encodeOid(Oid.ecdsaWithSha256));

export function name(...texts: readonly string[]): Uint8Array {
  return sequence(
    ...texts.map((text) =>
      encodeDer(Tag.set, sequence(encodeOid(Oid.commonName), encodeDer(Tag.utf8String, utf8(text)))),
    ),
  );
}

export function time(seconds: number): Uint8Array {
  const digits = new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14);
  return Number(digits.slice(0, 4)) < 2050
    ? encodeDer(Tag.utcTime, utf8(`${digits.slice(2)}Z`))
    : encodeDer(Tag.generalizedTime, utf8(`${digits}Z`));
}

export function validity(notBefore: number, notAfter: number): Uint8Array {
  return sequence(time(notBefore), time(notAfter));
}

export function extension(oid: string, value: Uint8Array, isCritical = false): Uint8Array {
  const flag = isCritical ? [encodeDer(Tag.boolean, Uint8Array.of(0xff))] : [];
  return sequence(encodeOid(oid), ...flag, encodeDer(Tag.octetString, value));
}

export const bits = (unused: number, ...octets: readonly number[]): Uint8Array =>
  encodeDer(Tag.bitString, Uint8Array.from([unused, ...octets]));
export const keyUsage = (...octets: readonly number[]): Uint8Array =>
  extension(Oid.keyUsage, bits(octets[0] ?? 0, ...octets.slice(1)), true);
export const leafUsage = keyUsage(6, 0xc0);
export const authorityUsage = keyUsage(1, 0x06);
export const isAuthority = encodeDer(Tag.boolean, Uint8Array.of(0xff));
export const constraints = (...parts: readonly Uint8Array[]): Uint8Array =>
  extension(Oid.basicConstraints, sequence(...parts), true);
export const purposes = (...oids: readonly string[]): Uint8Array =>
  extension(Oid.extendedKeyUsage, sequence(...oids.map(encodeOid)));
export const mail = (text: string): Uint8Array => encodeDer(NameTag.rfc822Name, utf8(text));
export const host = (text: string): Uint8Array => encodeDer(NameTag.dnsName, utf8(text));
export const utf8Mailbox = (text: string): Uint8Array =>
  encodeDer(
    NameTag.otherName,
    encodeOid(Oid.smtpUtf8Mailbox),
    encodeDer(0xa0, encodeDer(Tag.utf8String, utf8(text))),
  );
export const altName = (...names: readonly Uint8Array[]): Uint8Array =>
  extension(Oid.subjectAltName, sequence(...names));
export const permitted = (...names: readonly Uint8Array[]): Uint8Array =>
  extension(Oid.nameConstraints, sequence(encodeDer(0xa0, ...names.map((part) => sequence(part)))), true);
export const keyId = (...octets: readonly number[]): Uint8Array =>
  extension(Oid.subjectKeyIdentifier, encodeDer(Tag.octetString, Uint8Array.from(octets)));
export const issuerKeyId = (...octets: readonly number[]): Uint8Array =>
  extension(Oid.authorityKeyIdentifier, sequence(encodeDer(0x80, Uint8Array.from(octets))));

export const authorityKeys = await generateKeys(Algorithm.Esp256);
export const otherKeys = await generateKeys(Algorithm.Esp256);
export const leafKeys = await generateKeys(Algorithm.Ed25519);

const common = {
  version: encodeDer(0xa0, integer(2)),
  serial: integer(0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9),
  innerAlgorithm: ecdsaWithSha256,
  outerAlgorithm: ecdsaWithSha256,
};

export const authorityDraft: Draft = {
  ...common,
  issuer: name('example.org'),
  validity: validity(now - day, now + 1000 * day),
  subject: name('example.org'),
  keyInfo: encodePublicKey(authorityKeys.publicKey),
  extensions: [
    constraints(isAuthority, integer(0)),
    authorityUsage,
    keyId(1, 2, 3),
    permitted(mail('example.org'), host('example.org')),
  ],
};

export const accountPurposes = purposes(Oid.clientAuth, Oid.emailProtection, Oid.device);

export const leafDraft: Draft = {
  ...common,
  issuer: name('example.org'),
  validity: validity(now - day, now + 90 * day),
  subject: name('alarm7@example.org'),
  keyInfo: encodePublicKey(leafKeys.publicKey),
  extensions: [leafUsage, issuerKeyId(1, 2, 3), accountPurposes, altName(mail('alarm7@example.org'))],
};

function oidOf(value: Uint8Array): string {
  const [oid] = decodeDer(value)?.children ?? [];
  return oid === undefined ? '' : toHex(oid.content);
}

/** The same with these extensions instead of those with the same identifier, or besides. */
export function withExtensions(draft: Draft, ...changed: readonly Uint8Array[]): Draft {
  const replaced = new Set(changed.map(oidOf));
  return {
    ...draft,
    extensions: [...draft.extensions.filter((value) => !replaced.has(oidOf(value))), ...changed],
  };
}

export function without(draft: Draft, unwanted: Uint8Array): Draft {
  return { ...draft, extensions: draft.extensions.filter((value) => value !== unwanted) };
}

/** Signed with this key, whoever the draft says the issuer is. */
export function forge(draft: Draft, { privateKey }: Pick<KeyPair, 'privateKey'> = authorityKeys): Uint8Array {
  const { version, serial, innerAlgorithm, issuer, validity, subject, keyInfo, outerAlgorithm } = draft;
  const list = encodeDer(0xa3, sequence(...draft.extensions));
  const signed = sequence(version, serial, innerAlgorithm, issuer, validity, subject, keyInfo, list);
  const signature = sign('sha256', signed, createPrivateKey(privateKey));
  const whole = sequence(
    signed,
    outerAlgorithm,
    encodeDer(Tag.bitString, Uint8Array.of(0), new Uint8Array(signature)),
  );
  if (whole.length > derBytesMax) throw new RangeError('too large to be a certificate');
  return whole;
}
