// SPDX-License-Identifier: Apache-2.0
// The browser-safe public list. Words: spec/glossary.md; rules: spec/identity.md.
export { anchorKeysMax, staticAnchors } from './anchors.ts';
export type { Anchor, Anchors } from './anchors.ts';
export { certificateBytesMax, leafLifetimeMaxSeconds, parseCertificate } from './certificate.ts';
export type { Certificate } from './certificate.ts';
export { checkChain } from './chain.ts';
export type { Chain } from './chain.ts';
export { encodePublicKey, parsePublicKey } from './public-key.ts';
export { LruMap } from './lru-map.ts';
export { TrustStore } from './trust-store.ts';
export type { TrustStoreOptions, TrustedCertificate } from './trust-store.ts';
