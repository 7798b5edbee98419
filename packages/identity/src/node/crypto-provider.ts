// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, hash, randomFillSync, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Algorithm, signatureBytesLength } from '@sealpost/protocol';
import type { CryptoProvider, PublicKey } from '@sealpost/protocol';
import { encodeEcdsaSignature } from '../ecdsa-signature.ts';
import { encodePublicKey } from '../public-key.ts';

const handles = new WeakMap<PublicKey, KeyObject>();

/** Undefined for a point that is not on the curve, or bytes of the wrong length. */
function handleOf(key: PublicKey): KeyObject | undefined {
  const known = handles.get(key);
  if (known !== undefined) return known;
  try {
    const handle = createPublicKey({ key: Buffer.from(encodePublicKey(key)), format: 'der', type: 'spki' });
    handles.set(key, handle);
    return handle;
  } catch {
    return undefined;
  }
}

/** A Buffer's `slice` is a view where a Uint8Array's is a copy, so Buffers stay in here. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function isValid(
  hashName: string | undefined,
  message: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): boolean {
  try {
    return verify(hashName, message, key, signature);
  } catch {
    return false;
  }
}

/** One call for the randomness of many nonces: a call costs more than what it brings. */
const randomPool = new Uint8Array(4096);
let randomLeft = 0;

/** Every byte is handed out once, as a copy, and does not stay in the pool. */
function pooledRandomBytes(count: number): Uint8Array {
  if (count > randomPool.length) return randomFillSync(new Uint8Array(count));
  if (count > randomLeft) {
    randomFillSync(randomPool);
    randomLeft = randomPool.length;
  }
  const end = randomLeft;
  randomLeft -= count;
  const bytes = randomPool.slice(randomLeft, end);
  randomPool.fill(0, randomLeft, end);
  return bytes;
}

/** `crypto.hash` and callback `crypto.verify`: 2 and 140 µs where WebCrypto takes 107 and 248. Verifies in the thread pool, or here `at-once`. */
export const nodeCrypto: CryptoProvider = {
  sha256: (bytes) => plainBytes(hash('sha256', bytes, 'buffer')),
  verify: (key, message, signature, haste) =>
    new Promise((resolve) => {
      const handle = signature.length === signatureBytesLength ? handleOf(key) : undefined;
      if (handle === undefined) {
        resolve(false);
        return;
      }
      const answer = (error: Error | null, isValid: boolean): void => resolve(error === null && isValid);
      // The key by itself: inside an options object it costs Node 24 another 35 µs, for an error that it throws and
      // catches. So the signature is given in DER, the form that needs no options.
      const isEd25519 = key.algorithm === Algorithm.Ed25519;
      const hashName = isEd25519 ? undefined : 'sha256';
      const encoded = isEd25519 ? signature : encodeEcdsaSignature(signature);
      if (haste === 'at-once') resolve(isValid(hashName, message, handle, encoded));
      else verify(hashName, message, handle, encoded, answer);
    }),
  randomBytes: pooledRandomBytes,
};
