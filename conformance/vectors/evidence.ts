// SPDX-License-Identifier: Apache-2.0
import { Event, encodeCbor, makeEvidence, toHex, utf8 } from '@sealpost/protocol';
import type { Address, Signer, SignerCertificate, Statement } from '@sealpost/protocol';
import { certificateJson, statementJson } from '../json-forms.ts';
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
import { claims, issuedAt } from './seal.ts';
import { signerOf } from './signers.ts';
import { entry } from './write.ts';
import type { Case, Vectors } from './write.ts';

const alarm = signerOf(alarmCertificate, alarmKey);
const desk = signerOf(deskCertificate, deskKey);
const home = signerOf(homeCertificate, homeKey);
const fire = signerOf(fireCertificate, fireKey);
const attestation = { kind: 'role', method: 'mtls', credential: new Uint8Array(32).fill(9) } as const;

const statement: Statement = {
  events: [Event.relayed, Event.delivered],
  digest: new Uint8Array(32).fill(5),
  id: claims.id,
  recipient: claims.audience,
  observedAt: issuedAt + 3,
  nonce: new Uint8Array(16).fill(6),
};

function verify(
  name: string,
  evidence: string,
  certificate: SignerCertificate,
  expected: object | string,
): Case {
  const input = { evidence, senderDomain: 'home.test', certificate: certificateJson(certificate) };
  return entry(name, 'evidence.verify', input, expected);
}

async function stated(changes: Partial<Statement>, signer: Signer): Promise<string> {
  return toHex((await makeEvidence({ statement: { ...statement, ...changes }, signer })).bytes);
}

async function validCases(): Promise<Case[]> {
  const rows: readonly (readonly [string, Partial<Statement>, Signer])[] = [
    ["relayed and delivered by the recipient's domain", {}, fire],
    ["accepted by the sender's domain", { events: [Event.accepted] }, home],
    ['relay failed with a reason', { events: [Event.relayFailed], reason: 'expired' }, home],
    ['fetched, in a lower lane', { events: [Event.fetched], lane: 0 }, fire],
    ["acknowledged with the recipient's key", { events: [Event.acknowledged] }, desk],
    [
      "acknowledged with the recipient's key, by a person",
      { events: [Event.acknowledged], by: 'eve@fire.test' as Address },
      desk,
    ],
    ['opened and acknowledged, attested', { events: [Event.opened, Event.acknowledged], attestation }, fire],
    ["cancelled by the sender's domain", { events: [Event.cancelled] }, home],
    ["cancelled by the recipient's domain", { events: [Event.cancelled] }, fire],
    ['unconfirmed', { events: [Event.unconfirmed] }, home],
    ['lapsed', { events: [Event.lapsed], reason: 'attempts' }, fire],
  ];
  const cases: Case[] = [];
  for (const [name, changes, signer] of rows) {
    const out = { statement: statementJson({ ...statement, ...changes }) };
    cases.push(verify(name, await stated(changes, signer), signer.certificate, out));
  }
  return cases;
}

async function signerCases(): Promise<Case[]> {
  const rows: readonly (readonly [string, Partial<Statement>, Signer])[] = [
    ["delivered by the sender's domain", { events: [Event.delivered] }, home],
    ["accepted by the recipient's domain", { events: [Event.accepted] }, fire],
    ['delivered by the recipient', { events: [Event.delivered] }, desk],
    ['acknowledged by the sender', { events: [Event.acknowledged] }, alarm],
    ['acknowledged by the domain without attestation', { events: [Event.acknowledged] }, fire],
    ["acknowledged by the sender's domain", { events: [Event.acknowledged], attestation }, home],
    ['one event of two is not its own', { events: [Event.accepted, Event.delivered] }, fire],
    ["unconfirmed by the recipient's domain", { events: [Event.unconfirmed] }, fire],
    ['signed with the key of a link', {}, { ...home, certificate: linkCertificate }],
  ];
  const cases: Case[] = [];
  for (const [name, changes, signer] of rows) {
    cases.push(verify(name, await stated(changes, signer), signer.certificate, 'evidence-wrong-signer'));
  }
  const good = await stated({ events: [Event.accepted] }, home);
  const tampered = `${good.slice(0, -2)}${good.endsWith('00') ? '01' : '00'}`;
  return [
    ...cases,
    verify('tampered signature', tampered, homeCertificate, 'signature-invalid'),
    verify('other certificate', good, fireCertificate, 'certificate-untrusted'),
    verify(
      'certificate no longer valid',
      good,
      { ...homeCertificate, notAfter: issuedAt },
      'certificate-not-valid-now',
    ),
  ];
}

const wireStatement: Members = new Map<unknown, unknown>([
  [1, [1]],
  [2, statement.digest],
  [3, new Uint8Array(16).fill(1)],
  [4, statement.recipient],
  [5, statement.observedAt],
  [8, statement.nonce],
]);
const wireHeader: Members = new Map<unknown, unknown>([
  [1, -19],
  [16, 65002],
  [34, [-16, homeCertificate.hash]],
]);

async function forged(changes: Partial<Forgery>): Promise<string> {
  return forge({ header: wireHeader, payload: encodeCbor(wireStatement), signer: home, ...changes });
}

function refused(name: string, evidence: string, code: string): Case {
  return verify(name, evidence, homeCertificate, code);
}

async function formCases(): Promise<Case[]> {
  const withField = (key: unknown, value: unknown) =>
    forged({ payload: encodeCbor(withMembers(wireStatement, new Map([[key, value]]))) });
  const withHeader = (key: unknown, value: unknown) =>
    forged({ header: withMembers(wireHeader, new Map([[key, value]])) });
  return [
    refused('payload is not a map', await forged({ payload: utf8('delivered') }), 'cbor-invalid'),
    refused('trailing byte', await forged({ tail: '00' }), 'cbor-invalid'),
    refused('without tag', await forged({ head: '84' }), 'cose-invalid'),
    refused('seal in place of evidence', await withHeader(16, 65001), 'evidence-invalid'),
    refused('algorithm unknown', await withHeader(1, -8), 'unsupported-algorithm'),
    refused('one header too many', await withHeader(4, utf8('kid')), 'evidence-invalid'),
    refused('no events', await withField(1, []), 'evidence-invalid'),
    refused('event unknown', await withField(1, [99]), 'evidence-invalid'),
    refused('events out of order', await withField(1, [4, 1]), 'evidence-invalid'),
    refused('digest is missing', await withField(2, undefined), 'evidence-invalid'),
    refused('digest of 31 bytes', await withField(2, new Uint8Array(31)), 'evidence-invalid'),
    refused('id of 8 bytes', await withField(3, new Uint8Array(8)), 'evidence-invalid'),
    refused('recipient is not canonical', await withField(4, 'Desk@fire.test'), 'evidence-invalid'),
    refused('time is a float', await withField(5, 1.5), 'evidence-invalid'),
    refused('reason is free text', await withField(6, 'Nobody was there.'), 'evidence-invalid'),
    refused('by is not an address', await withField(7, 'eve'), 'evidence-invalid'),
    refused('nonce of 8 bytes', await withField(8, new Uint8Array(8)), 'evidence-invalid'),
    refused('lane unknown', await withField(9, 1), 'evidence-invalid'),
    refused('attestation is not a map', await withField(10, 1), 'evidence-invalid'),
    refused('unknown field', await withField(11, 1), 'evidence-invalid'),
  ];
}

export async function evidenceVectors(): Promise<Vectors> {
  return {
    about:
      'Evidence, spec/evidence.md. `certificate` describes the certificate as having passed its chain check; its hash stands for that of its DER bytes.',
    cases: [...(await validCases()), ...(await signerCases()), ...(await formCases())],
  };
}
