// SPDX-License-Identifier: Apache-2.0
import { accept, hashBytesLength, refuse } from '@sealpost/protocol';
import type { AnchorProof, Domain, Result } from '@sealpost/protocol';

export const anchorKeysMax = 4;

/** What a domain publishes so that others can verify its authority (RFC 5914), and how that was proved. */
export interface Anchor {
  readonly domain: Domain;
  /** SHA-256 of the SubjectPublicKeyInfo of each authority, one to four. */
  readonly keyHashes: readonly Uint8Array[];
  /** Certificates of these authorities (DER) as far as they are known; they prove nothing by being here. */
  readonly authorities: readonly Uint8Array[];
  readonly proof: AnchorProof;
}

/**
 * Finds the anchor of exactly this domain. May take as long as the network does, so it is never awaited inside a
 * message handler. `anchor-unknown` is temporary: no proof now is not a proof of nothing.
 */
export interface Anchors {
  resolve(domain: Domain): Promise<Result<Anchor>>;
}

/** [ID-18] [ID-19] Configured anchors: whatever an entry says of its proof, it is `static`. */
export function staticAnchors(list: readonly Anchor[]): Anchors {
  const known = new Map(list.map((anchor) => [anchor.domain, pinned(anchor)]));
  if (known.size !== list.length) throw new RangeError('two anchors for one domain');
  return {
    resolve: async (domain) => {
      const anchor = known.get(domain);
      return anchor === undefined ? refuse('anchor-unknown', domain) : accept(anchor);
    },
  };
}

function pinned(anchor: Anchor): Anchor {
  const { domain, keyHashes } = anchor;
  if (keyHashes.length === 0 || keyHashes.length > anchorKeysMax)
    throw new RangeError(`${domain}: an anchor has one to ${anchorKeysMax} key hashes`);
  if (keyHashes.some((hash) => hash.length !== hashBytesLength))
    throw new RangeError(`${domain}: a key hash is not a SHA-256`);
  return { ...anchor, proof: 'static' };
}
