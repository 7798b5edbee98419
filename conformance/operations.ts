// SPDX-License-Identifier: Apache-2.0
// The operations of the conformance adapter. Each takes the request's `in` and gives `out` or a refusal.
import type { JsonWebKey } from 'node:crypto';
import {
  Algorithm,
  accept,
  checkCopies,
  checkSeal,
  decodeCbor,
  decodeEvidence,
  decodeSeal,
  domainOf,
  localPartOf,
  makeSeal,
  parseAddress,
  refuse,
  toHex,
  verifyConsistency,
  verifyEvidence,
  verifyInclusion,
  verifySeal,
} from '@sealpost/protocol';
import type { ErrorCode, Result, Seal, SealClass } from '@sealpost/protocol';
import { findCertificate } from './certificates.ts';
import { signSign1, verifySign1 } from './generic-cose.ts';
import {
  BadInput,
  asAddress,
  asArray,
  asBytes,
  asCertificate,
  asClaims,
  asDomain,
  asNumber,
  asObject,
  asProperties,
  asText,
  claimsJson,
  optional,
  statementJson,
} from './json-forms.ts';
import type { Json } from './json-forms.ts';
import { adapterCrypto, privateKey, rawVerificationKey, verificationKey } from './keys.ts';

type Operation = (input: Json) => Result<Json> | Promise<Result<Json>>;

function asHashes(value: unknown, name: string): Uint8Array[] {
  return asArray(value, name).map((hash) => asBytes(hash, name));
}

function asJwk(value: unknown, name: string): JsonWebKey {
  return asObject(value, name);
}

/** `ok: false` also says "not valid". */
function verdict(valid: boolean, code: ErrorCode): Result<Json> {
  return valid ? accept<Json>({}) : refuse(code);
}

function coseVerify1(input: Json): Result<Json> {
  const key = verificationKey(asJwk(input['key'], 'key'));
  if (key === undefined) return refuse('unsupported-algorithm', 'key');
  const verified = verifySign1({
    cose: asBytes(input['cose'], 'cose'),
    payload: optional(input['payload'], 'payload', asBytes),
    externalAad: asBytes(input['externalAad'] ?? '', 'externalAad'),
    key,
  });
  return verified.ok ? accept<Json>({ payload: toHex(verified.value) }) : verified;
}

function coseSign1(input: Json): Result<Json> {
  const key = privateKey(asJwk(input['key'], 'key'));
  if (key === undefined) return refuse('unsupported-algorithm', 'key');
  const cose = signSign1(asBytes(input['payload'], 'payload'), key, input['detached'] === true);
  return accept<Json>({ cose: toHex(cose) });
}

function rawVerify(algorithm: Algorithm, input: Json): Result<Json> {
  const key = rawVerificationKey({ algorithm, bytes: asBytes(input['key'], 'key') });
  const message = asBytes(input['message'], 'message');
  const signature = asBytes(input['signature'], 'signature');
  return verdict(key?.verify(message, signature) ?? false, 'signature-invalid');
}

function merkleInclusion(input: Json): Result<Json> {
  const proof = {
    leafHash: asBytes(input['leafHash'], 'leafHash'),
    index: asNumber(input['index'], 'index'),
    size: asNumber(input['size'], 'size'),
    root: asBytes(input['root'], 'root'),
    proof: asHashes(input['proof'], 'proof'),
  };
  return verdict(verifyInclusion(proof, adapterCrypto), 'proof-invalid');
}

function merkleConsistency(input: Json): Result<Json> {
  const proof = {
    size1: asNumber(input['size1'], 'size1'),
    size2: asNumber(input['size2'], 'size2'),
    root1: asBytes(input['root1'], 'root1'),
    root2: asBytes(input['root2'], 'root2'),
    proof: asHashes(input['proof'], 'proof'),
  };
  return verdict(verifyConsistency(proof, adapterCrypto), 'proof-invalid');
}

function addressParse(input: Json): Result<Json> {
  const parsed = parseAddress(asText(input['text'], 'text'));
  if (!parsed.ok) return parsed;
  const address = parsed.value;
  return accept<Json>({ address, localPart: localPartOf(address), domain: domainOf(address) });
}

/** Cheapest first, as spec/seal.md orders it. `recipient`, `body` and `properties` are compared where they are given. */
async function sealOpen(input: Json): Promise<Result<Json>> {
  const now = asNumber(input['now'], 'now');
  const body = optional(input['body'], 'body', asBytes);
  const recipient = optional(input['recipient'], 'recipient', asAddress);
  const properties = optional(input['properties'], 'properties', asProperties);
  const decoded = decodeSeal(asBytes(input['seal'], 'seal'), adapterCrypto);
  if (!decoded.ok) return decoded;
  const seal = decoded.value;
  const checked = checkSeal({ seal, now, crypto: adapterCrypto, ...(body !== undefined && { body }) });
  if (!checked.ok) return checked;
  if (recipient !== undefined && recipient !== seal.claims.audience) return refuse('audience-mismatch');
  const certificate = await findCertificate(input, seal, [domainOf(seal.claims.issuer)]);
  if (!certificate.ok) return certificate;
  const verified = await verifySeal(seal, certificate.value, adapterCrypto);
  if (!verified.ok) return verified;
  if (properties !== undefined) {
    const copies = checkCopies(properties, seal.claims);
    if (!copies.ok) return copies;
  }
  return accept(sealJson(seal, verified.value));
}

function sealJson(seal: Seal, sealClass: SealClass): Json {
  return {
    class: sealClass,
    claims: claimsJson(seal.claims),
    contentType: seal.contentType,
    bodyHash: toHex(seal.bodyHash),
    digest: toHex(seal.digest),
    certificateHash: toHex(seal.certificateHash),
  };
}

async function sealMake(input: Json): Promise<Result<Json>> {
  const key = privateKey(asJwk(input['key'], 'key'));
  if (key === undefined) return refuse('unsupported-algorithm', 'key');
  const seal = await makeSeal({
    claims: asClaims(input['claims'], 'claims'),
    contentType: asText(input['contentType'], 'contentType'),
    body: asBytes(input['body'], 'body'),
    signer: {
      algorithm: key.algorithm,
      certificate: asCertificate(input['certificate'], 'certificate'),
      chain: [],
      sign: async (message) => key.sign(message),
    },
    crypto: adapterCrypto,
  });
  return accept<Json>({ seal: toHex(seal.bytes), digest: toHex(seal.digest) });
}

async function evidenceVerify(input: Json): Promise<Result<Json>> {
  const senderDomain = asDomain(input['senderDomain'], 'senderDomain');
  const decoded = decodeEvidence(asBytes(input['evidence'], 'evidence'), adapterCrypto);
  if (!decoded.ok) return decoded;
  const evidence = decoded.value;
  const certificate = await findCertificate(input, evidence, [
    domainOf(evidence.statement.recipient),
    senderDomain,
  ]);
  if (!certificate.ok) return certificate;
  const verified = await verifyEvidence(evidence, certificate.value, { senderDomain }, adapterCrypto);
  return verified.ok ? accept<Json>({ statement: statementJson(evidence.statement) }) : verified;
}

const operations: Readonly<Record<string, Operation>> = {
  'cbor.decode': (input) => {
    const decoded = decodeCbor(asBytes(input['bytes'], 'bytes'));
    return decoded.ok ? accept<Json>({}) : decoded;
  },
  'cose.verify1': coseVerify1,
  'cose.sign1': coseSign1,
  'ed25519.verify': (input) => rawVerify(Algorithm.Ed25519, input),
  'p256.verify': (input) => rawVerify(Algorithm.Esp256, input),
  'merkle.inclusion': merkleInclusion,
  'merkle.consistency': merkleConsistency,
  'address.parse': addressParse,
  'seal.open': sealOpen,
  'seal.make': sealMake,
  'evidence.verify': evidenceVerify,
};

/** Never throws for what a request says. */
export async function perform(op: string, input: unknown): Promise<Result<Json>> {
  if (!Object.hasOwn(operations, op)) return refuse('request-invalid', `unknown op ${op}`);
  try {
    return (await operations[op]?.(asObject(input, 'in'))) ?? refuse('request-invalid');
  } catch (error) {
    if (error instanceof BadInput) return refuse('request-invalid', error.message);
    throw error;
  }
}
