// SPDX-License-Identifier: Apache-2.0
// The public list for Node: authorities, keys and files.
export { Authority, createAuthority, loadAuthority, saveAuthority } from './authority.ts';
export type { AccountRequest, AuthorityOptions, IssuedCertificate, KeyRequest } from './authority.ts';
export { nodeCrypto } from './crypto-provider.ts';
export { jwkPublicKey, jwkSign } from './jwk.ts';
export {
  loadCredential,
  readCertificates,
  readPrivateKey,
  saveCredential,
  writeCertificates,
  writePrivateKey,
  writeWhole,
} from './key-files.ts';
export type { Credential } from './key-files.ts';
export { generateKeys, publicKeyOf } from './keys.ts';
export type { KeyPair } from './keys.ts';
export { decodePem, encodePem } from './pem.ts';
export { startPoolAtLowerPriority } from './pool-priority.ts';
export { nodeSigner } from './signer.ts';
export type { SignerParts } from './signer.ts';
export { TlsAuthority, createTlsAuthority, loadTlsAuthority, saveTlsAuthority } from './tls-authority.ts';
