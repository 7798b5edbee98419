// SPDX-License-Identifier: Apache-2.0
import type { Signer } from '@sealpost/protocol';
import { nodeSigner, readCertificates, readPrivateKey } from '@sealpost/identity/node';
import { asProfileError } from './profile-error.ts';
import type { Profile } from './profile.ts';

/** The account's own key, when the profile has one: its messages then carry origin seals. */
export async function profileSigner(profile: Profile): Promise<Signer | undefined> {
  const { certFile, keyFile } = profile;
  if (certFile === undefined || keyFile === undefined) return undefined;
  try {
    const [leaf = new Uint8Array(0), ...issuers] = await readCertificates(certFile);
    const privateKey = await readPrivateKey(keyFile);
    const authorities = issuers.length > 0 ? issuers : await ownAuthorities(profile);
    return nodeSigner({ certificateDer: leaf, chain: [leaf, ...authorities], privateKey });
  } catch (error) {
    throw asProfileError(error);
  }
}

/** A certificate file may have the leaf alone; the authority that issued it is then the own domain's anchor. */
async function ownAuthorities({ address, anchors }: Profile): Promise<readonly Uint8Array[]> {
  const own = anchors.find(({ domain }) => address.endsWith(`@${domain}`));
  const [file] = own?.authorityFiles ?? [];
  return file === undefined ? [] : (await readCertificates(file)).slice(0, 1);
}
