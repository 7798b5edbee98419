// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { domainOf, parseAddress } from '@sealpost/protocol';
import type { Result, Signer } from '@sealpost/protocol';
import { nodeSigner } from '@sealpost/identity/node';
import { SealpostError } from '../error.ts';
import { certificatesIn } from './pem.ts';
import type { Profile } from './profile.ts';

/** The account's own key, when the profile has one: its messages then carry origin seals. */
export async function profileSigner(profile: Profile): Promise<Signer | undefined> {
  const { certFile, keyFile } = profile;
  if (certFile === undefined || keyFile === undefined) return undefined;
  const [certificates, privateKey] = await Promise.all([
    readFile(certFile, 'utf8').then(certificatesIn),
    readFile(keyFile, 'utf8'),
  ]);
  const [leaf, ...issuers] = certificates;
  if (leaf === undefined) throw new SealpostError({ code: 'certificate-invalid', cause: certFile });
  const chain = issuers.length > 0 ? [leaf, ...issuers] : [leaf, ...(await ownAuthorities(profile))];
  return valueOf(nodeSigner({ certificateDer: leaf, chain, privateKey }));
}

/** A certificate file often has the leaf alone; the authority that issued it is then the own domain's anchor. */
async function ownAuthorities({ address, anchors }: Profile): Promise<Uint8Array[]> {
  const account = parseAddress(address);
  if (!account.ok) throw new SealpostError(account.refusal);
  const domain = domainOf(account.value);
  const files = anchors
    .filter((anchor) => anchor.domain === domain)
    .flatMap((anchor) => anchor.authorityFiles);
  const [file] = files;
  return file === undefined ? [] : certificatesIn(await readFile(file, 'utf8')).slice(0, 1);
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new SealpostError(result.refusal);
  return result.value;
}
