// SPDX-License-Identifier: Apache-2.0
import { concatBytes } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { ObjectType } from './cose.ts';
import type { CryptoProvider } from './crypto.ts';

const encodedTypes = new Map<ObjectType, Uint8Array>(
  Object.values(ObjectType).map((type) => [type, encodeCbor(type)]),
);

/**
 * [SEAL-9] What identifies a message: SHA-256(typ ‖ claims ‖ body hash), each as it stands in the seal. It does not
 * cover the signature, so it is the same in every form of signature. The first two parts delimit themselves.
 */
export function messageDigest(
  crypto: CryptoProvider,
  type: ObjectType,
  claimsBytes: Uint8Array,
  bodyHash: Uint8Array,
): Uint8Array {
  return crypto.sha256(concatBytes(encodedTypes.get(type) ?? encodeCbor(type), claimsBytes, bodyHash));
}
