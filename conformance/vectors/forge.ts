// SPDX-License-Identifier: Apache-2.0
// Signed objects that the package would never make: every part can be given, right or wrong, and is signed.
import { concatBytes, encodeCbor, fromHex, sigStructure, toHex } from '@sealpost/protocol';
import type { Signer } from '@sealpost/protocol';

export type Members = ReadonlyMap<unknown, unknown>;

export interface Forgery {
  readonly header: Members;
  readonly payload: Uint8Array;
  readonly signer: Signer;
  readonly unprotected?: Members;
  /** Replaces the encoded protected map. */
  readonly protectedBytes?: Uint8Array;
  readonly head?: string;
  readonly tail?: string;
}

export async function forge(forgery: Forgery): Promise<string> {
  const { header, payload, signer, unprotected = new Map(), head = 'd284', tail = '' } = forgery;
  const protectedBytes = forgery.protectedBytes ?? encodeCbor(header);
  const signature = await signer.sign(sigStructure(protectedBytes, new Uint8Array(0), payload));
  const parts = [protectedBytes, unprotected, payload, signature].map((part) => encodeCbor(part));
  return head + toHex(concatBytes(...parts)) + tail;
}

/** The members with some replaced, or left out where the new value is undefined. */
export function withMembers(members: Members, changes: Members): Members {
  const changed = new Map([...members, ...changes]);
  for (const [key, value] of changes) if (value === undefined) changed.delete(key);
  return changed;
}

export function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw new Error('hex');
  return bytes;
}
