// SPDX-License-Identifier: Apache-2.0
import { accept, describeError, refuse, toHex } from '@sealpost/protocol';
import type { AnchorProof, CryptoProvider, Domain, Result } from '@sealpost/protocol';
import type { Anchor, Anchors } from './anchors.ts';
import { parseCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { checkChain, isIssuedBy, isValidAt } from './chain.ts';
import { LruMap } from './lru-map.ts';

export interface TrustedCertificate {
  readonly certificate: Certificate;
  readonly anchorProof: AnchorProof;
  /** DER, the leaf first, then the authority that issued it. */
  readonly chain: readonly Uint8Array[];
}

export interface TrustStoreOptions {
  readonly anchors: Anchors;
  readonly crypto: CryptoProvider;
  /** Unix seconds. */
  now(): number;
  /** Certificates remembered; 10,000 unless given. */
  readonly certificatesMax?: number;
}

interface Entry {
  readonly trusted: TrustedCertificate;
  readonly authority: Certificate;
}

interface Failure {
  readonly result: Result<never>;
  readonly until: number;
}

const certificatesMaxDefault = 10_000;
const authoritiesMax = 1_000;
const failuresMax = 1_000;
const failureSeconds = 30;
const pendingMax = 1_000;
/** The leaf, its authority, and one more that a sender may have added. */
const chainMax = 3;

/**
 * Certificates that passed the chain check, by the SHA-256 of their DER bytes; bounded, least recently used go first.
 * It does not notice that an anchor changed: an entry lasts as long as its certificates are valid, or until `forget`.
 */
export class TrustStore {
  readonly #options: TrustStoreOptions;
  readonly #entries: LruMap<Entry>;
  readonly #authorities = new LruMap<Certificate>(authoritiesMax);
  readonly #failures = new LruMap<Failure>(failuresMax);
  readonly #pending = new Map<string, Promise<Result<TrustedCertificate>>>();

  constructor(options: TrustStoreOptions) {
    this.#options = options;
    this.#entries = new LruMap(options.certificatesMax ?? certificatesMaxDefault);
  }

  /** [ID-20] Undefined for what was never admitted, was forgotten, or is not valid now. */
  known(hash: Uint8Array): TrustedCertificate | undefined {
    const entry = this.#entries.get(toHex(hash));
    if (entry === undefined) return undefined;
    const now = this.#options.now();
    const { certificate } = entry.trusted;
    return isValidAt(certificate, now) && isValidAt(entry.authority, now) ? entry.trusted : undefined;
  }

  /** The anchor of this domain is another now, or none: what the old one proved has to be proved again. */
  forget(domain: Domain): void {
    this.#entries.deleteWhere(({ trusted }) => trusted.certificate.domain === domain);
    this.#failures.deleteWhere((_failure, key) => key.startsWith(`${domain} `));
  }

  /**
   * Checks the chain (DER, the leaf first) against the anchor of `domain` and remembers the leaf. Where the authority is
   * missing or does not fit, those that came with the anchor are tried. May wait for the anchor to be resolved.
   */
  async admit(chain: readonly Uint8Array[], domain: Domain): Promise<Result<TrustedCertificate>> {
    const [leafDer] = chain;
    if (leafDer === undefined) return refuse('certificate-needed');
    if (chain.length > chainMax) return refuse('certificate-invalid', 'too many certificates');
    const { crypto } = this.#options;
    const known = this.known(crypto.sha256(leafDer));
    if (known !== undefined) {
      return known.certificate.domain === domain ? accept(known) : refuse('certificate-wrong-domain');
    }
    // [ID-20] Attempts are told apart by the whole chain: an authority that does not fit must not taint the leaf.
    const key = `${domain} ${chain.map((der) => toHex(crypto.sha256(der))).join(' ')}`;
    const failure = this.#failures.get(key);
    if (failure !== undefined && this.#options.now() < failure.until) return failure.result;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    if (this.#pending.size >= pendingMax) return refuse('overloaded', 'chain checks', 1);
    const attempt = this.#attempt(key, chain, domain).finally(() => this.#pending.delete(key));
    this.#pending.set(key, attempt);
    return attempt;
  }

  async #attempt(
    key: string,
    chain: readonly Uint8Array[],
    domain: Domain,
  ): Promise<Result<TrustedCertificate>> {
    const result = await this.#check(chain, domain);
    // A temporary refusal is about the anchor, not about the chain, and whoever resolves anchors remembers it.
    if (!result.ok && describeError(result.refusal.code).permanent)
      this.#failures.set(key, { result, until: this.#options.now() + failureSeconds });
    return result;
  }

  async #check(
    [leafDer = new Uint8Array(0), ...issuers]: readonly Uint8Array[],
    domain: Domain,
  ): Promise<Result<TrustedCertificate>> {
    const { anchors, crypto, now } = this.#options;
    const leaf = parseCertificate(leafDer, crypto);
    if (!leaf.ok) return leaf;
    const certificate = leaf.value;
    // [ID-14] Before any anchor is looked up on a stranger's account.
    if (certificate.domain !== domain) return refuse('certificate-wrong-domain');
    const anchor = await anchors.resolve(domain);
    if (!anchor.ok) return anchor;
    let verdict: Result<TrustedCertificate> = refuse(
      'certificate-untrusted',
      'no pinned authority issued it',
    );
    for (const der of [...issuers, ...anchor.value.authorities]) {
      const authority = this.#parseAuthority(der);
      if (authority === undefined || !isIssuedBy(certificate, authority)) continue;
      const checked = await checkChain(
        { leaf: certificate, authority, anchor: anchor.value, now: now() },
        crypto,
      );
      if (checked.ok) return accept(this.#remember(certificate, authority, anchor.value));
      verdict = checked;
    }
    return verdict;
  }

  #remember(certificate: Certificate, authority: Certificate, { proof }: Anchor): TrustedCertificate {
    const trusted: TrustedCertificate = {
      certificate,
      anchorProof: proof,
      chain: [certificate.der, authority.der],
    };
    this.#authorities.set(toHex(authority.hash), authority);
    this.#entries.set(toHex(certificate.hash), { trusted, authority });
    return trusted;
  }

  /** The same object for the same bytes, so that its key handle and its own signature are worked out once. */
  #parseAuthority(der: Uint8Array): Certificate | undefined {
    const { crypto } = this.#options;
    const known = this.#authorities.get(toHex(crypto.sha256(der)));
    if (known !== undefined) return known;
    const parsed = parseCertificate(der, crypto);
    return parsed.ok ? parsed.value : undefined;
  }
}
