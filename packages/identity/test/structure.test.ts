// SPDX-License-Identifier: Apache-2.0
// Certificates whose DER is right and whose structure is not: values left out, repeated, exchanged or replaced, and the
// whole signed again by the authority, so that nothing but the profile stands between them and acceptance.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPrivateKey, sign } from 'node:crypto';
import { CertificateRole, toHex } from '@sealpost/protocol';
import { checkChain, parseCertificate } from '../src/index.ts';
import { Tag, decodeDer } from '../src/der.ts';
import type { DerValue } from '../src/der.ts';
import { encodeDer } from '../src/der-writer.ts';
import { nodeCrypto } from '../src/node/index.ts';
import {
  authorityDraft,
  authorityKeys,
  domain,
  ecdsaWithSha256,
  forge,
  leafDraft,
  now,
  sequence,
} from './forge.ts';
import { openSsl, openSslVerdict } from './openssl.ts';

const authorityDer = forge(authorityDraft);
const leafDer = forge(leafDraft);

interface Node {
  tag: number;
  content: Uint8Array;
  children: Node[];
  /** An OCTET STRING that holds one more DER value. */
  wraps: boolean;
}

function nodeOf(value: DerValue): Node {
  const inner = value.tag === Tag.octetString ? decodeDer(value.content) : undefined;
  const children = inner === undefined ? value.children : [inner];
  return {
    tag: value.tag,
    content: value.content,
    children: children.map(nodeOf),
    wraps: inner !== undefined,
  };
}

function encode(node: Node): Uint8Array {
  const isConstructed = (node.tag & 0x20) !== 0;
  return encodeDer(node.tag, ...(isConstructed || node.wraps ? node.children.map(encode) : [node.content]));
}

function all(node: Node): Node[] {
  return [node, ...node.children.flatMap(all)];
}

const change = fc.record({
  at: fc.nat(),
  other: fc.nat(),
  kind: fc.constantFrom('remove', 'repeat', 'exchange', 'tag', 'content', 'octet'),
  tag: fc.constantFrom(...Object.values(Tag), 0x80, 0x81, 0x82, 0x86, 0xa0, 0xa1, 0xa3),
  content: fc.uint8Array({ maxLength: 20 }),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function apply(root: Node, { at, other, kind, tag, content }: Change): void {
  const nodes = all(root);
  const parents = nodes.filter((node) => node.children.length > 0);
  const parent = parents[at % parents.length]!;
  const index = other % parent.children.length;
  const child = parent.children[index]!;
  switch (kind) {
    case 'remove':
      parent.children.splice(index, 1);
      break;
    case 'repeat':
      parent.children.push(structuredClone(child));
      break;
    case 'exchange':
      parent.children[index] = structuredClone(nodes[(at + other) % nodes.length]!);
      break;
    case 'tag':
      child.tag = tag;
      break;
    case 'content':
      child.content = content;
      child.wraps = false;
      break;
    case 'octet':
      child.content = child.content.map((octet, position) =>
        position === at % child.content.length ? octet ^ (1 << (other & 7)) : octet,
      );
      break;
  }
}

function changedTo(der: Uint8Array, changes: readonly Change[]): Uint8Array | undefined {
  const signedPart = decodeDer(der)?.children[0];
  assert.ok(signedPart);
  const root = nodeOf(signedPart);
  for (const step of changes) apply(root, step);
  try {
    const signed = encode(root);
    const signature = sign('sha256', signed, createPrivateKey(authorityKeys.privateKey));
    const bits = encodeDer(Tag.bitString, Uint8Array.of(0), new Uint8Array(signature));
    return sequence(signed, ecdsaWithSha256, bits);
  } catch (error) {
    // Grew beyond what the writer writes.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const anchor = {
  domain: domain('example.org'),
  keyHashes: [nodeCrypto.sha256(new Uint8Array(0))],
  authorities: [],
  proof: 'static',
} as const;

async function isAccepted(leaf: Uint8Array, authority: Uint8Array): Promise<boolean> {
  const parsed = parseCertificate(leaf, nodeCrypto);
  const issuer = parseCertificate(authority, nodeCrypto);
  if (!parsed.ok || !issuer.ok) return false;
  if (issuer.value.role === CertificateRole.authority && parsed.value.address !== undefined)
    assert.equal(parsed.value.address.endsWith(`@${parsed.value.domain}`), true);
  const pinned = { ...anchor, keyHashes: [issuer.value.keyHash] };
  const chain = { leaf: parsed.value, authority: issuer.value, anchor: pinned, now };
  return (await checkChain(chain, nodeCrypto)).ok;
}

test('what is accepted after a change of structure, OpenSSL accepts as well', async (t) => {
  const tool = await openSsl(t);
  if (tool === undefined) return;
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 2 }),
      fc.boolean(),
      async (changes, ofLeaf) => {
        const changed = changedTo(ofLeaf ? leafDer : authorityDer, changes);
        if (changed === undefined) return;
        const pair = ofLeaf ? ([changed, authorityDer] as const) : ([leafDer, changed] as const);
        if (!(await isAccepted(...pair))) return;
        accepted++;
        const { ok, output } = await openSslVerdict(tool, ...pair, now);
        // OpenSSL takes a common name that looks like a host name for one, and constrains it. We read none [ID-11].
        const isAboutCommonName = output.includes('permitted subtree violation');
        assert.ok(ok || isAboutCommonName, `${output} ${toHex(changed)}`);
      },
    ),
    { numRuns: 1_500 },
  );
  assert.ok(accepted > 0, 'the changes leave something acceptable');
});
