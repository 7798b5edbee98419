// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { Algorithm, equalBytes } from '@sealpost/protocol';
import type { Haste, Signer } from '@sealpost/protocol';
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

/**
 * Throws when the certificate does not fit the profile or the key does not belong to it. A signature that is asked for
 * alone is made at once: waking a thread of the pool for it costs this thread as much, and the machine three times that.
 * Several at a time go to the pool, except what must not wait for them.
 */
export function nodeSigner({ certificateDer, chain, privateKey }: SignerParts): Signer {
  const certificate = parseCertificate(certificateDer, nodeCrypto);
  if (!certificate.ok)
    throw new TypeError(`${certificate.refusal.code}: ${certificate.refusal.cause ?? 'unknown'}`);
  const key = createPrivateKey(privateKey);
  if (!equalBytes(publicKeyOf(key).bytes, certificate.value.key.bytes))
    throw new TypeError('the private key does not belong to the certificate');
  const { algorithm } = certificate.value.key;
  const queue = new SignatureQueue(key, algorithm);
  return {
    algorithm,
    certificate: certificate.value,
    chain,
    sign: (message, haste) => queue.sign(message, haste),
  };
}

interface Wanted {
  readonly message: Uint8Array;
  resolve(signature: Uint8Array): void;
  reject(error: unknown): void;
}

class SignatureQueue {
  readonly #key: KeyObject;
  readonly #algorithm: Algorithm;
  readonly #hashName: string | undefined;
  #wanted: Wanted[] = [];
  #inPool = 0;

  constructor(key: KeyObject, algorithm: Algorithm) {
    this.#key = key;
    this.#algorithm = algorithm;
    this.#hashName = algorithm === Algorithm.Ed25519 ? undefined : 'sha256';
  }

  sign(message: Uint8Array, haste: Haste = 'in-turn'): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    if (haste === 'at-once') {
      this.#signHere({ message, resolve, reject });
      return promise;
    }
    // Whoever asks in the same turn of the event loop is waited for, to know how many there are.
    if (this.#wanted.push({ message, resolve, reject }) === 1) process.nextTick(() => this.#start());
    return promise;
  }

  #start(): void {
    const wanted = this.#wanted;
    this.#wanted = [];
    const [alone] = wanted;
    if (alone !== undefined && wanted.length === 1 && this.#inPool === 0) this.#signHere(alone);
    else for (const each of wanted) this.#signInPool(each);
  }

  // The key by itself, and so DER for ECDSA: see nodeCrypto.

  #signHere(wanted: Wanted): void {
    try {
      wanted.resolve(this.#signature(sign(this.#hashName, wanted.message, this.#key)));
    } catch (error) {
      wanted.reject(error);
    }
  }

  #signInPool({ message, resolve, reject }: Wanted): void {
    this.#inPool += 1;
    sign(this.#hashName, message, this.#key, (error, made) => {
      this.#inPool -= 1;
      try {
        if (error !== null) throw error;
        resolve(this.#signature(made));
      } catch (failure) {
        reject(failure);
      }
    });
  }

  #signature(made: Buffer): Uint8Array {
    const signature = this.#algorithm === Algorithm.Ed25519 ? made : parseEcdsaSignature(made);
    if (signature === undefined) throw new Error('not an ECDSA signature');
    return new Uint8Array(signature);
  }
}
