// SPDX-License-Identifier: Apache-2.0
// Evidence, spec/evidence.md: a signed statement about events of one message.
import { domainOf, isCanonicalAddress } from './address.ts';
import type { Address, Domain } from './address.ts';
import { attestationMap, readAttestation } from './attestation.ts';
import type { Attestation } from './attestation.ts';
import { decodeCborMap, encodeCbor } from './cbor.ts';
import { isAscendingEvents } from './claims.ts';
import { Label, ObjectType } from './cose.ts';
import { CertificateRole, hashBytesLength } from './crypto.ts';
import type { CryptoProvider, Haste, Signer, SignerCertificate } from './crypto.ts';
import { orderedEvents, signerOf } from './event.ts';
import type { Event } from './event.ts';
import { messageIdBytes, messageIdBytesLength, messageIdFromBytes } from './message-id.ts';
import type { MessageId } from './message-id.ts';
import { isPrecedence } from './precedence.ts';
import type { Precedence } from './precedence.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';
import { checkCertificate, decodeSigned, signObject } from './signed.ts';
import type { SignedForm, SignedObject } from './signed.ts';

export const evidenceBytesMax = 8192;
export const nonceBytesLength = 16;
/** [EVID-8] `observedAt` may be rounded down this far, so as not to tell when somebody was at their device. */
export const observedRoundingSeconds = 60;

export interface Statement {
  /** At least one; ascending, each once. */
  readonly events: readonly Event[];
  /** The message digest. */
  readonly digest: Uint8Array;
  readonly id: MessageId;
  readonly recipient: Address;
  /** Unix seconds. */
  readonly observedAt: number;
  /** An error code or another lower-case word. */
  readonly reason?: string;
  /** The person behind a role. */
  readonly by?: Address;
  /** Where it is lower than the claimed precedence. */
  readonly lane?: Precedence;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
  /** The recipient's domain signs for its account. */
  readonly attestation?: Attestation;
}

export interface Evidence extends SignedObject {
  readonly statement: Statement;
}

/** What the verifier knows of the message apart from the evidence. */
export interface EvidenceContext {
  /** The domain of `iss`. */
  readonly senderDomain: Domain;
}

const form: SignedForm = {
  type: ObjectType.evidence,
  bytesMax: evidenceBytesMax,
  labels: [Label.algorithm, Label.type, Label.x5t],
  invalid: 'evidence-invalid',
};

const Field = {
  events: 1,
  digest: 2,
  id: 3,
  recipient: 4,
  observedAt: 5,
  reason: 6,
  by: 7,
  nonce: 8,
  lane: 9,
  attestation: 10,
} as const;
const fields: readonly unknown[] = Object.values(Field);

export async function makeEvidence({
  statement,
  signer,
  haste,
}: {
  readonly statement: Statement;
  readonly signer: Signer;
  readonly haste?: Haste | undefined;
}): Promise<Evidence> {
  const object = await signObject(ObjectType.evidence, [], encodeStatement(statement), signer, haste);
  return { ...object, statement };
}

function encodeStatement(statement: Statement): Uint8Array {
  const { events, digest, id, recipient, observedAt, reason, by, nonce, lane, attestation } = statement;
  const map = new Map<number, unknown>([
    [Field.events, orderedEvents(events)],
    [Field.digest, digest],
    [Field.id, messageIdBytes(id)],
    [Field.recipient, recipient],
    [Field.observedAt, observedAt],
    [Field.nonce, nonce],
  ]);
  if (reason !== undefined) map.set(Field.reason, reason);
  if (by !== undefined) map.set(Field.by, by);
  if (lane !== undefined) map.set(Field.lane, lane);
  if (attestation !== undefined) map.set(Field.attestation, attestationMap(attestation));
  return encodeCbor(map);
}

/** [EVID-1] Size, strict decoding, type, algorithm, headers, statement, in this order. No cryptography. */
export function decodeEvidence(bytes: Uint8Array, _crypto?: CryptoProvider): Result<Evidence> {
  const decoded = decodeSigned(bytes, form);
  if (!decoded.ok) return decoded;
  const { sign1, object } = decoded.value;
  const payload = decodeCborMap(sign1.payload);
  if (!payload.ok) return payload;
  const statement = readStatement(payload.value.map);
  if (statement === undefined) return refuse('evidence-invalid', 'statement');
  return accept({ ...object, statement });
}

/** [EVID-2] [EVID-3] Exactly the known fields, each of its type. */
function readStatement(map: ReadonlyMap<unknown, unknown>): Statement | undefined {
  for (const key of map.keys()) if (!fields.includes(key)) return undefined;
  const events = map.get(Field.events);
  const digest = map.get(Field.digest);
  const id = map.get(Field.id);
  const recipient = map.get(Field.recipient);
  const observedAt = map.get(Field.observedAt);
  const nonce = map.get(Field.nonce);
  if (!Array.isArray(events) || events.length === 0 || !isAscendingEvents(events)) return undefined;
  if (!hasLength(digest, hashBytesLength) || !hasLength(id, messageIdBytesLength)) return undefined;
  if (!isAddress(recipient) || !isTime(observedAt) || !hasLength(nonce, nonceBytesLength)) return undefined;
  const required = { events, digest, id: messageIdFromBytes(id), recipient, observedAt, nonce };
  return map.size === Object.keys(required).length ? required : withOptionalFields(map, required);
}

function withOptionalFields(map: ReadonlyMap<unknown, unknown>, required: Statement): Statement | undefined {
  const reason = map.get(Field.reason);
  const by = map.get(Field.by);
  const lane = map.get(Field.lane);
  const attested = map.get(Field.attestation);
  const attestation = readAttestation(attested);
  if (reason !== undefined && !isReason(reason)) return undefined;
  if (by !== undefined && !isAddress(by)) return undefined;
  if (lane !== undefined && !isPrecedence(lane)) return undefined;
  if (attested !== undefined && attestation === undefined) return undefined;
  return {
    ...required,
    ...(reason !== undefined && { reason }),
    ...(by !== undefined && { by }),
    ...(lane !== undefined && { lane }),
    ...(attestation !== undefined && { attestation }),
  };
}

/** A word, never free text: what is shown with it comes from the reader's own catalogue. */
export function isReason(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(value) && value.length <= 64;
}

function hasLength(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

function isAddress(value: unknown): value is Address {
  return typeof value === 'string' && isCanonicalAddress(value);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

/** [EVID-4] Every event of the statement is one that this certificate may state about this message. */
export function checkEvidenceSigner(
  evidence: Evidence,
  certificate: SignerCertificate,
  context: EvidenceContext,
): Result<void> {
  const named = checkCertificate(evidence, certificate);
  if (!named.ok) return named;
  const { events, observedAt } = evidence.statement;
  const latest = observedAt + observedRoundingSeconds;
  if (latest < certificate.notBefore || observedAt > certificate.notAfter)
    return refuse('certificate-not-valid-now');
  const allowed = events.every((event) => maySign(event, evidence.statement, certificate, context));
  return allowed ? accept() : refuse('evidence-wrong-signer');
}

function maySign(
  event: Event,
  statement: Statement,
  certificate: SignerCertificate,
  { senderDomain }: EvidenceContext,
): boolean {
  const signer = signerOf(event);
  const { recipient, attestation } = statement;
  // [EVID-6] An account states only its own dispositions, in its own name.
  if (certificate.role === CertificateRole.account) {
    return signer === 'recipient' && certificate.address === recipient && attestation === undefined;
  }
  if (certificate.role !== CertificateRole.domainSeal) return false;
  const isSenderDomain = certificate.domain === senderDomain;
  const isRecipientDomain = certificate.domain === domainOf(recipient);
  switch (signer) {
    case 'sender-domain':
      return isSenderDomain;
    case 'recipient-domain':
      return isRecipientDomain;
    case 'custodian':
      return isSenderDomain || isRecipientDomain;
    // [EVID-7] The domain speaks for its account only by saying how it authenticated it.
    case 'recipient':
      return isRecipientDomain && attestation !== undefined;
  }
}

/** `certificate` has passed its chain check against the anchor of its domain; this adds the signature. */
export async function verifyEvidence(
  evidence: Evidence,
  certificate: SignerCertificate,
  context: EvidenceContext,
  crypto: CryptoProvider,
): Promise<Result<void>> {
  const signer = checkEvidenceSigner(evidence, certificate, context);
  if (!signer.ok) return signer;
  const valid = await crypto.verify(certificate.key, evidence.signedBytes, evidence.signature);
  return valid ? accept() : refuse('signature-invalid');
}
