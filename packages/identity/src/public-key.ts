// SPDX-License-Identifier: Apache-2.0
// SubjectPublicKeyInfo of the two key types (RFC 8410 §4, RFC 5480 §2). Their encodings differ from the key's own bytes
// by a constant prefix only.
import { Algorithm, concatBytes, equalBytes } from '@sealpost/protocol';
import type { PublicKey } from '@sealpost/protocol';
import { Tag } from './der.ts';
import { encodeDer, encodeOid } from './der-writer.ts';
import { Oid } from './oids.ts';

interface KeyForm {
  readonly algorithm: Algorithm;
  readonly prefix: Uint8Array;
  readonly keyBytesLength: number;
}

function form(algorithm: Algorithm, algorithmOids: readonly string[], keyBytesLength: number): KeyForm {
  const whole = encodeDer(
    Tag.sequence,
    encodeDer(Tag.sequence, ...algorithmOids.map(encodeOid)),
    encodeDer(Tag.bitString, new Uint8Array(1 + keyBytesLength)),
  );
  return { algorithm, prefix: whole.subarray(0, whole.length - keyBytesLength), keyBytesLength };
}

const ed25519 = form(Algorithm.Ed25519, [Oid.ed25519], 32);
const p256 = form(Algorithm.Esp256, [Oid.ecPublicKey, Oid.p256], 65);
const uncompressedPoint = 0x04;

/** [ID-2] Undefined for every other type of key. Whether a point lies on the curve is left to the crypto provider. */
export function parsePublicKey(info: Uint8Array): PublicKey | undefined {
  for (const { algorithm, prefix, keyBytesLength } of [ed25519, p256]) {
    if (info.length !== prefix.length + keyBytesLength) continue;
    if (!equalBytes(info.subarray(0, prefix.length), prefix)) continue;
    const bytes = info.subarray(prefix.length);
    if (algorithm === Algorithm.Esp256 && bytes[0] !== uncompressedPoint) continue;
    return { algorithm, bytes };
  }
  return undefined;
}

export function encodePublicKey({ algorithm, bytes }: PublicKey): Uint8Array {
  const { prefix, keyBytesLength } = algorithm === Algorithm.Ed25519 ? ed25519 : p256;
  if (bytes.length !== keyBytesLength) throw new RangeError('public key of the wrong length');
  return concatBytes(prefix, bytes);
}
