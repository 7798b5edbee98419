// SPDX-License-Identifier: Apache-2.0
// The certificate profile, one wrong field at a time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKeyPairSync } from 'node:crypto';
import { AccountKind, Algorithm, concatBytes, equalBytes, utf8 } from '@sealpost/protocol';
import { certificateBytesMax, parseCertificate } from '../src/index.ts';
import { Tag } from '../src/der.ts';
import { encodeDer, encodeOid } from '../src/der-writer.ts';
import { nodeCrypto } from '../src/node/index.ts';
import { Oid, sealpostArc } from '../src/oids.ts';
import { encodePublicKey } from '../src/public-key.ts';
import {
  accountPurposes,
  algorithm,
  altName,
  authorityDraft,
  authorityKeys,
  authorityUsage,
  bits,
  constraints,
  day,
  ecdsaWithSha256,
  extension,
  forge,
  host,
  integer,
  isAuthority,
  issuerKeyId,
  keyId,
  keyUsage,
  leafDraft,
  leafKeys,
  mail,
  name,
  now,
  permitted,
  purposes,
  sequence,
  time,
  utf8Mailbox,
  validity,
  withExtensions,
  without,
} from './forge.ts';
import type { Draft } from './forge.ts';

const parse = (draft: Draft) => parseCertificate(forge(draft), nodeCrypto);
const text = (tag: number, content: string): Uint8Array => encodeDer(tag, utf8(content));
const attribute = (value: Uint8Array): Uint8Array => sequence(encodeOid(Oid.commonName), value);

test('a leaf is read as it was written', () => {
  const der = forge(leafDraft);
  const parsed = parseCertificate(der, nodeCrypto);
  assert.ok(parsed.ok);
  const { value } = parsed;
  assert.equal(value.role, 'account');
  assert.equal(value.kind, 'device');
  assert.equal(value.address, 'alarm7@example.org');
  assert.equal(value.domain, 'example.org');
  assert.equal(value.key.algorithm, Algorithm.Ed25519);
  assert.ok(equalBytes(value.key.bytes, leafKeys.publicKey.bytes));
  assert.equal(value.notBefore, now - day);
  assert.equal(value.notAfter, now + 90 * day);
  assert.equal(value.serial, '42010203040506070809');
  assert.ok(equalBytes(value.hash, nodeCrypto.sha256(der)));
  assert.equal(value.signature.length, 64);
});

test('an authority is read as it was written', () => {
  const parsed = parse(authorityDraft);
  assert.ok(parsed.ok);
  const { role, domain, address, kind, keyHash } = parsed.value;
  assert.deepEqual([role, domain, address, kind], ['authority', 'example.org', undefined, undefined]);
  assert.ok(equalBytes(keyHash, nodeCrypto.sha256(encodePublicKey(authorityKeys.publicKey))));
});

test('the bytes of a certificate are its own', () => {
  const der = forge(leafDraft);
  const parsed = parseCertificate(der, nodeCrypto);
  assert.ok(parsed.ok);
  const before = parsed.value.signedBytes.slice();
  der.fill(0);
  assert.deepEqual(parsed.value.signedBytes, before);
});

const leaf = (...changed: readonly Uint8Array[]): Draft => withExtensions(leafDraft, ...changed);
const authority = (...changed: readonly Uint8Array[]): Draft => withExtensions(authorityDraft, ...changed);

test('[ID-8] [ID-9] the role and the kind follow from the key purposes', () => {
  for (const kind of Object.values(AccountKind)) {
    const parsed = parse(leaf(purposes(Oid[kind], Oid.clientAuth, Oid.emailProtection)));
    assert.ok(parsed.ok, kind);
    assert.deepEqual([parsed.value.role, parsed.value.kind], ['account', kind]);
  }
  const seal = parse(leaf(purposes(Oid.domainSeal), altName(host('example.org'))));
  assert.ok(seal.ok);
  assert.deepEqual([seal.value.role, seal.value.domain], ['domain-seal', 'example.org']);
  const link = parse(
    leaf(purposes(Oid.serverAuth, Oid.domainLink, Oid.clientAuth), altName(host('example.org'))),
  );
  assert.ok(link.ok);
  assert.equal(link.value.role, 'domain-link');
});

test('[ID-10] names other than ASCII', () => {
  const parsed = parse(leaf(altName(utf8Mailbox('jürgen@example.org'))));
  assert.ok(parsed.ok);
  assert.equal(parsed.value.address, 'jürgen@example.org');
});

const good: readonly (readonly [string, Draft])[] = [
  ['CA:FALSE, stated by leaving it out', leaf(constraints())],
  ['digital signature alone', leaf(keyUsage(7, 0x80))],
  ['with a subject key identifier', leaf(keyId(9, 9))],
  ['an unknown extension that is not critical', leaf(extension('1.2.3.4', Uint8Array.of(1, 2)))],
  ['empty subject', { ...leafDraft, subject: sequence() }],
  [
    'subject in PrintableString',
    { ...leafDraft, subject: sequence(encodeDer(Tag.set, attribute(text(Tag.printableString, 'alarm')))) },
  ],
  ['a subject that says something else', { ...leafDraft, subject: name('president@bank.example') }],
  ['398 days', { ...leafDraft, validity: validity(now, now + 398 * day) }],
  ['an authority that is valid past 2050', { ...authorityDraft, validity: validity(now, 2_600_000_000) }],
  ['P-256 leaf', { ...leafDraft, keyInfo: encodePublicKey(authorityKeys.publicKey) }],
  ['an authority that names its own key', authority(issuerKeyId(1, 2, 3))],
  ['constraints in the other order', authority(permitted(host('example.org'), mail('example.org')))],
];

test('[ID-1] [ID-4] [ID-11] what the profile allows', () => {
  for (const [name, draft] of good) {
    const parsed = parse(draft);
    assert.equal(parsed.ok ? undefined : parsed.refusal.cause, undefined, name);
  }
});

function rawKey(type: 'ed448' | 'x25519' | 'secp384r1' | 'rsa'): Uint8Array {
  const pair =
    type === 'secp384r1'
      ? generateKeyPairSync('ec', { namedCurve: type })
      : type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : type === 'ed448'
          ? generateKeyPairSync(type)
          : generateKeyPairSync(type);
  return new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }));
}

const p256Info = encodePublicKey(authorityKeys.publicKey);
const compressed = sequence(
  sequence(encodeOid(Oid.ecPublicKey), encodeOid(Oid.p256)),
  bits(0, 2, ...authorityKeys.publicKey.bytes.subarray(1, 33)),
);
const hybrid = new Uint8Array(p256Info);
hybrid[hybrid.length - 65] = 6;

const accountName = altName(mail('alarm7@example.org'));
/** For each group of cases what the refusal has to be about, so that none is refused by accident. */
const causes: Readonly<Record<string, RegExp>> = {
  '[ID-1] version': /^version$/,
  '[ID-2] keys and algorithms': /^public key$|P-256 key|^signature algorithm$/,
  '[ID-3] serial number': /^serial number$/,
  '[ID-4] extensions': /^number of extensions$|repeated$|^extension (1\.2\.3\.4|2\.5\.29\.(36|14))$/,
  '[ID-5] authority': /^authority: |^extension 2\.5\.29\.(19|14)$|^issuer or subject$/,
  '[ID-6] name constraints': /name constraints|^extension 2\.5\.29\.30$/,
  '[ID-7] leaf': /key usage|key identifier|P-256 key|^extension 2\.5\.29\.(19|35)$/,
  '[ID-8] role': /^extended key usage$|^extension 2\.5\.29\.37$/,
  '[ID-10] name': /name|^extension 2\.5\.29\.17$/,
  '[ID-11] subject and issuer': /^issuer or subject$|^DER$/,
  '[ID-12] validity': /^validity$|^lifetime$|^DER$/,
};

const wrong: Readonly<Record<string, readonly (readonly [string, Draft])[]>> = {
  '[ID-1] version': [
    ['version 1, stated', { ...leafDraft, version: encodeDer(0xa0, integer(0)) }],
    ['version 2', { ...leafDraft, version: encodeDer(0xa0, integer(1)) }],
    ['version 4', { ...leafDraft, version: encodeDer(0xa0, integer(3)) }],
    ['version left out', { ...leafDraft, version: new Uint8Array(0) }],
    ['two versions', { ...leafDraft, version: encodeDer(0xa0, integer(2), integer(2)) }],
  ],
  '[ID-2] keys and algorithms': [
    ['Ed448 key', { ...leafDraft, keyInfo: rawKey('ed448') }],
    ['X25519 key', { ...leafDraft, keyInfo: rawKey('x25519') }],
    ['P-384 key', { ...leafDraft, keyInfo: rawKey('secp384r1') }],
    ['RSA key', { ...leafDraft, keyInfo: rawKey('rsa') }],
    ['compressed point', { ...leafDraft, keyInfo: compressed }],
    ['hybrid point', { ...leafDraft, keyInfo: hybrid }],
    ['Ed25519 authority', { ...authorityDraft, keyInfo: encodePublicKey(leafKeys.publicKey) }],
    ['ecdsa-with-SHA384', { ...leafDraft, innerAlgorithm: algorithm(encodeOid('1.2.840.10045.4.3.3')) }],
    ['another algorithm outside', { ...leafDraft, outerAlgorithm: algorithm(encodeOid(Oid.ed25519)) }],
    [
      'parameters',
      {
        ...leafDraft,
        innerAlgorithm: algorithm(encodeOid(Oid.ecdsaWithSha256), encodeDer(Tag.null)),
        outerAlgorithm: algorithm(encodeOid(Oid.ecdsaWithSha256), encodeDer(Tag.null)),
      },
    ],
    ['an algorithm that is no sequence', { ...leafDraft, innerAlgorithm: encodeOid(Oid.ecdsaWithSha256) }],
  ],
  '[ID-3] serial number': [
    ['zero', { ...leafDraft, serial: integer(0) }],
    ['negative', { ...leafDraft, serial: integer(0x80, 1) }],
    ['21 octets', { ...leafDraft, serial: integer(...Array.from({ length: 21 }, () => 1)) }],
    ['text', { ...leafDraft, serial: text(Tag.utf8String, '1') }],
  ],
  '[ID-4] extensions': [
    ['none', { ...leafDraft, extensions: [] }],
    ['twice the same', { ...leafDraft, extensions: [...leafDraft.extensions, accountName] }],
    [
      'twice an unknown one',
      {
        ...leafDraft,
        extensions: [
          ...leafDraft.extensions,
          extension('1.2.3.4', Uint8Array.of(5, 0)),
          extension('1.2.3.4', Uint8Array.of(5, 0)),
        ],
      },
    ],
    ['unknown and critical', leaf(extension('1.2.3.4', Uint8Array.of(5, 0), true))],
    ['policy constraints, critical', leaf(extension('2.5.29.36', sequence(), true))],
    [
      'criticality FALSE, stated',
      leaf(
        sequence(
          encodeOid(Oid.subjectKeyIdentifier),
          encodeDer(Tag.boolean, Uint8Array.of(0)),
          encodeDer(Tag.octetString, encodeDer(Tag.octetString, Uint8Array.of(1))),
        ),
      ),
    ],
    ['something behind the value', leaf(extension(Oid.subjectKeyIdentifier, Uint8Array.of(4, 1, 1, 0)))],
    ['an empty value', leaf(extension(Oid.subjectKeyIdentifier, new Uint8Array(0)))],
    [
      'a value that is no octet string',
      leaf(sequence(encodeOid(Oid.subjectKeyIdentifier), bits(0, 4, 1, 1))),
    ],
    [
      'seventeen',
      leaf(...Array.from({ length: 13 }, (_, index) => extension(`1.2.3.${index}`, Uint8Array.of(5, 0)))),
    ],
  ],
  '[ID-5] authority': [
    [
      'basic constraints not critical',
      authority(extension(Oid.basicConstraints, sequence(isAuthority, integer(0)))),
    ],
    ['no path length', authority(constraints(isAuthority))],
    ['path length 1', authority(constraints(isAuthority, integer(1)))],
    ['path length −1', authority(constraints(isAuthority, integer(0xff)))],
    ['path length 256', authority(constraints(isAuthority, integer(1, 0)))],
    ['three basic constraints', authority(constraints(isAuthority, integer(0), integer(0)))],
    ['no key usage', without(authorityDraft, authorityUsage)],
    ['keyCertSign alone', authority(keyUsage(2, 0x04))],
    ['with digitalSignature', authority(keyUsage(1, 0x86))],
    ['key usage not critical', authority(extension(Oid.keyUsage, bits(1, 0x06)))],
    ['with key purposes', authority(accountPurposes)],
    ['with a name', authority(altName(host('example.org')))],
    ['empty key identifier', authority(keyId())],
    ['no issuer name', { ...authorityDraft, issuer: sequence() }],
  ],
  '[ID-6] name constraints': [
    ['none', { ...authorityDraft, extensions: authorityDraft.extensions.slice(0, 3) }],
    [
      'not critical',
      authority(
        extension(
          Oid.nameConstraints,
          sequence(encodeDer(0xa0, sequence(mail('example.org')), sequence(host('example.org')))),
        ),
      ),
    ],
    ['mail only', authority(permitted(mail('example.org')))],
    ['twice mail', authority(permitted(mail('example.org'), mail('example.org')))],
    ['two domains', authority(permitted(mail('example.org'), host('evil.example')))],
    ['a third tree', authority(permitted(mail('example.org'), host('example.org'), mail('evil.example')))],
    ['every subdomain', authority(permitted(mail('.example.org'), host('.example.org')))],
    ['one mailbox', authority(permitted(mail('a@example.org'), host('example.org')))],
    ['everything', authority(permitted(mail(''), host('')))],
    ['upper case', authority(permitted(mail('Example.org'), host('Example.org')))],
    [
      'exclusions',
      authority(
        extension(
          Oid.nameConstraints,
          sequence(
            encodeDer(0xa0, sequence(mail('example.org')), sequence(host('example.org'))),
            encodeDer(0xa1, sequence(host('a.example.org'))),
          ),
          true,
        ),
      ),
    ],
    [
      'with a minimum',
      authority(
        extension(
          Oid.nameConstraints,
          sequence(
            encodeDer(
              0xa0,
              sequence(mail('example.org'), encodeDer(0x80, Uint8Array.of(1))),
              sequence(host('example.org')),
            ),
          ),
          true,
        ),
      ),
    ],
    ['in a leaf', leaf(permitted(mail('example.org'), host('example.org')))],
  ],
  '[ID-7] leaf': [
    ['path length without CA', leaf(constraints(integer(0)))],
    ['CA:FALSE, stated', leaf(constraints(encodeDer(Tag.boolean, Uint8Array.of(0))))],
    ['CA:TRUE', leaf(constraints(isAuthority))],
    ['no key usage', { ...leafDraft, extensions: leafDraft.extensions.slice(1) }],
    ['key usage not critical', leaf(extension(Oid.keyUsage, bits(6, 0xc0)))],
    ['nonRepudiation alone', leaf(keyUsage(6, 0x40))],
    ['with keyCertSign', leaf(keyUsage(2, 0x84))],
    ['with keyEncipherment', leaf(keyUsage(5, 0xa0))],
    ['with decipherOnly', leaf(keyUsage(7, 0x80, 0x80))],
    ['no key usage bits', leaf(keyUsage(0))],
    [
      'no authority key identifier',
      { ...leafDraft, extensions: [leafDraft.extensions[0]!, accountPurposes, accountName] },
    ],
    ['empty authority key identifier', leaf(issuerKeyId())],
    [
      'authority key identifier by serial number',
      leaf(extension(Oid.authorityKeyIdentifier, sequence(encodeDer(0x82, Uint8Array.of(1))))),
    ],
  ],
  '[ID-8] role': [
    ['no key purpose', without(leafDraft, accountPurposes)],
    ['no kind', leaf(purposes(Oid.clientAuth, Oid.emailProtection))],
    ['two kinds', leaf(purposes(Oid.clientAuth, Oid.emailProtection, Oid.device, Oid.person))],
    ['an unknown kind', leaf(purposes(Oid.clientAuth, Oid.emailProtection, `${sealpostArc}.2.6`))],
    ['no clientAuth', leaf(purposes(Oid.emailProtection, Oid.device))],
    ['no emailProtection', leaf(purposes(Oid.clientAuth, Oid.device))],
    ['serverAuth too', leaf(purposes(Oid.clientAuth, Oid.serverAuth, Oid.emailProtection, Oid.device))],
    ['any purpose', leaf(purposes(Oid.clientAuth, Oid.emailProtection, Oid.device, '2.5.29.37.0'))],
    ['a purpose twice', leaf(purposes(Oid.clientAuth, Oid.clientAuth, Oid.device))],
    ['a web server', leaf(purposes(Oid.serverAuth, Oid.clientAuth), altName(host('example.org')))],
    ['seal and link', leaf(purposes(Oid.domainSeal, Oid.domainLink), altName(host('example.org')))],
    ['a seal that may serve', leaf(purposes(Oid.domainSeal, Oid.serverAuth), altName(host('example.org')))],
    ['the arc alone', leaf(purposes(sealpostArc), altName(host('example.org')))],
    ['purposes empty', leaf(purposes())],
  ],
  '[ID-10] name': [
    ['none', without(leafDraft, leafDraft.extensions[3]!)],
    ['no name', leaf(altName())],
    ['two addresses', leaf(altName(mail('alarm7@example.org'), mail('b@example.org')))],
    ['address and host', leaf(altName(mail('alarm7@example.org'), host('example.org')))],
    ['host for an account', leaf(altName(host('example.org')))],
    ['address for a domain', leaf(purposes(Oid.domainSeal))],
    ['upper case', leaf(altName(mail('Alarm7@example.org')))],
    ['upper case domain', leaf(altName(mail('alarm7@Example.org')))],
    ['no domain', leaf(altName(mail('alarm7')))],
    ['zero octet', leaf(altName(mail('alarm7@example.org\0.evil.example')))],
    ['trailing dot', leaf(altName(mail('alarm7@example.org.')))],
    ['wildcard', leaf(purposes(Oid.domainSeal), altName(host('*.example.org')))],
    ['UTF-8 in rfc822Name', leaf(altName(mail('jürgen@example.org')))],
    ['ASCII in SmtpUTF8Mailbox', leaf(altName(utf8Mailbox('alarm7@example.org')))],
    ['not NFC', leaf(altName(utf8Mailbox('ju\u0308rgen@example.org')))],
    [
      'another other name',
      leaf(
        altName(
          encodeDer(
            0xa0,
            encodeOid('1.3.6.1.4.1.311.20.2.3'),
            encodeDer(0xa0, text(Tag.utf8String, 'jürgen@example.org')),
          ),
        ),
      ),
    ],
    [
      'SmtpUTF8Mailbox of another string type',
      leaf(
        altName(
          encodeDer(
            0xa0,
            encodeOid(Oid.smtpUtf8Mailbox),
            encodeDer(0xa0, text(Tag.ia5String, 'a@example.org')),
          ),
        ),
      ),
    ],
    ['URI', leaf(altName(text(0x86, 'mailto:alarm7@example.org')))],
    ['IP address', leaf(altName(encodeDer(0x87, Uint8Array.of(127, 0, 0, 1))))],
    ['a number as top level', leaf(altName(mail('alarm7@127.0.0.1')))],
  ],
  '[ID-11] subject and issuer': [
    ['no sequence', { ...leafDraft, subject: text(Tag.utf8String, 'alarm7') }],
    [
      'T61String',
      { ...leafDraft, subject: sequence(encodeDer(Tag.set, attribute(Uint8Array.of(0x14, 1, 0x41)))) },
    ],
    ['empty set', { ...leafDraft, subject: sequence(encodeDer(Tag.set)) }],
    [
      'two attributes in a set',
      {
        ...leafDraft,
        subject: sequence(
          encodeDer(Tag.set, attribute(text(Tag.utf8String, 'a')), attribute(text(Tag.utf8String, 'b'))),
        ),
      },
    ],
    ['nine attributes', { ...leafDraft, issuer: name(...'abcdefghi') }],
    ['no issuer', { ...leafDraft, issuer: sequence() }],
  ],
  '[ID-12] validity': [
    ['399 days', { ...leafDraft, validity: validity(now, now + 399 * day) }],
    ['ends before it begins', { ...leafDraft, validity: validity(now, now - 1) }],
    ['no end', { ...leafDraft, validity: sequence(time(now)) }],
    ['three times', { ...leafDraft, validity: sequence(time(now), time(now), time(now)) }],
    ['local time', { ...leafDraft, validity: sequence(text(Tag.utcTime, '2701010000+0100'), time(now)) }],
  ],
};

for (const [requirement, cases] of Object.entries(wrong)) {
  test(`${requirement}: what the profile refuses`, () => {
    for (const [name, draft] of cases) {
      const parsed = parse(draft);
      assert.equal(parsed.ok ? 'accepted' : parsed.refusal.code, 'certificate-invalid', name);
      assert.match((parsed.ok ? undefined : parsed.refusal.cause) ?? '', causes[requirement]!, name);
    }
  });
}

test('[ID-1] what surrounds a certificate is refused', () => {
  const der = forge(leafDraft);
  const candidates = [
    new Uint8Array(0),
    concatBytes(der, Uint8Array.of(0)),
    concatBytes(der, new Uint8Array(certificateBytesMax)),
    new Uint8Array(certificateBytesMax + 1).fill(0x30),
    sequence(ecdsaWithSha256),
    sequence(der),
    sequence(der, der),
  ];
  for (const bytes of candidates) assert.equal(parseCertificate(bytes, nodeCrypto).ok, false);
});

test('[ID-1] every truncation is refused', () => {
  const der = forge(leafDraft);
  for (let length = 0; length < der.length; length++)
    assert.equal(parseCertificate(der.subarray(0, length), nodeCrypto).ok, false, `${length}`);
});
