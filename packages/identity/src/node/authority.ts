// SPDX-License-Identifier: Apache-2.0
// The authority of one domain: P-256, constrained to the domain, issuing leaves of the profile and nothing else.
import { Algorithm, CertificateRole, domainOf, equalBytes } from '@sealpost/protocol';
import type { AccountKind, Address, Domain, PublicKey } from '@sealpost/protocol';
import type { Anchor } from '../anchors.ts';
import { parseCertificate } from '../certificate.ts';
import type { Certificate } from '../certificate.ts';
import { encodePublicKey } from '../public-key.ts';
import { purposesOf } from '../roles.ts';
import type { LeafRole } from '../roles.ts';
import { nodeCrypto } from './crypto-provider.ts';
import type { ExtensionValue } from './issue.ts';
import { loadCredential, saveCredential } from './key-files.ts';
import type { Credential } from './key-files.ts';
import { generateKeys, publicKeyOf } from './keys.ts';
import {
  addressExtension,
  constraintsExtension,
  domainExtension,
  purposesExtension,
} from './profile-extensions.ts';
import { authorityLifetimeSeconds, leafLifetimeSeconds, systemSeconds, validityFrom } from './validity.ts';

export interface AuthorityOptions {
  /** Unix seconds; the system's clock unless given. */
  now?(): number;
}

export type IssuedCertificate = Omit<Credential, 'privateKey'>;

/** The account is what the registrar authenticated: nothing that an applicant sends becomes part of the name [ID-13]. */
export interface AccountRequest {
  readonly address: Address;
  readonly kind: AccountKind;
  /** 90 days unless given, at most 397. */
  readonly lifetimeSeconds?: number;
}

/** Ed25519 for accounts and P-256 for the domain's own keys, unless given. */
export interface KeyRequest {
  readonly algorithm?: Algorithm;
  readonly lifetimeSeconds?: number;
}

interface Leaf {
  readonly role: LeafRole;
  readonly commonName: string;
  readonly name: ExtensionValue;
  readonly lifetimeSeconds: number | undefined;
}

/** Made by `createAuthority` or `loadAuthority`. */
export class Authority implements Credential {
  readonly domain: Domain;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly chain: readonly Uint8Array[];
  /** PKCS#8 PEM. */
  readonly privateKey: string;
  readonly #parsed: Certificate;
  readonly #now: () => number;

  constructor({ certificate, privateKey }: Credential, { now }: AuthorityOptions = {}) {
    const parsed = parseCertificate(certificate, nodeCrypto);
    if (!parsed.ok || parsed.value.role !== CertificateRole.authority)
      throw new TypeError('not the certificate of an authority');
    if (!equalBytes(publicKeyOf(privateKey).bytes, parsed.value.key.bytes))
      throw new TypeError('the private key does not belong to the certificate');
    this.domain = parsed.value.domain;
    this.certificate = parsed.value.der;
    this.chain = [parsed.value.der];
    this.privateKey = privateKey;
    this.#parsed = parsed.value;
    this.#now = now ?? systemSeconds;
  }

  /** What the domain would publish, for configurations that state it. */
  get anchor(): Anchor {
    const { keyHash, der } = this.#parsed;
    return { domain: this.domain, keyHashes: [keyHash], authorities: [der], proof: 'static' };
  }

  /** For the applicant's own key. */
  issueAccount(request: AccountRequest & { readonly publicKey: PublicKey }): Promise<IssuedCertificate>;
  /** Makes the key as well. */
  issueAccount(request: AccountRequest & { readonly algorithm?: Algorithm }): Promise<Credential>;
  async issueAccount(
    request: AccountRequest & { readonly publicKey?: PublicKey; readonly algorithm?: Algorithm },
  ): Promise<Credential | IssuedCertificate> {
    const { address, kind, publicKey, algorithm = Algorithm.Ed25519, lifetimeSeconds } = request;
    if (domainOf(address) !== this.domain) throw new RangeError(`${address} is not in ${this.domain}`);
    const leaf: Leaf = {
      role: { role: CertificateRole.account, kind },
      commonName: address,
      name: addressExtension(address),
      lifetimeSeconds,
    };
    return publicKey === undefined ? this.#issueWithKey(leaf, algorithm) : this.#issue(leaf, publicKey);
  }

  /** The key that seals for accounts without one and signs the domain's evidence; never its TLS key. */
  issueDomainSeal(request: KeyRequest = {}): Promise<Credential> {
    return this.#issueForDomain(CertificateRole.domainSeal, request);
  }

  /** For TLS between domains. */
  issueDomainLink(request: KeyRequest = {}): Promise<Credential> {
    return this.#issueForDomain(CertificateRole.domainLink, request);
  }

  #issueForDomain(
    role: typeof CertificateRole.domainSeal | typeof CertificateRole.domainLink,
    { algorithm = Algorithm.Esp256, lifetimeSeconds }: KeyRequest,
  ): Promise<Credential> {
    const leaf = {
      role: { role },
      commonName: this.domain,
      name: domainExtension(this.domain),
      lifetimeSeconds,
    };
    return this.#issueWithKey(leaf, algorithm);
  }

  async #issueWithKey(leaf: Leaf, algorithm: Algorithm): Promise<Credential> {
    const { privateKey, publicKey } = await generateKeys(algorithm);
    return { ...(await this.#issue(leaf, publicKey)), privateKey };
  }

  async #issue(leaf: Leaf, publicKey: PublicKey): Promise<IssuedCertificate> {
    const { role, commonName, name, lifetimeSeconds = leafLifetimeSeconds } = leaf;
    const { issueCertificate } = await import('./issue.ts');
    const certificate = await issueCertificate({
      commonName,
      keyInfo: encodePublicKey(publicKey),
      issuer: this.certificate,
      issuerKey: this.privateKey,
      isAuthority: false,
      ...validityFrom(this.#now(), lifetimeSeconds, this.#parsed),
      extensions: [purposesExtension(purposesOf(role)), name],
    });
    const checked = parseCertificate(certificate, nodeCrypto);
    if (!checked.ok) throw new RangeError(`would not fit the profile: ${checked.refusal.cause ?? ''}`);
    return { certificate, chain: [certificate, this.certificate] };
  }
}

export async function createAuthority(domain: Domain, options: AuthorityOptions = {}): Promise<Authority> {
  const { issueCertificate } = await import('./issue.ts');
  const { privateKey, publicKey } = await generateKeys(Algorithm.Esp256);
  const certificate = await issueCertificate({
    commonName: domain,
    keyInfo: encodePublicKey(publicKey),
    issuerKey: privateKey,
    isAuthority: true,
    ...validityFrom((options.now ?? systemSeconds)(), authorityLifetimeSeconds),
    extensions: [constraintsExtension(domain)],
  });
  return new Authority({ certificate, chain: [certificate], privateKey }, options);
}

const fileName = 'authority';

/** `authority.pem` and `authority.key` in the directory. */
export function saveAuthority(directory: string, authority: Authority): Promise<void> {
  return saveCredential(directory, fileName, authority);
}

/** Rejects with ENOENT when the directory has none. */
export async function loadAuthority(directory: string, options: AuthorityOptions = {}): Promise<Authority> {
  return new Authority(await loadCredential(directory, fileName), options);
}
