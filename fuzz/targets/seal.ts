// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from '@sealpost/identity/node';
import {
  Claim,
  checkCopies,
  checkSeal,
  copiesOf,
  decodeCbor,
  decodeClaims,
  decodeSeal,
  encodeClaims,
  equalBytes,
  makeSeal,
  readSubmission,
  toHex,
  verifySeal,
  withChain,
  type Seal,
  type SignerCertificate,
} from '@sealpost/protocol';
import { asCertificate } from '../../conformance/json-forms.ts';
import { holds, type Target } from '../target.ts';
import { echo, varySigned } from './signed-objects.ts';
import { bytesOf, vectorBytes, vectorCases } from './vectors.ts';

const now = 1_764_000_002;

export const seal: Target = {
  name: 'seal',
  invariant:
    'A seal that decodes has one form, one digest and claims that survive encoding; its copies agree with it; and it ' +
    'verifies only if these very bytes were signed.',
  inputBytesMax: 8400,
  hangMs: 1000,
  async open() {
    const seeds = vectorBytes('seal', 'seal');
    const certificates = certificatesOf('seal');
    const genuine = new Set<string>();
    for (const bytes of seeds) {
      const decoded = decodeSeal(bytes, nodeCrypto);
      if (decoded.ok) genuine.add(toHex(decoded.value.signedBytes));
    }
    return { seeds, dictionary, vary: varySigned, run: (input) => run(input, certificates, genuine) };
  },
};

/** Those that vectors are judged by, by hash. */
export function certificatesOf(file: string): ReadonlyMap<string, readonly SignerCertificate[]> {
  const described = vectorCases(file).flatMap(({ in: given }) => {
    const certificate = given['certificate'];
    return certificate === undefined ? [] : [asCertificate(certificate, 'certificate')];
  });
  return Map.groupBy(described, ({ hash }) => toHex(hash));
}

export const dictionary: readonly Uint8Array[] = [
  ...['text/plain;charset=utf-8', 'alice@home.test', 'desk@fire.test', 'a@b', 'Signature1'].map(bytesOf),
  ...[
    'd284',
    'a0',
    '181f',
    '1821',
    '1822',
    '190102',
    '190103',
    '1019fde9',
    '1019fdea',
    '822f5820',
    '0132',
    '0128',
    '5840',
  ].map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
  ...['3a00010000', '3a00010001', '3a00010002', '3a00010003', '3a00010004', '3a00010007', '3a0001000d'].map(
    (hex) => new Uint8Array(Buffer.from(hex, 'hex')),
  ),
];

async function run(
  input: Uint8Array,
  certificates: ReadonlyMap<string, readonly SignerCertificate[]>,
  genuine: ReadonlySet<string>,
): Promise<string> {
  const decoded = decodeSeal(input, nodeCrypto);
  if (!decoded.ok) return `${decoded.refusal.code}: ${decoded.refusal.cause ?? ''}`;
  const seal = decoded.value;
  checkForm(seal, input);
  checkClaims(seal);
  await checkEncoding(seal);
  const checked = checkSeal({ seal, now, crypto: nodeCrypto });
  let verified = 'unknown certificate';
  // Of one certificate a vector may describe several uses.
  for (const certificate of certificates.get(toHex(seal.certificateHash))?.slice(0, 4) ?? []) {
    const result = await verifySeal(seal, certificate, nodeCrypto);
    verified = result.ok ? `verified ${result.value}` : result.refusal.code;
    if (!result.ok) continue;
    holds(genuine.has(toHex(seal.signedBytes)), 'a seal verifies that was never made');
    break;
  }
  return `${checked.ok ? 'in time' : checked.refusal.code}, ${verified}`;
}

/** Without its chain, and with it again. */
function checkForm(seal: Seal, input: Uint8Array): void {
  const bare = decodeSeal(seal.bytes, nodeCrypto);
  holds(bare.ok, 'what is kept of the seal does not decode');
  holds(equalBytes(bare.value.digest, seal.digest), 'the chain changes the digest');
  holds(equalBytes(bare.value.bytes, seal.bytes), 'what is kept is not its own form');
  holds(equalBytes(bare.value.signedBytes, seal.signedBytes), 'the chain changes what was signed');
  holds(bare.value.chain.length === 0, 'what is kept has a chain');
  holds(equalBytes(withChain(seal.bytes, seal.chain), input), 'bytes and chain do not make up the input');
  holds(equalBytes(withChain(input, []), seal.bytes), 'the chain cannot be taken off');
}

/** Nothing is in it but what was read, unless there are claims that only their extension knows. */
async function checkEncoding(seal: Seal): Promise<void> {
  const { claims, contentType, bodyHash, claimsBytes } = seal;
  const crypto = {
    ...nodeCrypto,
    sha256: (bytes: Uint8Array) => (bytes.length === 0 ? bodyHash : nodeCrypto.sha256(bytes)),
  };
  const made = await makeSeal({ claims, contentType, body: new Uint8Array(0), signer: echo(seal), crypto });
  const isKnown = equalBytes(encodeClaims(claims), claimsBytes);
  holds(!isKnown || equalBytes(made.bytes, seal.bytes), 'a seal holds more than was read from it');
  if (isKnown) holds(equalBytes(made.digest, seal.digest), 'a seal with two digests');
}

/** The others are extensions to this version. */
const readClaims: readonly unknown[] = Object.values(Claim).filter((key) => key !== Claim.attachments);

function checkClaims({ claims, claimsBytes }: Seal): void {
  const again = decodeCbor(encodeClaims(claims));
  holds(again.ok && again.value instanceof Map, 'claims encode to what is no map');
  const claimsAgain = decodeClaims(again.value);
  holds(claimsAgain.ok, 'claims do not survive encoding');
  holds(JSON.stringify(claimsAgain.value) === JSON.stringify(sorted(claims)), 'claims change by encoding');
  const original = decodeCbor(claimsBytes);
  holds(original.ok && original.value instanceof Map, 'the claims of the seal are no map');
  if ([...original.value.keys()].every((key) => readClaims.includes(key)))
    holds(equalBytes(encodeClaims(claims), claimsBytes), 'known claims with two encodings');
  const copies = copiesOf(claims);
  const agreed = checkCopies(copies, claims);
  holds(
    agreed.ok,
    `copies disagree with the claims they were made of: ${agreed.ok ? '' : agreed.refusal.cause}`,
  );
  holds(readSubmission(copies).ok, 'copies are no submission');
}

/** Names in the order in which the decoder gives them to what was encoded. */
function sorted(claims: Seal['claims']): unknown {
  const { issuer, audience, expires, issuedAt, id, ...rest } = claims;
  const { precedence, class: messageClass, ask, attempts, subject, inReplyTo, thread, attestation } = rest;
  return {
    issuer,
    audience,
    expires,
    issuedAt,
    id,
    precedence,
    class: messageClass,
    ask,
    ...(attempts !== undefined && { attempts }),
    ...(subject !== undefined && { subject }),
    ...(inReplyTo !== undefined && { inReplyTo }),
    ...(thread !== undefined && { thread }),
    ...(attestation !== undefined && { attestation }),
  };
}
