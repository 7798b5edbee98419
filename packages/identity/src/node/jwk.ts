// SPDX-License-Identifier: Apache-2.0
// Keys as JSON Web Keys (RFC 7518 §6.2, RFC 8037), the form in which test vectors state them.
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { Algorithm, accept, refuse } from '@sealpost/protocol';
import type { PublicKey, Result } from '@sealpost/protocol';
import { plainBytes } from './crypto-provider.ts';
import { publicKeyOf } from './keys.ts';
import { parsePublicKey } from '../public-key.ts';

/** Takes private keys as well; refuses all but Ed25519 and P-256. */
export function jwkPublicKey(jwk: JsonWebKey): Result<PublicKey> {
  try {
    const info = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' });
    const key = parsePublicKey(new Uint8Array(info));
    return key === undefined ? refuse('unsupported-algorithm') : accept(key);
  } catch (error) {
    return refuse('unsupported-algorithm', String(error));
  }
}

/** 64 bytes, r ‖ s for P-256. */
export function jwkSign(jwk: JsonWebKey, message: Uint8Array): Result<Uint8Array> {
  try {
    const key = createPrivateKey({ key: jwk, format: 'jwk' });
    const hashName = publicKeyOf(key).algorithm === Algorithm.Ed25519 ? undefined : 'sha256';
    return accept(plainBytes(sign(hashName, message, { key, dsaEncoding: 'ieee-p1363' })));
  } catch (error) {
    return refuse('unsupported-algorithm', String(error));
  }
}
