// SPDX-License-Identifier: Apache-2.0
// COSE_Sign1, RFC 9052 §4.2, in the one form that seals and evidence use: tag 18, deterministic, payload attached.
import { Tagged, decodeCbor, decodeCborMap, encodeCbor } from './cbor.ts';
import { Major, cborWriter } from './cbor-writer.ts';
import { signatureBytesLength } from './crypto.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

/** [SEAL-3] What kind of object was signed, COSE header 16 (RFC 9596), CoAP experimental content formats. */
export const ObjectType = {
  seal: 65001,
  evidence: 65002,
  treeHead: 65003,
  signIn: 65004,
  certificateRequest: 65005,
} as const;
export type ObjectType = (typeof ObjectType)[keyof typeof ObjectType];

/** COSE header labels in use: RFC 9052, 9360, 9596, 9597, 9995. */
export const Label = {
  algorithm: 1,
  critical: 2,
  claims: 15,
  type: 16,
  x5chain: 33,
  x5t: 34,
  payloadHashAlgorithm: 258,
  contentType: 259,
} as const;

/** SHA-256 in the COSE algorithm registry (RFC 9054). */
export const sha256Algorithm = -16;

export interface Sign1 {
  readonly protectedBytes: Uint8Array;
  readonly protectedMap: ReadonlyMap<unknown, unknown>;
  /** The encoded value of the protected label asked for. */
  readonly span: Uint8Array | undefined;
  readonly unprotectedMap: ReadonlyMap<unknown, unknown>;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

const emptyBytes = new Uint8Array(0);
const signature1 = encodeCbor('Signature1');
const tagAndArray = Uint8Array.of(0xd2, 0x84);

/** The bytes must be deterministic CBOR, tagged 18. `spanLabel`: the protected header whose encoded value is wanted. */
export function decodeSign1(bytes: Uint8Array, maxBytes: number, spanLabel?: number): Result<Sign1> {
  const decoded = decodeCbor(bytes, { maxBytes });
  if (!decoded.ok) return decoded;
  const tagged = decoded.value;
  if (
    !(tagged instanceof Tagged) ||
    tagged.tag !== 18 ||
    !Array.isArray(tagged.value) ||
    tagged.value.length !== 4
  ) {
    return refuse('cose-invalid', 'not a tagged array of four');
  }
  const [protectedBytes, unprotectedMap, payload, signature] = tagged.value as readonly unknown[];
  if (
    !(protectedBytes instanceof Uint8Array) ||
    !(unprotectedMap instanceof Map) ||
    !(payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array)
  ) {
    return refuse('cose-invalid', 'element of a wrong type');
  }
  if (signature.length !== signatureBytesLength) return refuse('cose-invalid', 'signature length');
  const header = decodeCborMap(protectedBytes, spanLabel);
  if (!header.ok) return header;
  const { map: protectedMap, span } = header.value;
  return accept({ protectedBytes, protectedMap, span, unprotectedMap, payload, signature });
}

/** RFC 9052 §4.4. An empty protected bucket is the empty byte string here, whichever way it was sent. */
export function sigStructure(
  protectedBytes: Uint8Array,
  externalAad: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const isEmptyMap = protectedBytes.length === 1 && protectedBytes[0] === 0xa0;
  return cborWriter()
    .head(Major.array, 4)
    .raw(signature1)
    .byteString(isEmptyMap ? emptyBytes : protectedBytes)
    .byteString(externalAad)
    .byteString(payload)
    .finish();
}

/** Tag 18, unprotected bucket empty. `payload` undefined: detached. */
export function encodeSign1(
  protectedBytes: Uint8Array,
  payload: Uint8Array | undefined,
  signature: Uint8Array,
): Uint8Array {
  const writer = cborWriter().raw(tagAndArray).byteString(protectedBytes).head(Major.map, 0);
  if (payload === undefined) writer.value(null);
  else writer.byteString(payload);
  return writer.byteString(signature).finish();
}

/** The deterministic encoding of a map whose values are encoded already, keys in order. */
export function mapOf(entries: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const writer = cborWriter().head(Major.map, entries.length);
  for (const [key, value] of entries) writer.integer(key).raw(value);
  return writer.finish();
}
