// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import {
  TrustStore,
  encodePublicKey,
  parseCertificate,
  parsePublicKey,
  staticAnchors,
} from '@sealpost/identity';
import { createAuthority, nodeCrypto } from '@sealpost/identity/node';
import {
  AccountKind,
  Algorithm,
  equalBytes,
  parseAddress,
  toHex,
  type Address,
  type Domain,
} from '@sealpost/protocol';
import type { Random } from '../engine/random.ts';
import { holds, type Target } from '../target.ts';
import { encode, readTree, type DerNode } from './der-tree.ts';
import { bytesOf } from './vectors.ts';

const domain = 'example.org' as Domain;

export const certificate: Target = {
  name: 'certificate',
  invariant:
    'A certificate of the profile is one for OpenSSL too, with the same serial number, validity, names and key; keys ' +
    'have one encoding; and the chain check passes only what the authority signed.',
  inputBytesMax: 2100,
  hangMs: 1000,
  async open() {
    const authority = await createAuthority(domain);
    const issued = await Promise.all([
      authority.issueDomainSeal(),
      authority.issueDomainSeal({ algorithm: Algorithm.Ed25519 }),
      authority.issueDomainLink(),
      ...Object.values(AccountKind).map((kind) =>
        authority.issueAccount({ address: addressOf(`${kind}@${domain}`), kind }),
      ),
      authority.issueAccount({ address: addressOf(`éa@${domain}`), kind: AccountKind.person }),
    ]);
    const seeds = [authority.certificate, ...issued.map((one) => one.certificate)];
    const genuine = new Set(seeds.map(signedPart));
    const anchors = staticAnchors([authority.anchor]);
    const now = Math.floor(Date.now() / 1000);
    return {
      seeds,
      dictionary,
      vary,
      run: async (input) => {
        const outcome = judge(input);
        if (!outcome.startsWith('certificate ')) return outcome;
        const store = new TrustStore({ anchors, crypto: nodeCrypto, now: () => now });
        const admitted = await store.admit([input, authority.certificate], domain);
        if (admitted.ok) holds(genuine.has(signedPart(input)), 'a certificate passes that was never issued');
        return `${outcome}, ${admitted.ok ? 'trusted' : admitted.refusal.code}`;
      },
    };
  },
};

function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new TypeError(text);
  return parsed.value;
}

function signedPart(der: Uint8Array): string {
  const parsed = parseCertificate(der, nodeCrypto);
  if (!parsed.ok) throw new TypeError('not a certificate');
  return toHex(parsed.value.signedBytes);
}

function judge(input: Uint8Array): string {
  const key = parsePublicKey(input);
  if (key !== undefined) {
    holds(equalBytes(encodePublicKey(key), input), 'a key with two encodings');
    return 'key';
  }
  const parsed = parseCertificate(input, nodeCrypto);
  if (!parsed.ok) return `${parsed.refusal.code}: ${parsed.refusal.cause?.replaceAll(/[\d.]+/g, '…')}`;
  const { value } = parsed;
  const tree = readTree(input, false);
  holds(tree !== undefined && equalBytes(encode(tree), input), 'a value in more octets than it needs');
  const theirs = openSsl(input);
  holds(equalBytes(theirs.raw, input), 'OpenSSL sees other bytes');
  holds(BigInt(`0x${theirs.serialNumber}`) === BigInt(`0x${value.serial}`), 'serial number');
  holds(Date.parse(theirs.validFrom) / 1000 === value.notBefore, 'not before');
  holds(Date.parse(theirs.validTo) / 1000 === value.notAfter, 'not after');
  holds(theirs.ca === (value.role === 'authority'), 'authority or not');
  const { address } = value;
  if (address !== undefined && /^[\x21-\x7e]*$/.test(address))
    holds(theirs.subjectAltName === `email:${address}`, `address: ${theirs.subjectAltName}`);
  if (address === undefined && value.role !== 'authority')
    holds(theirs.subjectAltName === `DNS:${value.domain}`, `domain: ${theirs.subjectAltName}`);
  holds(sameKey(theirs, value.key), 'key');
  return `certificate ${value.role}`;
}

function openSsl(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    return holds(false, `OpenSSL does not read it: ${String(error)}`) as never;
  }
}

/** A point that is not on the curve is taken by the parser, and by OpenSSL not: no signature verifies with it. */
function sameKey(theirs: X509Certificate, key: Parameters<typeof encodePublicKey>[0]): boolean {
  try {
    const spki = theirs.publicKey.export({ type: 'spki', format: 'der' });
    return equalBytes(spki, encodePublicKey(key));
  } catch {
    return key.algorithm === Algorithm.Esp256;
  }
}

/** One node of the tree becomes another; the lengths around it are right again. */
function vary(input: Uint8Array, random: Random): Uint8Array {
  const tree = readTree(input, true);
  if (tree === undefined) return input;
  for (let count = random.between(1, 3); count > 0; count--) changeOne(tree, random);
  return encode(tree);
}

function changeOne(tree: DerNode, random: Random): void {
  const all = flat(tree);
  const node = random.pick(all);
  if (node === undefined) return;
  const { children, content } = node;
  switch (random.below(8)) {
    case 7:
      node.isLong = true;
      return;
    case 0:
      node.tag = random.pick(tags);
      return;
    case 1:
      if (children.length > 0) children.splice(random.below(children.length), 1);
      else node.content = random.bytes(random.size(24));
      return;
    case 2:
      children.splice(random.below(children.length + 1), 0, random.pick(all) ?? node);
      return;
    case 3:
      if (children.length > 1) children.push(...children.splice(0, 1));
      return;
    default: {
      const changed = content.slice();
      if (changed.length > 0)
        changed[random.below(changed.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
      node.content = random.chance(6)
        ? Buffer.concat([changed, random.bytes(random.between(1, 3))])
        : changed;
    }
  }
}

const tags = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0x81, 0x82, 0xa0, 0xa1,
  0xa3,
] as const;

/** Bounded: a tree that holds one of its nodes twice grows by each change. */
function flat(tree: DerNode): DerNode[] {
  const all: DerNode[] = [];
  const visit = (node: DerNode): void => {
    if (all.length >= 300) return;
    all.push(node);
    node.children.forEach(visit);
  };
  visit(tree);
  return all;
}

const dictionary = [
  ...['example.org', 'a@example.org', '491231235959Z', '20500101000000Z', '500101000000Z'].map(bytesOf),
  ...[
    '0101ff',
    '0101 00',
    '020102',
    '020100',
    '0500',
    '0603551d13',
    '0603551d0f',
    '0603551d25',
    '0603551d11',
    '0603551d1e',
  ].map((hex) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))),
];
