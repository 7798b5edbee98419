// SPDX-License-Identifier: Apache-2.0
import { sha256 } from '@noble/hashes/sha2.js';
import { Algorithm, signatureBytesLength } from '@sealpost/protocol';
import type { CryptoProvider, PublicKey } from '@sealpost/protocol';

type Handle = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const handles = new WeakMap<PublicKey, Promise<Handle | undefined>>();

/** Names of WebCrypto for our algorithms: of the key, and of the signature. */
export const webAlgorithms = {
  [Algorithm.Ed25519]: { key: { name: 'Ed25519' }, signature: { name: 'Ed25519' } },
  [Algorithm.Esp256]: {
    key: { name: 'ECDSA', namedCurve: 'P-256' },
    signature: { name: 'ECDSA', hash: 'SHA-256' },
  },
} as const;

/** Undefined for a point that is not on the curve, or bytes of the wrong length. */
function handleOf(key: PublicKey): Promise<Handle | undefined> {
  const known = handles.get(key);
  if (known !== undefined) return known;
  const algorithm = webAlgorithms[key.algorithm].key;
  const handle = crypto.subtle
    .importKey('raw', key.bytes.slice(), algorithm, false, ['verify'])
    .catch(() => undefined);
  handles.set(key, handle);
  return handle;
}

/**
 * For browsers, over HTTPS or on the same machine (elsewhere they have no WebCrypto). Hashes are needed in the middle
 * of synchronous work, which WebCrypto does not offer.
 */
export const webCrypto: CryptoProvider = {
  sha256: (bytes) => sha256(bytes),
  async verify(key, message, signature) {
    const handle = signature.length === signatureBytesLength ? await handleOf(key) : undefined;
    if (handle === undefined) return false;
    const algorithm = webAlgorithms[key.algorithm].signature;
    return crypto.subtle.verify(algorithm, handle, signature.slice(), message.slice());
  },
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};
