// SPDX-License-Identifier: Apache-2.0
// What seal and evidence share: COSE_Sign1 whose protected header names algorithm, type and certificate.
import { equalBytes } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { Label, decodeSign1, encodeSign1, mapOf, sha256Algorithm, sigStructure } from './cose.ts';
import type { ObjectType, Sign1 } from './cose.ts';
import { hashBytesLength, isAlgorithm, signatureBytesLength } from './crypto.ts';
import type { Algorithm, Haste, Signer, SignerCertificate } from './crypto.ts';
import type { ErrorCode } from './errors.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';
import { readChain } from './x5chain.ts';

export interface SignedObject {
  /** Tagged COSE_Sign1 without chain: what is stored, and what is compared. */
  readonly bytes: Uint8Array;
  readonly algorithm: Algorithm;
  /** SHA-256 of the signer's certificate. */
  readonly certificateHash: Uint8Array;
  /** What came with it as x5chain, leaf first; not part of what was signed. */
  readonly chain: readonly Uint8Array[];
  readonly signature: Uint8Array;
  /** The Sig_structure: what the signature is over. */
  readonly signedBytes: Uint8Array;
}

export interface SignedForm {
  readonly type: ObjectType;
  readonly bytesMax: number;
  readonly labels: readonly number[];
  /** The code of a header or payload that is not of this form. */
  readonly invalid: ErrorCode;
  readonly spanLabel?: number;
}

export interface DecodedObject {
  readonly sign1: Sign1;
  readonly object: SignedObject;
}

const noBytes = new Uint8Array(0);

/** Cheapest first: size, strict decoding, type, algorithm, headers. No cryptography. */
export function decodeSigned(bytes: Uint8Array, form: SignedForm): Result<DecodedObject> {
  if (bytes.length > form.bytesMax) return refuse(form.invalid, 'too long');
  const decoded = decodeSign1(bytes, form.bytesMax, form.spanLabel);
  if (!decoded.ok) return decoded;
  const sign1 = decoded.value;
  const header = sign1.protectedMap;
  if (header.get(Label.type) !== form.type) return refuse(form.invalid, 'typ');
  const algorithm = header.get(Label.algorithm);
  if (!isAlgorithm(algorithm)) return refuse('unsupported-algorithm');
  // [SEAL-4] [EVID-1] Exactly these labels: nothing can be smuggled in beside what is checked.
  if (header.size !== form.labels.length || !form.labels.every((label) => header.has(label))) {
    return refuse(form.invalid, 'protected headers');
  }
  const certificateHash = readCertificateHash(header.get(Label.x5t));
  if (certificateHash === undefined) return refuse(form.invalid, 'x5t');
  const chain = readChain(sign1.unprotectedMap);
  if (!chain.ok) return chain;
  const { protectedBytes, payload, signature } = sign1;
  const object: SignedObject = {
    bytes: chain.value.length === 0 ? bytes : encodeSign1(protectedBytes, payload, signature),
    algorithm,
    certificateHash,
    chain: chain.value,
    signature,
    signedBytes: sigStructure(protectedBytes, noBytes, payload),
  };
  return accept({ sign1, object });
}

/** RFC 9360: [hash algorithm, hash]; only SHA-256, whole. */
function readCertificateHash(value: unknown): Uint8Array | undefined {
  if (!Array.isArray(value) || value.length !== 2 || value[0] !== sha256Algorithm) return undefined;
  const hash: unknown = value[1];
  return hash instanceof Uint8Array && hash.length === hashBytesLength ? hash : undefined;
}

/** Certificates are few, and sign again and again. */
const encodedX5t = new WeakMap<SignerCertificate, Uint8Array>();

function x5tOf(certificate: SignerCertificate): Uint8Array {
  let encoded = encodedX5t.get(certificate);
  if (encoded === undefined) {
    encoded = encodeCbor([sha256Algorithm, certificate.hash]);
    encodedX5t.set(certificate, encoded);
  }
  return encoded;
}

/** `headers`: the encoded protected headers beside alg, typ and x5t. */
export async function signObject(
  type: ObjectType,
  headers: readonly (readonly [number, Uint8Array])[],
  payload: Uint8Array,
  signer: Signer,
  haste?: Haste,
): Promise<SignedObject> {
  const { algorithm, certificate, chain } = signer;
  const all: readonly (readonly [number, Uint8Array])[] = [
    [Label.algorithm, encodeCbor(algorithm)],
    [Label.type, encodeCbor(type)],
    [Label.x5t, x5tOf(certificate)],
    ...headers,
  ];
  // All labels in use are unsigned: their encoded order is their numeric order.
  const protectedBytes = mapOf(all.toSorted(([left], [right]) => left - right));
  const signedBytes = sigStructure(protectedBytes, noBytes, payload);
  const signature = await signer.sign(signedBytes, haste);
  if (signature.length !== signatureBytesLength) throw new TypeError('a signature has 64 bytes');
  const bytes = encodeSign1(protectedBytes, payload, signature);
  return { bytes, algorithm, certificateHash: certificate.hash, chain, signature, signedBytes };
}

/** [SEAL-11] The certificate is the one that was named, and its key is of the kind that was used. */
export function checkCertificate(object: SignedObject, certificate: SignerCertificate): Result<void> {
  if (!equalBytes(object.certificateHash, certificate.hash)) {
    return refuse('certificate-untrusted', 'not the certificate that the signed object names');
  }
  if (object.algorithm !== certificate.key.algorithm) {
    return refuse('signature-invalid', 'algorithm and key do not agree');
  }
  return accept();
}
