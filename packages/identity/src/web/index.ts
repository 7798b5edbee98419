// SPDX-License-Identifier: Apache-2.0
// Keys and checks by WebCrypto: for browsers, and for whatever else has it.
export { pinnedAnchor } from './anchor.ts';
export { webCrypto } from './crypto-provider.ts';
export { decodePem } from './pem.ts';
export { importPrivateKey, webSigner } from './signer.ts';
export type { WebSignerParts } from './signer.ts';
