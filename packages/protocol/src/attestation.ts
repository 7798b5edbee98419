// SPDX-License-Identifier: Apache-2.0
// [MSG-12] What a domain says when it signs for an account: which kind it is and how it proved itself.
import { AccountKind, hashBytesLength } from './crypto.ts';

export type AttestationMethod = 'password' | 'mtls' | 'gateway';

export interface Attestation {
  readonly kind: AccountKind;
  readonly method: AttestationMethod;
  /** SHA-256 of the credential's certificate, or 32 random bytes that name the credential; never made from a password. */
  readonly credential: Uint8Array;
}

// The wire number is the position, from 1.
const kinds = [
  AccountKind.person,
  AccountKind.role,
  AccountKind.organisation,
  AccountKind.device,
  AccountKind.channel,
] as const;
const methods = ['password', 'mtls', 'gateway'] as const satisfies readonly AttestationMethod[];

export function attestationMap({ kind, method, credential }: Attestation): Map<number, unknown> {
  return new Map<number, unknown>([
    [1, kinds.indexOf(kind) + 1],
    [2, methods.indexOf(method) + 1],
    [3, credential],
  ]);
}

/** Undefined when it is not exactly {kind, method, credential}. */
export function readAttestation(value: unknown): Attestation | undefined {
  if (!(value instanceof Map) || value.size !== 3) return undefined;
  const kind = fromPosition(kinds, value.get(1));
  const method = fromPosition(methods, value.get(2));
  const credential: unknown = value.get(3);
  if (kind === undefined || method === undefined) return undefined;
  if (!(credential instanceof Uint8Array) || credential.length !== hashBytesLength) return undefined;
  return { kind, method, credential };
}

function fromPosition<T>(list: readonly T[], position: unknown): T | undefined {
  return typeof position === 'number' ? list[position - 1] : undefined;
}
