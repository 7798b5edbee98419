// SPDX-License-Identifier: Apache-2.0
// Cryptography and certificates for tests. A certificate is what it says; chains are tested in the identity package.
import { createPublicKey, generateKeyPairSync, hash, randomBytes, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import fc from 'fast-check';
import {
  AccountKind,
  Algorithm,
  CertificateRole,
  Precedence,
  events,
  messageClasses,
  messageIdFromBytes,
  orderedEvents,
  parseAddress,
  parseDomain,
} from '../src/index.ts';
import type {
  Address,
  Claims,
  CryptoProvider,
  Domain,
  PublicKey,
  Result,
  Signer,
  SignerCertificate,
} from '../src/index.ts';

const keys = new WeakMap<PublicKey, KeyObject>();

export const crypto: CryptoProvider = {
  sha256: (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer')),
  verify: async (key, message, signature) => {
    const handle = keys.get(key);
    return (
      handle !== undefined && verify(digestOf(key.algorithm), message, { key: handle, ...p1363 }, signature)
    );
  },
  randomBytes: (count) => new Uint8Array(randomBytes(count)),
};

const p1363 = { dsaEncoding: 'ieee-p1363' } as const;

function digestOf(algorithm: Algorithm): 'sha256' | null {
  return algorithm === Algorithm.Esp256 ? 'sha256' : null;
}

export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`refused: ${result.refusal.code} ${result.refusal.cause ?? ''}`);
  return result.value;
}

export function codeOf(result: Result<unknown>): string {
  return result.ok ? 'ok' : result.refusal.code;
}

export function address(text: string): Address {
  return must(parseAddress(text));
}

export function domain(text: string): Domain {
  return must(parseDomain(text));
}

/** A signer with a new key; `certificate` overrides what its certificate says. */
export function signerFor(
  certificate: Partial<SignerCertificate> & { readonly domain: Domain },
  algorithm: Algorithm = Algorithm.Ed25519,
): Signer {
  const { publicKey, privateKey } =
    algorithm === Algorithm.Ed25519
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { algorithm, bytes: crypto.randomBytes(algorithm === Algorithm.Ed25519 ? 32 : 65) };
  keys.set(key, createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })));
  const der = crypto.randomBytes(400);
  return {
    algorithm,
    certificate: {
      hash: crypto.sha256(der),
      role: CertificateRole.account,
      key,
      notBefore: now - 86_400,
      notAfter: now + 86_400,
      ...certificate,
    },
    chain: [der, crypto.randomBytes(402)],
    sign: async (message) =>
      new Uint8Array(sign(digestOf(algorithm), message, { key: privateKey, ...p1363 })),
  };
}

export const now = 1_764_000_000;
export const alarmAddress = address('kitchen-alarm@home.test');
export const deskAddress = address('desk@fire.test');
export const home = domain('home.test');
export const fire = domain('fire.test');

export function accountSigner(of: Address, kind: AccountKind, algorithm?: Algorithm): Signer {
  return signerFor({ domain: domain(of.slice(of.indexOf('@') + 1)), address: of, kind }, algorithm);
}

export function domainSigner(of: Domain, algorithm?: Algorithm): Signer {
  return signerFor({ domain: of, role: CertificateRole.domainSeal }, algorithm);
}

export function claimsOf(changes: Partial<Claims> = {}): Claims {
  return {
    issuer: alarmAddress,
    audience: deskAddress,
    expires: now + 120,
    issuedAt: now,
    id: messageIdFromBytes(new Uint8Array(16).fill(1)),
    precedence: Precedence.flash,
    class: 'ordinary',
    ask: [],
    ...changes,
  };
}

const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(messageIdFromBytes);
const time = fc.integer({ min: 1, max: 2 ** 40 });
const anyAddress = fc.constantFrom(alarmAddress, deskAddress, address('ä.ö@xn--mller-kva.example'));
const subject = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !/[\p{Cc}\u2028\u2029]/u.test(text));

/** Optional members are left out rather than undefined. */
export const anyClaims: fc.Arbitrary<Claims> = fc
  .record(
    {
      issuer: anyAddress,
      audience: anyAddress,
      expires: time.map((seconds) => seconds + 2 ** 41),
      issuedAt: time,
      id,
      precedence: fc.constantFrom(...Object.values(Precedence)),
      class: fc.constantFrom(...messageClasses),
      ask: fc.subarray([...events]).map(orderedEvents),
      attempts: fc
        .record(
          {
            max: fc.integer({ min: 1, max: 1000 }),
            notBefore: time,
            onExpiry: fc.constant('discard' as const),
          },
          { requiredKeys: [], noNullPrototype: true },
        )
        .filter((attempts) => Object.keys(attempts).length > 0),
      subject,
      inReplyTo: id,
      thread: id,
      attestation: fc.record(
        {
          kind: fc.constantFrom(...Object.values(AccountKind)),
          method: fc.constantFrom('password' as const, 'mtls' as const, 'gateway' as const),
          credential: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        },
        { noNullPrototype: true },
      ),
    },
    {
      requiredKeys: ['issuer', 'audience', 'expires', 'issuedAt', 'id', 'precedence', 'class', 'ask'],
      noNullPrototype: true,
    },
  )
  .map((claims) => claims as Claims);
