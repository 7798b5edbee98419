// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from '@sealpost/identity/node';
import {
  decodeCbor,
  decodeEvidence,
  equalBytes,
  etsiName,
  makeEvidence,
  eventWord,
  parseEventWord,
  toHex,
  verifyEvidence,
  withChain,
  type Domain,
  type Evidence,
  type SignerCertificate,
} from '@sealpost/protocol';
import { holds, type Target } from '../target.ts';
import { certificatesOf, dictionary } from './seal.ts';
import { echo, varySigned } from './signed-objects.ts';
import { vectorBytes } from './vectors.ts';

const senderDomains = ['home.test', 'fire.test'] as Domain[];

export const evidence: Target = {
  name: 'evidence',
  invariant:
    'Evidence that decodes has one form and a statement whose events have names; it verifies only if these very bytes ' +
    'were signed.',
  inputBytesMax: 8400,
  hangMs: 1000,
  async open() {
    const seeds = vectorBytes('evidence', 'evidence');
    const certificates = certificatesOf('evidence');
    const genuine = new Set<string>();
    for (const bytes of seeds) {
      const decoded = decodeEvidence(bytes);
      if (decoded.ok) genuine.add(toHex(decoded.value.signedBytes));
    }
    return { seeds, dictionary, vary: varySigned, run: (input) => run(input, certificates, genuine) };
  },
};

/** Nothing is in it but what the statement says: made again from that, it is the same. */
async function checkEncoding(value: Evidence): Promise<void> {
  const made = await makeEvidence({ statement: value.statement, signer: echo(value) });
  holds(equalBytes(made.bytes, value.bytes), 'evidence holds more than its statement');
}

async function run(
  input: Uint8Array,
  certificates: ReadonlyMap<string, readonly SignerCertificate[]>,
  genuine: ReadonlySet<string>,
): Promise<string> {
  const decoded = decodeEvidence(input);
  if (!decoded.ok) return `${decoded.refusal.code}: ${decoded.refusal.cause ?? ''}`;
  const { value } = decoded;
  const bare = decodeEvidence(value.bytes);
  holds(bare.ok && equalBytes(bare.value.bytes, value.bytes), 'what is kept is not its own form');
  holds(equalBytes(withChain(value.bytes, value.chain), input), 'bytes and chain do not make up the input');
  await checkEncoding(value);
  holds(decodeCbor(value.signedBytes).ok, 'what was signed is no CBOR');
  for (const event of value.statement.events) {
    const parsed = parseEventWord(eventWord(event));
    holds(parsed.ok && parsed.value === event && etsiName(event).length > 0, 'an event without a name');
  }
  let verified = 'unknown certificate';
  for (const certificate of certificates.get(toHex(value.certificateHash))?.slice(0, 4) ?? [])
    for (const senderDomain of senderDomains) {
      const result = await verifyEvidence(value, certificate, { senderDomain }, nodeCrypto);
      verified = result.ok ? 'verified' : result.refusal.code;
      if (result.ok) holds(genuine.has(toHex(value.signedBytes)), 'evidence verifies that was never made');
    }
  return `${value.statement.events.length > 1 ? 'several events' : 'one event'}, ${verified}`;
}
