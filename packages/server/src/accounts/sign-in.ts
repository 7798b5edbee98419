// SPDX-License-Identifier: Apache-2.0
import type { TrustStore } from '@sealpost/identity';
import type { ConnectRequest } from '@sealpost/mqtt/server';
import type { Attestation, Domain, Result } from '@sealpost/protocol';
import { accept, isCanonicalAddress, refuse, utf8 } from '@sealpost/protocol';
import type { Account, Accounts } from './account.ts';
import { PasswordCheck, passwordBytesMax } from './password.ts';

/** Who a session is, and how the domain came to know it. */
export interface Principal {
  readonly account: Account;
  /** What a domain seal says about this sign-in; reused for every message of the session. */
  readonly attestation: Attestation;
}

interface SignInOptions {
  readonly domain: Domain;
  readonly accounts: Accounts;
  readonly trust: TrustStore;
  sha256(bytes: Uint8Array): Uint8Array;
}

/** Sign-in by client certificate or by password; the answer to a wrong password never tells which part was wrong. */
export class SignIn {
  readonly #options: SignInOptions;
  readonly #passwords = new PasswordCheck();

  constructor(options: SignInOptions) {
    this.#options = options;
  }

  authenticate(request: ConnectRequest): Promise<Result<Principal>> {
    const { peerCertificate } = request.transport;
    return peerCertificate === undefined
      ? this.#byPassword(request)
      : this.#byCertificate(request, peerCertificate);
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
    return accept({
      account,
      attestation: { kind: account.kind, method: 'mtls', credential: certificate.hash },
    });
  }

  async #byPassword(request: ConnectRequest): Promise<Result<Principal>> {
    const { secure, loopback } = request.transport;
    if (!secure && !loopback) return refuse('tls-required');
    const { username, password } = request;
    if (username === undefined || password === undefined) return refuse('credentials-invalid', 'anonymous');
    if (password.length > passwordBytesMax) return refuse('credentials-invalid', 'password too long');
    const account = isCanonicalAddress(username) ? this.#options.accounts.find(username) : undefined;
    const verdict = this.#passwords.verify(password, account?.passwordRecord);
    if (verdict === undefined) return refuse('overloaded', 'too many sign-ins wait', 5);
    if (!(await verdict) || account === undefined) return refuse('credentials-invalid');
    return accept({
      account,
      attestation: {
        kind: account.kind,
        method: 'password',
        credential: this.#credentialId(account.passwordRecord ?? ''),
      },
    });
  }

  /**
   * Names a password credential without deriving anything from the password: the record's salt is random, and only
   * the salt goes into the hash.
   */
  #credentialId(record: string): Uint8Array {
    const salt = record.split('$')[3] ?? '';
    return this.#options.sha256(utf8(`sealpost credential ${salt}`));
  }
}
