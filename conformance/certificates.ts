// SPDX-License-Identifier: Apache-2.0
// Where a request's certificate comes from: described by what it says (taken as checked), so that a vector can test
// seals apart from X.509.
import { refuse } from '@sealpost/protocol';
import type { Domain, Result, SignedObject, SignerCertificate } from '@sealpost/protocol';
import { asCertificate } from './json-forms.ts';
import type { Json } from './json-forms.ts';

export async function findCertificate(
  input: Json,
  _signed: SignedObject,
  _domain: Domain,
): Promise<Result<SignerCertificate>> {
  if (input['certificate'] === undefined) return refuse('certificate-needed');
  return { ok: true, value: asCertificate(input['certificate'], 'certificate') };
}
