// SPDX-License-Identifier: Apache-2.0
import type { TrustStore } from '@sealpost/identity';
import type { ConnectRequest } from '@sealpost/mqtt/server';
import type { Attestation, Domain, Result } from '@sealpost/protocol';
import { accept, isCanonicalAddress, refuse, toHex, utf8 } from '@sealpost/protocol';
import type { Account, Accounts, Revocations } from './account.ts';
import { addressOfRemote } from '../limits/address.ts';
import type { Attempt, SignInThrottle } from '../limits/sign-in-throttle.ts';
import { PasswordCheck, passwordBytesMax } from './password.ts';

/** Who a session is, and how the domain came to know it. */
export interface Principal {
  readonly account: Account;
  /** What a domain seal says about this sign-in; reused for every message of the session. */
  readonly attestation: Attestation;
  /** Of the password, or the hash of the certificate in hex. */
  readonly credentialId: string;
}

interface SignInOptions {
  readonly domain: Domain;
  readonly accounts: Accounts;
  readonly revocations: Revocations;
  readonly trust: TrustStore;
  readonly throttle: SignInThrottle;
  readonly passwords?: PasswordCheck;
  signedIn(principal: Principal): void;
  sha256(bytes: Uint8Array): Uint8Array;
}

/** Sign-in by client certificate or by password; the answer to a wrong password never tells which part was wrong. */
export class SignIn {
  readonly #options: SignInOptions;
  readonly #passwords: PasswordCheck;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.#passwords = options.passwords ?? new PasswordCheck();
  }

  async authenticate(request: ConnectRequest): Promise<Result<Principal>> {
    const { peerCertificate } = request.transport;
    const principal = await (peerCertificate === undefined
      ? this.#byPassword(request)
      : this.#byCertificate(request, peerCertificate));
    if (!principal.ok) return principal;
    // It may have been taken back while the password was checked, when there was no session yet to be ended.
    if (!this.isStillGood(principal.value)) return refuse('credentials-invalid', 'taken back meanwhile');
    this.#options.signedIn(principal.value);
    return principal;
  }

  /** Whether this sign-in would succeed now, as far as the account and the credential are concerned. */
  isStillGood({ account, attestation, credentialId }: Principal): boolean {
    const { accounts, revocations } = this.#options;
    if (accounts.find(account.address) !== account || account.isDisabled === true) return false;
    if (attestation.kind !== account.kind) return false;
    return attestation.method === 'password'
      ? account.passwords.some(({ id }) => id === credentialId)
      : attestation.credential === undefined || !revocations.isRevoked(attestation.credential);
  }

  async #byCertificate(request: ConnectRequest, der: Uint8Array): Promise<Result<Principal>> {
    const admitted = await this.#options.trust.admit([der], this.#options.domain);
    if (!admitted.ok) return admitted;
    const { certificate } = admitted.value;
    if (certificate.role !== 'account' || certificate.address === undefined)
      return refuse('certificate-wrong-role');
    if (request.username !== undefined && request.username !== certificate.address)
      return refuse('credentials-invalid', 'the user name is not the one of the certificate');
    const account = this.#options.accounts.find(certificate.address);
    if (account === undefined) return refuse('credentials-invalid', 'a certificate of no account');
    if (account.isDisabled === true) return refuse('credentials-invalid', 'disabled');
    // [ID-23]
    if (this.#options.revocations.isRevoked(certificate.hash))
      return refuse('credentials-invalid', 'revoked');
    return accept({
      account,
      attestation: { kind: account.kind, method: 'mtls', credential: certificate.hash },
      credentialId: toHex(certificate.hash),
    });
  }

  async #byPassword(request: ConnectRequest): Promise<Result<Principal>> {
    const { secure, loopback } = request.transport;
    if (!secure && !loopback) return refuse('tls-required');
    const { username, password } = request;
    if (username === undefined || password === undefined) return refuse('credentials-invalid', 'anonymous');
    if (password.length > passwordBytesMax) return refuse('credentials-invalid', 'password too long');
    // Before anything is looked up: what follows is the same for every name.
    const attempt = await this.#options.throttle.begin(username, addressOfRemote(request.transport.remote));
    return attempt.ok ? this.#tryPassword(username, password, attempt.value) : attempt;
  }

  async #tryPassword(username: string, password: Uint8Array, attempt: Attempt): Promise<Result<Principal>> {
    const account = isCanonicalAddress(username) ? this.#options.accounts.find(username) : undefined;
    const passwords = account === undefined || account.isDisabled === true ? [] : account.passwords;
    const verdict = await this.#passwords.verify(
      password,
      passwords.map(({ record }) => record),
      attempt.isKnown,
    );
    if (!verdict.ok) {
      attempt.notTried();
      return verdict;
    }
    const credentialId = passwords.find(({ record }) => record === verdict.value)?.id;
    if (account === undefined || credentialId === undefined) return refuse('credentials-invalid');
    attempt.succeeded();
    return accept({
      account,
      attestation: { kind: account.kind, method: 'password', credential: this.#credentialHash(credentialId) },
      credentialId,
    });
  }

  /** Names a password credential without deriving anything from the password [MSG-12]: its id is random. */
  #credentialHash(id: string): Uint8Array {
    return this.#options.sha256(utf8(`sealpost credential ${id}`));
  }
}
