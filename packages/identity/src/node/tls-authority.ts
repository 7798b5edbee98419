// SPDX-License-Identifier: Apache-2.0
// [ID-22] Certificates for the TLS listener that accounts connect to. This authority has nothing to do with identity:
// it carries no name constraints, which mbedTLS refuses when critical, and no anchor pins it.
import { isIP } from 'node:net';
import { Algorithm, utf8 } from '@sealpost/protocol';
import { NameTag } from '../names.ts';
import { encodeDer } from '../der-writer.ts';
import { Oid } from '../oids.ts';
import { encodePublicKey } from '../public-key.ts';
import type { AuthorityOptions } from './authority.ts';
import { loadCredential, saveCredential } from './key-files.ts';
import type { Credential } from './key-files.ts';
import { generateKeys } from './keys.ts';
import { purposesExtension, subjectAltName } from './profile-extensions.ts';
import { authorityLifetimeSeconds, leafLifetimeSeconds, systemSeconds, validityFrom } from './validity.ts';

const ipAddressTag = 0x87;
const localNames = ['localhost', '127.0.0.1', '::1'];
const fileName = 'tls-authority';

/** Made by `createTlsAuthority` or `loadTlsAuthority`. */
export class TlsAuthority implements Credential {
  /** DER; what clients are told to trust. */
  readonly certificate: Uint8Array;
  readonly chain: readonly Uint8Array[];
  /** PKCS#8 PEM. */
  readonly privateKey: string;
  readonly #now: () => number;

  constructor({ certificate, chain, privateKey }: Credential, { now }: AuthorityOptions = {}) {
    this.certificate = certificate;
    this.chain = chain;
    this.privateKey = privateKey;
    this.#now = now ?? systemSeconds;
  }

  /** For localhost, the loopback addresses and the given names or addresses. */
  async issueServerCertificate(hostnames: readonly string[] = []): Promise<Credential> {
    const { issueCertificate } = await import('./issue.ts');
    const names = [...new Set([...localNames, ...hostnames])];
    const { privateKey, publicKey } = await generateKeys(Algorithm.Esp256);
    const certificate = await issueCertificate({
      commonName: hostnames[0] ?? 'localhost',
      keyInfo: encodePublicKey(publicKey),
      issuer: this.certificate,
      issuerKey: this.privateKey,
      isAuthority: false,
      ...validityFrom(this.#now(), leafLifetimeSeconds),
      extensions: [purposesExtension([Oid.serverAuth]), subjectAltName(...names.map(generalName))],
    });
    return { certificate, chain: [certificate, this.certificate], privateKey };
  }
}

function generalName(name: string): Uint8Array {
  return isIP(name) === 0
    ? encodeDer(NameTag.dnsName, utf8(name))
    : encodeDer(ipAddressTag, addressBytes(name));
}

function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.'), Number);
  // URL writes every IPv6 address in one form: hexadecimal groups, at most one `::`.
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail = ''] = text.split('::');
  const left = groups(head);
  const right = groups(tail);
  const middle = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return Uint8Array.from([...left, ...middle, ...right].flatMap((group) => [group >> 8, group & 0xff]));
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

export async function createTlsAuthority(options: AuthorityOptions = {}): Promise<TlsAuthority> {
  const { issueCertificate } = await import('./issue.ts');
  const { privateKey, publicKey } = await generateKeys(Algorithm.Esp256);
  const certificate = await issueCertificate({
    commonName: 'Sealpost TLS',
    keyInfo: encodePublicKey(publicKey),
    issuerKey: privateKey,
    isAuthority: true,
    ...validityFrom((options.now ?? systemSeconds)(), authorityLifetimeSeconds),
    extensions: [],
  });
  return new TlsAuthority({ certificate, chain: [certificate], privateKey }, options);
}

/** `tls-authority.pem` and `tls-authority.key` in the directory. */
export function saveTlsAuthority(directory: string, authority: TlsAuthority): Promise<void> {
  return saveCredential(directory, fileName, authority);
}

/** Rejects with ENOENT when the directory has none. */
export async function loadTlsAuthority(
  directory: string,
  options: AuthorityOptions = {},
): Promise<TlsAuthority> {
  return new TlsAuthority(await loadCredential(directory, fileName), options);
}
