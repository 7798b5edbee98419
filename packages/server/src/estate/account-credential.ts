// SPDX-License-Identifier: Apache-2.0
import { loadAuthority, nodeCrypto, saveCredential, type Credential } from '@sealpost/identity/node';
import type { AccountKind, Address } from '@sealpost/protocol';

/** Issued by the domain's authority; `<address>.pem` and `<address>.key` in the folder, which must be there. */
export async function issueAccountCredential(
  directory: string,
  account: { readonly address: Address; readonly kind: AccountKind },
  folder: string,
): Promise<Credential & { readonly hash: Uint8Array }> {
  const authority = await loadAuthority(directory);
  const issued = await authority.issueAccount(account);
  await saveCredential(folder, account.address, issued);
  return { ...issued, hash: nodeCrypto.sha256(issued.certificate) };
}
