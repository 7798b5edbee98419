// SPDX-License-Identifier: Apache-2.0
import { refuse } from '@sealpost/protocol';
import type { Result, Signer } from '@sealpost/protocol';
import { accept } from '@sealpost/protocol';
import { parseCertificate } from '../certificate.ts';
import { webAlgorithms, webCrypto } from './crypto-provider.ts';

type PrivateKey = Parameters<typeof crypto.subtle.sign>[1];

export interface WebSignerParts {
  readonly certificateDer: Uint8Array;
  /** DER, the certificate itself first. */
  readonly chain: readonly Uint8Array[];
  /** Of Ed25519 or P-256, with usage `sign`. It need not be extractable, and better is not. */
  readonly privateKey: PrivateKey;
}

const proof = new TextEncoder().encode('sealpost: does this key belong to this certificate?');

/** Refused when the certificate does not fit the profile or the key does not belong to it. */
export async function webSigner({
  certificateDer,
  chain,
  privateKey,
}: WebSignerParts): Promise<Result<Signer>> {
  const parsed = parseCertificate(certificateDer, webCrypto);
  if (!parsed.ok) return parsed;
  const certificate = parsed.value;
  const { algorithm } = certificate.key;
  const { key, signature } = webAlgorithms[algorithm];
  if (privateKey.algorithm.name !== key.name) return refuse('certificate-invalid', 'a key of another kind');
  const sign = async (message: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.sign(signature, privateKey, message.slice()));
  // A key that cannot be extracted shows by what it signs whose it is.
  if (!(await webCrypto.verify(certificate.key, proof, await sign(proof))))
    return refuse('certificate-invalid', 'the private key does not belong to the certificate');
  return accept({ algorithm, certificate, chain, sign });
}

/** The private key of a PKCS#8 file, as a handle that nothing can be read from. Rejects when it is neither kind. */
export async function importPrivateKey(pkcs8: Uint8Array): Promise<PrivateKey> {
  const kinds = Object.values(webAlgorithms).map(({ key }) =>
    crypto.subtle.importKey('pkcs8', pkcs8.slice(), key, false, ['sign']),
  );
  return Promise.any(kinds);
}
