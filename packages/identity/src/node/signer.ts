// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, sign } from 'node:crypto';
import { Algorithm, equalBytes } from '@sealpost/protocol';
import type { Signer } from '@sealpost/protocol';
import { parseCertificate } from '../certificate.ts';
import { parseEcdsaSignature } from '../ecdsa-signature.ts';
import { nodeCrypto } from './crypto-provider.ts';
import { publicKeyOf } from './keys.ts';

export interface SignerParts {
  readonly certificateDer: Uint8Array;
  /** DER, the certificate itself first. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8 PEM. */
  readonly privateKey: string;
}

/** Throws when the certificate does not fit the profile or the key does not belong to it. Signs in the thread pool. */
export function nodeSigner({ certificateDer, chain, privateKey }: SignerParts): Signer {
  const certificate = parseCertificate(certificateDer, nodeCrypto);
  if (!certificate.ok)
    throw new TypeError(`${certificate.refusal.code}: ${certificate.refusal.cause ?? 'unknown'}`);
  const key = createPrivateKey(privateKey);
  if (!equalBytes(publicKeyOf(key).bytes, certificate.value.key.bytes))
    throw new TypeError('the private key does not belong to the certificate');
  const { algorithm } = certificate.value.key;
  const hashName = algorithm === Algorithm.Ed25519 ? undefined : 'sha256';
  return {
    algorithm,
    certificate: certificate.value,
    chain,
    sign: (message) =>
      new Promise((resolve, reject) => {
        // The key by itself, and so DER for ECDSA: see nodeCrypto.
        sign(hashName, message, key, (error, made) => {
          if (error !== null) return reject(error);
          const signature = algorithm === Algorithm.Ed25519 ? made : parseEcdsaSignature(made);
          return signature === undefined
            ? reject(new Error('not an ECDSA signature'))
            : resolve(new Uint8Array(signature));
        });
      }),
  };
}
