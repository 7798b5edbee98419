// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { Algorithm } from '@sealpost/protocol';
import type { PublicKey } from '@sealpost/protocol';
import { parsePublicKey } from '../public-key.ts';

const generate = promisify(generateKeyPair);

export interface KeyPair {
  /** PKCS#8 PEM. */
  readonly privateKey: string;
  readonly publicKey: PublicKey;
}

export async function generateKeys(algorithm: Algorithm): Promise<KeyPair> {
  const { privateKey } =
    algorithm === Algorithm.Ed25519
      ? await generate('ed25519')
      : await generate('ec', { namedCurve: 'P-256' });
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKeyOf(privateKey),
  };
}

/** Throws for a key that is neither Ed25519 nor P-256. */
export function publicKeyOf(privateKey: KeyObject | string): PublicKey {
  const handle = typeof privateKey === 'string' ? createPrivateKey(privateKey) : privateKey;
  const info = createPublicKey(handle).export({ type: 'spki', format: 'der' });
  const key = parsePublicKey(new Uint8Array(info));
  if (key === undefined) throw new TypeError('the key is neither Ed25519 nor P-256');
  return key;
}
