// SPDX-License-Identifier: Apache-2.0
import {
  Event,
  Precedence,
  concatBytes,
  encodeCbor,
  makeSeal,
  parseMessageId,
  toHex,
  utf8,
  withChain,
} from '@sealpost/protocol';
import type { Address, Claims, Signer, SignerCertificate } from '@sealpost/protocol';
import { certificateJson, claimsJson } from '../json-forms.ts';
import { adapterCrypto } from '../keys.ts';
import { forge, withMembers } from './forge.ts';
import type { Forgery, Members } from './forge.ts';
import {
  alarmCertificate,
  alarmKey,
  deskCertificate,
  deskKey,
  fireCertificate,
  fireKey,
  homeCertificate,
  homeKey,
  linkCertificate,
} from './keys.ts';
import { signerOf } from './signers.ts';
import { entry } from './write.ts';
import type { Case, Vectors } from './write.ts';

export const issuedAt = 1_764_000_000;
const now = issuedAt + 2;
const body = utf8('Smoke in the kitchen');
const contentType = 'text/plain;charset=utf-8';

const alarm = signerOf(alarmCertificate, alarmKey);
const home = signerOf(homeCertificate, homeKey);
const fire = signerOf(fireCertificate, fireKey);

export function messageId(text: string) {
  const id = parseMessageId(text);
  if (!id.ok) throw new Error(text);
  return id.value;
}

export const claims: Claims = {
  issuer: 'kitchen-alarm@home.test' as Address,
  audience: 'desk@fire.test' as Address,
  expires: issuedAt + 120,
  issuedAt,
  id: messageId('019ab6f0-6a00-7000-8000-000000000001'),
  precedence: Precedence.flash,
  class: 'ordinary',
  ask: [Event.delivered, Event.fetched],
};
const attestation = { kind: 'device', method: 'password', credential: new Uint8Array(32).fill(7) } as const;
const everyClaim: Claims = {
  ...claims,
  class: 'registered',
  attempts: { max: 1, notBefore: issuedAt + 60, onExpiry: 'discard' },
  subject: 'Küche',
  inReplyTo: messageId('019ab6f0-6a00-7000-8000-000000000002'),
  thread: messageId('019ab6f0-6a00-7000-8000-000000000003'),
};

/** Claims and headers by label, as the wire has them; the base of every forgery. */
const wireClaims: Members = new Map<unknown, unknown>([
  [1, claims.issuer],
  [3, claims.audience],
  [4, claims.expires],
  [6, claims.issuedAt],
  [7, new Uint8Array(16).fill(1)],
]);
const wireHeader: Members = new Map<unknown, unknown>([
  [1, -19],
  [15, wireClaims],
  [16, 65001],
  [34, [-16, alarmCertificate.hash]],
  [258, -16],
  [259, contentType],
]);
const bodyHash = adapterCrypto.sha256(body);

function open(name: string, seal: string, expected: object | string, rest: object = {}): Case {
  const input = { seal, body: toHex(body), now, certificate: certificateJson(alarmCertificate), ...rest };
  return entry(name, 'seal.open', input, expected);
}

async function sealed(sealClaims: Claims, signer: Signer): Promise<string> {
  const seal = await makeSeal({ claims: sealClaims, contentType, body, signer, crypto: adapterCrypto });
  return toHex(seal.bytes);
}

async function forged(changes: Partial<Forgery> = {}): Promise<string> {
  return forge({ header: wireHeader, payload: bodyHash, signer: alarm, ...changes });
}

async function withHeader(...changes: readonly (readonly [unknown, unknown])[]): Promise<string> {
  return forged({ header: withMembers(wireHeader, new Map(changes)) });
}

async function withClaims(...changes: readonly (readonly [unknown, unknown])[]): Promise<string> {
  return withHeader([15, withMembers(wireClaims, new Map(changes))]);
}

function as(certificate: SignerCertificate): object {
  return { certificate: certificateJson(certificate) };
}

async function validCases(): Promise<Case[]> {
  const origin = await makeSeal({ claims, contentType, body, signer: alarm, crypto: adapterCrypto });
  const chained = withChain(origin.bytes, [new Uint8Array(400).fill(1), new Uint8Array(402).fill(2)]);
  const oneCertificate = withChain(origin.bytes, [new Uint8Array(400).fill(1)]);
  const digest = { digest: toHex(origin.digest) };
  const attested = { ...claims, attestation };
  const desk: Claims = { ...claims, issuer: claims.audience, audience: claims.issuer, attestation };
  return [
    entry(
      'make an origin seal',
      'seal.make',
      {
        claims: claimsJson(claims),
        contentType,
        body: toHex(body),
        key: alarmKey,
        certificate: certificateJson(alarmCertificate),
      },
      { seal: toHex(origin.bytes), ...digest },
    ),
    open('origin', toHex(origin.bytes), {
      class: 'origin',
      claims: claimsJson(claims),
      contentType,
      ...digest,
    }),
    open('origin with two certificates', toHex(chained), { class: 'origin', ...digest }),
    open('origin with one certificate', toHex(oneCertificate), { class: 'origin', ...digest }),
    open('origin, body not at hand', toHex(origin.bytes), { class: 'origin' }, { body: undefined }),
    open('only the required claims', await forged(), {
      claims: { precedence: 'routine', class: 'ordinary', ask: [] },
    }),
    open('every claim', await sealed(everyClaim, alarm), { claims: claimsJson(everyClaim) }),
    open('unknown private claim', await withClaims([-70000, 'extension']), { class: 'origin' }),
    open(
      'domain, Ed25519',
      await sealed(attested, home),
      { class: 'domain', claims: claimsJson(attested) },
      as(homeCertificate),
    ),
    open('domain, ESP256', await sealed(desk, fire), { class: 'domain' }, as(fireCertificate)),
    open('last second', toHex(origin.bytes), { class: 'origin' }, { now: claims.expires - 1 }),
    open('issued 300 s ahead', toHex(origin.bytes), { class: 'origin' }, { now: issuedAt - 300 }),
    open(
      'copies agree',
      toHex(origin.bytes),
      { class: 'origin' },
      {
        recipient: claims.audience,
        properties: [
          ['precedence', 'flash'],
          ['ask', 'fetched,delivered'],
          ['from', claims.issuer],
          ['colour', 'red'],
        ],
      },
    ),
  ];
}

async function formCases(): Promise<Case[]> {
  const good = await forged();
  const unsorted = concatBytes(
    Uint8Array.of(0xa2),
    encodeCbor(16),
    encodeCbor(65001),
    encodeCbor(1),
    encodeCbor(-19),
  );
  const duplicate = concatBytes(
    Uint8Array.of(0xa2),
    encodeCbor(1),
    encodeCbor(-19),
    encodeCbor(1),
    encodeCbor(-9),
  );
  const chain = (value: unknown) => forged({ unprotected: new Map([[33, value]]) });
  return [
    open('not CBOR', 'ff', 'cbor-invalid'),
    open('trailing byte', await forged({ tail: '00' }), 'cbor-invalid'),
    open('truncated', good.slice(0, -2), 'cbor-invalid'),
    open('array length not in shortest form', await forged({ head: 'd29804' }), 'cbor-invalid'),
    open('protected headers out of order', await forged({ protectedBytes: unsorted }), 'cbor-invalid'),
    open('protected header twice', await forged({ protectedBytes: duplicate }), 'cbor-invalid'),
    open(
      'protected headers with trailing byte',
      await forged({ protectedBytes: concatBytes(encodeCbor(wireHeader), Uint8Array.of(0)) }),
      'cbor-invalid',
    ),
    open('claims nested too deep', await withClaims([-70000, deep(17)]), 'cbor-invalid'),
    open('without tag', await forged({ head: '84' }), 'cose-invalid'),
    open('other tag', await forged({ head: 'd184' }), 'cose-invalid'),
    open('larger than 8 KiB', await withClaims([-70000, 'x'.repeat(8192)]), 'seal-invalid'),
    open('payload is not a hash', await forged({ payload: body }), 'seal-invalid'),
    open('evidence in place of a seal', await withHeader([16, 65002]), 'seal-invalid'),
    open('no typ', await withHeader([16, undefined]), 'seal-invalid'),
    open('algorithm without a curve', await withHeader([1, -8]), 'unsupported-algorithm'),
    open('algorithm unknown', await withHeader([1, -49]), 'unsupported-algorithm'),
    open('no algorithm', await withHeader([1, undefined]), 'unsupported-algorithm'),
    open('one header too many', await withHeader([4, utf8('kid')]), 'seal-invalid'),
    open('critical header', await withHeader([2, [16]]), 'seal-invalid'),
    open('short certificate hash', await withHeader([34, [-16, new Uint8Array(8)]]), 'seal-invalid'),
    open(
      'certificate hash of another algorithm',
      await withHeader([34, [-43, new Uint8Array(32)]]),
      'seal-invalid',
    ),
    open('payload hashed otherwise', await withHeader([258, -43]), 'seal-invalid'),
    open('content type is a number', await withHeader([259, 0]), 'content-type-invalid'),
    open('content type is not one', await withHeader([259, 'text']), 'content-type-invalid'),
    open('unprotected header', await forged({ unprotected: new Map([[4, utf8('kid')]]) }), 'cose-invalid'),
    open(
      'chain of four',
      await chain([1, 2, 3, 4].map((fill) => new Uint8Array(9).fill(fill))),
      'cose-invalid',
    ),
    open('chain of more than 4 KiB', await chain(new Uint8Array(4097)), 'cose-invalid'),
    open('chain: array of one', await chain([new Uint8Array(9)]), 'cose-invalid'),
    open('chain of text', await chain('certificate'), 'cose-invalid'),
  ];
}

function deep(levels: number): unknown {
  return levels === 0 ? 0 : [deep(levels - 1)];
}

async function claimCases(): Promise<Case[]> {
  const wrong: readonly (readonly [name: string, label: unknown, value: unknown])[] = [
    ['issuer is missing', 1, undefined],
    ['issuer is not canonical', 1, 'Kitchen-Alarm@home.test'],
    ['audience is a list', 3, ['desk@fire.test']],
    ['audience is not canonical', 3, 'desk@FIRE.test'],
    ['exp is missing', 4, undefined],
    ['exp is a float', 4, 1_764_000_120.5],
    ['exp is negative', 4, -1],
    ['exp is beyond 2^53-1', 4, 2n ** 53n],
    ['iat is a text', 6, '1764000000'],
    ['id has 15 bytes', 7, new Uint8Array(15)],
    ['id is missing', 7, undefined],
    ['registered claim that is not used', 5, issuedAt],
    ['claim with a text key', 'subject', 'Smoke'],
    ['precedence unknown', -65537, 3],
    ['precedence at its default', -65537, -2],
    ['class at its default', -65538, 0],
    ['class unknown', -65538, 3],
    ['ask empty', -65539, []],
    ['ask out of order', -65539, [12, 10]],
    ['ask twice', -65539, [10, 10]],
    ['ask unknown', -65539, [99]],
    ['attempts empty', -65540, new Map()],
    ['attempts of 0', -65540, new Map([[1, 0]])],
    ['attempts above 1000', -65540, new Map([[1, 1001]])],
    ['attempts with an unknown member', -65540, new Map([[4, 1]])],
    ['attempts begin after exp', -65540, new Map([[2, issuedAt + 120]])],
    ['subject empty', -65541, ''],
    ['subject of two lines', -65541, 'a\nb'],
    ['subject too long', -65541, 'a'.repeat(257)],
    ['in-reply-to is a text', -65542, '019ab6f0-6a00-7000-8000-000000000002'],
    ['thread has 8 bytes', -65543, new Uint8Array(8)],
    [
      'attestation without credential',
      -65550,
      new Map([
        [1, 4],
        [2, 1],
      ]),
    ],
    [
      'attestation by an unknown method',
      -65550,
      new Map<number, unknown>([
        [1, 4],
        [2, 9],
        [3, new Uint8Array(32)],
      ]),
    ],
    [
      'attestation in an origin seal',
      -65550,
      new Map<number, unknown>([
        [1, 4],
        [2, 1],
        [3, new Uint8Array(32)],
      ]),
    ],
  ];
  const cases: Case[] = [];
  for (const [name, label, value] of wrong) {
    cases.push(open(name, await withClaims([label, value]), 'claims-invalid'));
  }
  return cases;
}

async function signerCases(): Promise<Case[]> {
  const good = await forged();
  const tampered = `${good.slice(0, -2)}${good.endsWith('00') ? '01' : '00'}`;
  const attested = await sealed({ ...claims, attestation }, home);
  const foreign = { ...claims, issuer: 'ann@other.test' as Address };
  return [
    open('a second before it is 300 s ahead', good, 'issued-in-future', { now: issuedAt - 301 }),
    open('expired', good, 'expired', { now: claims.expires }),
    open('lifetime above 30 days', await withClaims([4, issuedAt + 30 * 86_400 + 1]), 'lifetime-invalid'),
    open('lifetime of nothing', await withClaims([4, issuedAt]), 'lifetime-invalid'),
    open('tampered body', good, 'body-mismatch', { body: toHex(utf8('Smoke in the kitchen.')) }),
    open('body larger than 64 KiB', good, 'body-too-large', { body: '00'.repeat(65_537) }),
    open('other recipient', good, 'audience-mismatch', { recipient: 'ann@home.test' }),
    open('no certificate', good, 'certificate-needed', { certificate: undefined }),
    open('other certificate', good, 'certificate-untrusted', as(deskCertificate)),
    open(
      'certificate not yet valid',
      good,
      'certificate-not-valid-now',
      as({ ...alarmCertificate, notBefore: issuedAt + 1 }),
    ),
    open(
      'certificate no longer valid',
      good,
      'certificate-not-valid-now',
      as({ ...alarmCertificate, notAfter: issuedAt - 1 }),
    ),
    open(
      'key of another kind',
      good,
      'signature-invalid',
      as({ ...alarmCertificate, key: fireCertificate.key }),
    ),
    open(
      'signed by another key',
      await forged({ signer: signerOf(deskCertificate, deskKey) }),
      'signature-invalid',
    ),
    open('tampered signature', tampered, 'signature-invalid'),
    open(
      'in the name of another account',
      await sealed({ ...claims, issuer: 'ann@home.test' as Address }, alarm),
      'issuer-mismatch',
    ),
    open(
      'in the name of another domain',
      await sealed({ ...foreign, attestation }, home),
      'issuer-mismatch',
      as(homeCertificate),
    ),
    open(
      'domain seal without attestation',
      await sealed(claims, home),
      'claims-invalid',
      as(homeCertificate),
    ),
    open(
      'sealed with the key of a link',
      attested.replace(toHex(homeCertificate.hash), toHex(linkCertificate.hash)),
      'certificate-wrong-role',
      as({ ...linkCertificate }),
    ),
    open('copy disagrees', good, 'copy-disagrees', { properties: [['precedence', 'flash']] }),
    open('copy of a subject that is not there', good, 'copy-disagrees', {
      properties: [['subject', 'Smoke']],
    }),
    open("server's word", good, 'reserved-property', { properties: [['trust', 'origin; anchor=static']] }),
    open('from is another', good, 'reserved-property', { properties: [['from', 'ann@home.test']] }),
  ];
}

export async function sealVectors(): Promise<Vectors> {
  return {
    about:
      'Seals, spec/seal.md. `certificate` describes the certificate as having passed its chain check; its hash stands for that of its DER bytes.',
    cases: [
      ...(await validCases()),
      ...(await formCases()),
      ...(await claimCases()),
      ...(await signerCases()),
    ],
  };
}
