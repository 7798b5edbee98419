// SPDX-License-Identifier: Apache-2.0
// [ID-22] The account listener's own certificate, where the operator has none from elsewhere.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  createTlsAuthority,
  encodePem,
  loadCredential,
  loadTlsAuthority,
  saveCredential,
  saveTlsAuthority,
  type Credential,
} from '@sealpost/identity/node';
import { made } from './made.ts';

/** PEM. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
}

const renewedBeforeMs = 30 * 86_400_000;
const name = 'tls-listener';

/** What clients are told to trust. */
export const tlsAuthorityFile = 'tls-authority.pem';

/** For localhost, the loopback addresses and `host`; issued anew when it ends soon or names another host. */
export async function openListenerTls(directory: string, host: string): Promise<TlsMaterial> {
  const authority = await made(
    () => loadTlsAuthority(directory),
    () => createTlsAuthority(),
    (created) => saveTlsAuthority(directory, created),
  );
  return pemOf(
    await made(
      async () => usable(await loadCredential(directory, name), host),
      () => authority.issueServerCertificate(host === 'localhost' ? [] : [host]),
      (issued) => saveCredential(directory, name, issued),
    ),
  );
}

/** Rejects as if there were none when it has to be issued anew. */
function usable(credential: Credential, host: string): Credential {
  const certificate = new X509Certificate(credential.certificate);
  const isFresh = certificate.validToDate.getTime() > Date.now() + renewedBeforeMs;
  const isNamed = (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
  if (!isFresh || !isNamed) throw Object.assign(new Error('to be issued anew'), { code: 'ENOENT' });
  return credential;
}

export function pemOf({ chain, privateKey }: Credential): TlsMaterial {
  return { certificate: encodePem(chain), key: privateKey };
}
