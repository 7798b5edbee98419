// SPDX-License-Identifier: Apache-2.0
// Seals as an SDK would make them, with the keys that `sealpost dev` left beside each account; and wrong ones.
import { dirname, join } from 'node:path';
import {
  loadCredential,
  nodeCrypto,
  nodeSigner,
  type Authority,
  type Credential,
} from '@sealpost/identity/node';
import {
  Precedence,
  contentTypeDefault,
  makeSeal,
  newMessageId,
  parseAddress,
  toBase64Url,
  withChain,
  type AccountKind,
  type Address,
  type Claims,
  type Seal,
  type Signer,
} from '@sealpost/protocol';
import type { Dev } from './_harness.ts';

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new TypeError(text);
  return parsed.value;
}

export function signerFrom({ certificate, chain, privateKey }: Credential): Signer {
  return nodeSigner({ certificateDer: certificate, chain, privateKey });
}

/** The account's own key. */
export async function originSigner(dev: Dev, account: string): Promise<Signer> {
  return signerFrom(await loadCredential(dirname(dev.account(account).certFile), account));
}

/** The key of a domain, by the name of its files. */
export async function domainCredential(dev: Dev, domain: string, name: string): Promise<Credential> {
  return loadCredential(join(dev.ready.dataDir, domain), name);
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Claims that nobody has anything against. */
export function claimsOf(from: string, to: string, more: Partial<Claims> = {}): Claims {
  const issuedAt = nowSeconds();
  return {
    issuer: address(from),
    audience: address(to),
    issuedAt,
    expires: issuedAt + 120,
    id: newMessageId(Date.now(), nodeCrypto.randomBytes(10)),
    precedence: Precedence.routine,
    class: 'ordinary',
    ask: [],
    ...more,
  };
}

export function sealOf(
  claims: Claims,
  signer: Signer,
  body: string | Uint8Array,
  contentType: string = contentTypeDefault,
): Promise<Seal> {
  return makeSeal({ claims, contentType, body: Buffer.from(body), signer, crypto: nodeCrypto });
}

/** The user property `seal`, with the certificates it needs. */
export function sealText(seal: Seal, chain: readonly Uint8Array[]): string {
  return toBase64Url(withChain(seal.bytes, chain));
}

/** A key of an account, certified by its domain a moment ago. */
export async function originSignerOf(
  authority: Authority,
  account: string,
  kind: AccountKind,
): Promise<Signer> {
  return signerFrom(await authority.issueAccount({ address: address(account), kind }));
}
