// SPDX-License-Identifier: Apache-2.0
// Signers of the vectors. An ESP256 signature has a random part; those once made are kept beside this file.
import { hash } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Algorithm, fromHex, toHex } from '@sealpost/protocol';
import type { Signer, SignerCertificate } from '@sealpost/protocol';
import { privateKey } from '../keys.ts';
import type { PrivateKey } from '../keys.ts';

const file = new URL('esp256-signatures.json', import.meta.url);
const kept = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;

function signKept(key: PrivateKey, message: Uint8Array): Uint8Array {
  const name = hash('sha256', message);
  kept[name] ??= toHex(key.sign(message));
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`);
  return fromHex(kept[name]) ?? new Uint8Array(0);
}

/** As `privateKey`, and the same answer to the same message every time. */
export function stableKey(jwk: JsonWebKey): PrivateKey {
  const key = privateKey(jwk);
  if (key === undefined) throw new Error('key');
  if (key.algorithm === Algorithm.Ed25519) return key;
  return { algorithm: key.algorithm, sign: (message) => signKept(key, message) };
}

export function signerOf(certificate: SignerCertificate, jwk: JsonWebKey): Signer {
  const key = stableKey(jwk);
  return {
    algorithm: key.algorithm,
    certificate,
    chain: [],
    sign: async (message) => key.sign(message),
  };
}
