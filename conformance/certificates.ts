// SPDX-License-Identifier: Apache-2.0
// Where a request's certificate comes from. `certificate` describes one that has passed its chain check, so that a vector
// can test seals apart from X.509. With `anchors` the chain is checked: that of the signed object, or `certificates`.
import { refuse } from '@sealpost/protocol';
import type { Domain, Result, SignedObject, SignerCertificate } from '@sealpost/protocol';
import { asArray, asBytes, asCertificate, asDomain, asNumber, asObject } from './json-forms.ts';
import type { Json } from './json-forms.ts';
import { adapterCrypto } from './keys.ts';

export async function findCertificate(
  input: Json,
  signed: SignedObject,
  domains: readonly Domain[],
): Promise<Result<SignerCertificate>> {
  if (input['certificate'] !== undefined) {
    return { ok: true, value: asCertificate(input['certificate'], 'certificate') };
  }
  const chain =
    input['certificates'] === undefined ? signed.chain : asHashes(input['certificates'], 'certificates');
  if (input['anchors'] === undefined || chain.length === 0) return refuse('certificate-needed');
  const anchors = asArray(input['anchors'], 'anchors').map(asAnchor);
  return admit(chain, anchors, domains, asNumber(input['now'], 'now'));
}

interface AnchorInput {
  readonly domain: Domain;
  readonly keyHashes: readonly Uint8Array[];
  readonly authorities: readonly Uint8Array[];
  readonly proof: 'static';
}

function asAnchor(value: unknown): AnchorInput {
  const { domain, keyHashes, authorities } = asObject(value, 'anchors');
  return {
    domain: asDomain(domain, 'domain'),
    keyHashes: asHashes(keyHashes, 'keyHashes'),
    authorities: asHashes(authorities ?? [], 'authorities'),
    proof: 'static',
  };
}

function asHashes(value: unknown, name: string): Uint8Array[] {
  return asArray(value, name).map((bytes) => asBytes(bytes, name));
}

/** Of the domains that may have signed at all, the one whose anchor the chain leads to. */
async function admit(
  chain: readonly Uint8Array[],
  anchorList: readonly AnchorInput[],
  domains: readonly Domain[],
  now: number,
): Promise<Result<SignerCertificate>> {
  // Only requests with certificates need X.509; the others do not wait for it.
  const { TrustStore, staticAnchors } = await import('@sealpost/identity');
  const store = new TrustStore({ anchors: staticAnchors(anchorList), crypto: adapterCrypto, now: () => now });
  let last: Result<SignerCertificate> = refuse('anchor-unknown');
  for (const domain of domains) {
    const admitted = await store.admit(chain, domain);
    if (admitted.ok) return { ok: true, value: admitted.value.certificate };
    last = admitted;
  }
  return last;
}
