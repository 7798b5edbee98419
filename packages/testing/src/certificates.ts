// SPDX-License-Identifier: Apache-2.0
import { createTlsAuthority, saveCredential } from '@sealpost/identity/node';

/** A certificate of an authority of its own, `<name>.pem` and `<name>.key`, as an operator brings one; issued `now` in unix seconds. */
export async function makeServerCertificate(
  folder: string,
  name: string,
  { hosts = [], now }: { readonly hosts?: readonly string[]; now?(): number } = {},
): Promise<Uint8Array> {
  const authority = await createTlsAuthority(now === undefined ? {} : { now });
  const issued = await authority.issueServerCertificate(hosts);
  await saveCredential(folder, name, issued);
  return issued.certificate;
}
