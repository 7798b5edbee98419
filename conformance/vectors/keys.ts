// SPDX-License-Identifier: Apache-2.0
// Keys for vectors only: everybody has them. The Ed25519 keys are those of RFC 8032 §7.1, the P-256 key that of RFC 6979
// §A.2.5.
import { hash } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { CertificateRole, fromBase64Url, fromHex, toBase64Url, concatBytes, utf8 } from '@sealpost/protocol';
import type { Address, Domain, SignerCertificate } from '@sealpost/protocol';
import { privateKey } from '../keys.ts';

function base64(hex: string): string {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw new Error('hex');
  return toBase64Url(bytes);
}

function ed25519(d: string, x: string): JsonWebKey {
  return { kty: 'OKP', crv: 'Ed25519', d: base64(d), x: base64(x) };
}

export const alarmKey = ed25519(
  '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
);
export const deskKey = ed25519(
  '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
  '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
);
export const homeKey = ed25519(
  'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
  'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
);
export const fireKey: JsonWebKey = {
  kty: 'EC',
  crv: 'P-256',
  d: base64('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721'),
  x: base64('60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6'),
  y: base64('7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299'),
};

export function publicJwk({ kty, crv, x, y }: JsonWebKey): JsonWebKey {
  return { kty, crv, x, ...(y !== undefined && { y }) } as JsonWebKey;
}

export function rawPublicKey({ x = '', y }: JsonWebKey): Uint8Array {
  const xBytes = fromBase64Url(x) ?? new Uint8Array(0);
  return y === undefined
    ? xBytes
    : concatBytes(Uint8Array.of(4), xBytes, fromBase64Url(y) ?? new Uint8Array(0));
}

/** Two years from 2025-11-01. */
const notBefore = 1_761_955_200;
const notAfter = notBefore + 2 * 365 * 86_400;

function certificate(name: string, jwk: JsonWebKey, rest: object): SignerCertificate {
  const key = privateKey(jwk);
  if (key === undefined) throw new Error(name);
  return {
    hash: hash('sha256', utf8(`certificate of ${name}`), 'buffer'),
    role: CertificateRole.account,
    domain: name.slice(name.indexOf('@') + 1) as Domain,
    key: { algorithm: key.algorithm, bytes: rawPublicKey(jwk) },
    notBefore,
    notAfter,
    ...rest,
  };
}

export const alarmCertificate = certificate('kitchen-alarm@home.test', alarmKey, {
  address: 'kitchen-alarm@home.test' as Address,
  kind: 'device',
});
export const deskCertificate = certificate('desk@fire.test', deskKey, {
  address: 'desk@fire.test' as Address,
  kind: 'role',
});
export const homeCertificate = certificate('home.test', homeKey, { role: CertificateRole.domainSeal });
export const fireCertificate = certificate('fire.test', fireKey, { role: CertificateRole.domainSeal });
export const linkCertificate = certificate('home.test', homeKey, { role: CertificateRole.domainLink });
