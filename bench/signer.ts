// SPDX-License-Identifier: Apache-2.0
import { loadCredential, nodeSigner } from '@sealpost/identity/node';
import type { Signer } from '@sealpost/protocol';
import { basename, dirname } from 'node:path';

/** The key and certificate that `sealpost dev` made for an account. */
export async function signerOfAccount({ certFile }: { readonly certFile: string }): Promise<Signer> {
  const { certificate, chain, privateKey } = await loadCredential(
    dirname(certFile),
    basename(certFile, '.pem'),
  );
  return nodeSigner({ certificateDer: certificate, chain, privateKey });
}
