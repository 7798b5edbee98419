// SPDX-License-Identifier: Apache-2.0
// Keys of the adapter: JWKs (RFC 8037, RFC 7518) and raw public keys, on Node's own cryptography.
import { createPrivateKey, createPublicKey, hash, randomBytes, sign, verify } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { Algorithm, toBase64Url } from '@sealpost/protocol';
import type { CryptoProvider, PublicKey } from '@sealpost/protocol';

export interface PrivateKey {
  readonly algorithm: Algorithm;
  sign(message: Uint8Array): Uint8Array;
}

export interface VerificationKey {
  readonly algorithm: Algorithm;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

const digestOf = { [Algorithm.Ed25519]: null, [Algorithm.Esp256]: 'sha256' } as const;

function algorithmOf(jwk: JsonWebKey): Algorithm | undefined {
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') return Algorithm.Ed25519;
  if (jwk.kty === 'EC' && jwk.crv === 'P-256') return Algorithm.Esp256;
  return undefined;
}

/** Undefined for a key of another kind, or a point that is not on the curve. */
export function verificationKey(jwk: JsonWebKey): VerificationKey | undefined {
  const algorithm = algorithmOf(jwk);
  if (algorithm === undefined) return undefined;
  const { kty, crv, x, y } = jwk;
  const key = attempt(() =>
    createPublicKey({ key: { kty, crv, x, ...(kty === 'EC' && { y }) } as JsonWebKey, format: 'jwk' }),
  );
  if (key === undefined) return undefined;
  return { algorithm, verify: (message, signature) => verifies(algorithm, key, message, signature) };
}

export function privateKey(jwk: JsonWebKey): PrivateKey | undefined {
  const algorithm = algorithmOf(jwk);
  const key = attempt(() => createPrivateKey({ key: jwk, format: 'jwk' }));
  if (algorithm === undefined || key === undefined) return undefined;
  return {
    algorithm,
    sign: (message) => new Uint8Array(sign(digestOf[algorithm], message, { key, dsaEncoding: 'ieee-p1363' })),
  };
}

/** 32 raw bytes, or the 65 of an uncompressed point. */
export function rawVerificationKey({ algorithm, bytes }: PublicKey): VerificationKey | undefined {
  if (algorithm === Algorithm.Ed25519) {
    return bytes.length === 32
      ? verificationKey({ kty: 'OKP', crv: 'Ed25519', x: toBase64Url(bytes) })
      : undefined;
  }
  if (bytes.length !== 65 || bytes[0] !== 4) return undefined;
  return verificationKey({
    kty: 'EC',
    crv: 'P-256',
    x: toBase64Url(bytes.subarray(1, 33)),
    y: toBase64Url(bytes.subarray(33)),
  });
}

function verifies(algorithm: Algorithm, key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  return (
    attempt(() => verify(digestOf[algorithm], message, { key, dsaEncoding: 'ieee-p1363' }, signature)) ??
    false
  );
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

export const adapterCrypto: CryptoProvider = {
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  verify: async (key, message, signature) => rawVerificationKey(key)?.verify(message, signature) ?? false,
  randomBytes: (count) => randomBytes(count),
};
