// SPDX-License-Identifier: Apache-2.0
// The ports to cryptography. This package does none of its own.
import type { Address, Domain } from './address.ts';

/** COSE algorithms (RFC 9864), fully specified: curve and hash follow from the number. */
export const Algorithm = { Ed25519: -19, Esp256: -9 } as const;
export type Algorithm = (typeof Algorithm)[keyof typeof Algorithm];

export const signatureBytesLength = 64;
export const hashBytesLength = 32;

export function isAlgorithm(value: unknown): value is Algorithm {
  return value === Algorithm.Ed25519 || value === Algorithm.Esp256;
}

/**
 * Ed25519: the 32 raw bytes. ESP256: the 65 bytes of the uncompressed point.
 * A certificate always hands out the same object, so a provider may cache its key handle in a WeakMap.
 */
export interface PublicKey {
  readonly algorithm: Algorithm;
  readonly bytes: Uint8Array;
}

/** `at-once` does not wait for others where there is a pool that they wait in; for the few that are urgent. */
export type Haste = 'in-turn' | 'at-once';

export interface CryptoProvider {
  sha256(bytes: Uint8Array): Uint8Array;
  /** False, never a rejection, for a key or signature that is not well-formed. ESP256 signatures are r ‖ s. */
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array, haste?: Haste): Promise<boolean>;
  randomBytes(count: number): Uint8Array;
}

export interface Signer {
  readonly algorithm: Algorithm;
  readonly certificate: SignerCertificate;
  /** DER certificates for x5chain: the leaf first, then the authority that issued it. */
  readonly chain: readonly Uint8Array[];
  /** 64 bytes. */
  sign(message: Uint8Array, haste?: Haste): Promise<Uint8Array>;
}

export const CertificateRole = {
  account: 'account',
  domainSeal: 'domain-seal',
  domainLink: 'domain-link',
  authority: 'authority',
} as const;
export type CertificateRole = (typeof CertificateRole)[keyof typeof CertificateRole];

export const AccountKind = {
  person: 'person',
  role: 'role',
  organisation: 'organisation',
  device: 'device',
  channel: 'channel',
} as const;
export type AccountKind = (typeof AccountKind)[keyof typeof AccountKind];

/** What a seal's or evidence's signature is judged by. Times are Unix seconds, both ends included. */
export interface SignerCertificate {
  /** SHA-256 of the DER bytes. */
  readonly hash: Uint8Array;
  readonly role: CertificateRole;
  readonly domain: Domain;
  /** Accounts only. */
  readonly address?: Address;
  /** Accounts only. */
  readonly kind?: AccountKind;
  readonly key: PublicKey;
  readonly notBefore: number;
  readonly notAfter: number;
}
