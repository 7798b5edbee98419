// SPDX-License-Identifier: Apache-2.0
// COSE_Sign1 as RFC 9052 leaves it to everybody, looser than a seal: any well-formed CBOR, any header, payload detached
// or attached. It shows that what a seal signs is what COSE says is signed.
import {
  Tagged,
  accept,
  decodeLenientCbor,
  encodeCbor,
  encodeSign1,
  equalBytes,
  refuse,
  sigStructure,
} from '@sealpost/protocol';
import type { Result } from '@sealpost/protocol';
import type { PrivateKey, VerificationKey } from './keys.ts';

export interface VerifyRequest {
  readonly cose: Uint8Array;
  /** Required when the payload is detached. */
  readonly payload: Uint8Array | undefined;
  readonly externalAad: Uint8Array;
  readonly key: VerificationKey;
}

type Headers = ReadonlyMap<unknown, unknown>;

const emptyBytes = new Uint8Array(0);
const algorithmLabel = 1;
const criticalLabel = 2;
/** alg, crit, content type, kid: nothing else is understood here, so nothing else may be critical. */
const understood: readonly unknown[] = [1, 2, 3, 4];

/** The registered algorithms, and the older ones that leave the curve to the key (RFC 9053). */
const keyAlgorithm = new Map<unknown, number>([
  [-19, -19],
  [-8, -19],
  [-9, -9],
  [-7, -9],
]);

export function verifySign1({ cose, payload, externalAad, key }: VerifyRequest): Result<Uint8Array> {
  const decoded = decodeLenientCbor(cose);
  if (!decoded.ok) return decoded;
  const parts = untagged(decoded.value);
  if (!Array.isArray(parts) || parts.length !== 4) return refuse('cose-invalid', 'not an array of four');
  const [protectedBytes, unprotectedHeaders, attached, signature] = parts as readonly unknown[];
  if (!(protectedBytes instanceof Uint8Array) || !(signature instanceof Uint8Array))
    return refuse('cose-invalid');
  if (!(unprotectedHeaders instanceof Map)) return refuse('cose-invalid', 'unprotected headers');
  const protectedHeaders = decodeProtected(protectedBytes);
  if (!protectedHeaders.ok) return protectedHeaders;
  const headers = checkHeaders(protectedHeaders.value, unprotectedHeaders);
  if (!headers.ok) return headers;
  if (keyAlgorithm.get(headers.value) !== key.algorithm) return refuse('unsupported-algorithm');
  const content = payloadOf(attached, payload);
  if (!content.ok) return content;
  // RFC 9052 §4.4: an encoded empty map is signed as the empty byte string.
  const signedHeaders = protectedHeaders.value.size === 0 ? emptyBytes : protectedBytes;
  return key.verify(sigStructure(signedHeaders, externalAad, content.value), signature)
    ? content
    : refuse('signature-invalid');
}

function untagged(value: unknown): unknown {
  return value instanceof Tagged ? value.value : value;
}

function decodeProtected(bytes: Uint8Array): Result<Headers> {
  if (bytes.length === 0) return accept<Headers>(new Map());
  const decoded = decodeLenientCbor(bytes);
  if (!decoded.ok) return decoded;
  return decoded.value instanceof Map
    ? accept<Headers>(decoded.value)
    : refuse('cose-invalid', 'protected headers');
}

/** RFC 9052 §3 and §3.1. Returns the algorithm. */
function checkHeaders(inside: Headers, outside: Headers): Result<unknown> {
  const labels = [...inside.keys(), ...outside.keys()];
  if (!labels.every(isLabel)) return refuse('cose-invalid', 'label');
  if (new Set(labels).size !== labels.length) return refuse('cose-invalid', 'a label in both buckets');
  if (outside.has(criticalLabel)) return refuse('cose-invalid', 'crit is not protected');
  const critical = inside.get(criticalLabel);
  if (critical !== undefined) {
    if (!Array.isArray(critical) || critical.length === 0) return refuse('cose-invalid', 'crit');
    if (!critical.every((label) => inside.has(label) && understood.includes(label))) {
      return refuse('cose-invalid', 'critical header');
    }
  }
  return accept(inside.get(algorithmLabel) ?? outside.get(algorithmLabel) ?? null);
}

function isLabel(label: unknown): boolean {
  return typeof label === 'string' || typeof label === 'bigint' || Number.isInteger(label);
}

function payloadOf(attached: unknown, detached: Uint8Array | undefined): Result<Uint8Array> {
  if (attached === null)
    return detached === undefined ? refuse('cose-invalid', 'no payload') : accept(detached);
  if (!(attached instanceof Uint8Array)) return refuse('cose-invalid', 'payload');
  const agrees = detached === undefined || equalBytes(attached, detached);
  return agrees ? accept(attached) : refuse('cose-invalid', 'two payloads');
}

export function signSign1(payload: Uint8Array, key: PrivateKey, detached: boolean): Uint8Array {
  const protectedBytes = encodeCbor(new Map([[algorithmLabel, key.algorithm]]));
  const signature = key.sign(sigStructure(protectedBytes, emptyBytes, payload));
  return encodeSign1(protectedBytes, detached ? undefined : payload, signature);
}
