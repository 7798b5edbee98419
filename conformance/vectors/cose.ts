// SPDX-License-Identifier: Apache-2.0
import { concatBytes, encodeCbor, fromHex, sigStructure, toHex, utf8 } from '@sealpost/protocol';
import { signSign1 } from '../generic-cose.ts';
import { alarmKey, deskKey, fireKey, publicJwk, rawPublicKey } from './keys.ts';
import { stableKey } from './signers.ts';
import { entry } from './write.ts';
import type { Case, Vectors } from './write.ts';

const payload = utf8('Smoke in the kitchen');
const payloadHex = toHex(payload);
const none = new Uint8Array(0);

type Headers = ReadonlyMap<unknown, unknown>;

interface Shape {
  readonly inside?: Headers | Uint8Array;
  readonly outside?: Headers;
  readonly externalAad?: Uint8Array;
  readonly jwk?: typeof alarmKey;
  readonly head?: string;
}

/** Hand-made, so that it can be wrong in any way. */
function sign1({ inside, outside, externalAad = none, jwk = alarmKey, head = 'd284' }: Shape): string {
  const protectedBytes = inside instanceof Uint8Array ? inside : encodeCbor(inside ?? new Map([[1, -19]]));
  const signature = stableKey(jwk).sign(sigStructure(protectedBytes, externalAad, payload));
  const parts = [protectedBytes, outside ?? new Map(), payload, signature].map((part) => encodeCbor(part));
  return head + toHex(concatBytes(...parts));
}

const alarm = publicJwk(alarmKey);
const fire = publicJwk(fireKey);

function verify(name: string, cose: string, expected: object | string, rest: object = {}): Case {
  return entry(name, 'cose.verify1', { cose, key: alarm, ...rest }, expected);
}

const good = { payload: payloadHex };
const detached = toHex(signSign1(payload, stableKey(alarmKey), true));
const aad = utf8('context');

export const coseVectors: Vectors = {
  about: 'COSE_Sign1 as RFC 9052 defines it, looser than a seal.',
  cases: [
    verify('Ed25519, tagged', sign1({}), good),
    verify('Ed25519, without tag', sign1({ head: '84' }), good),
    verify('ESP256', sign1({ jwk: fireKey, inside: new Map([[1, -9]]) }), good, { key: fire }),
    verify('EdDSA (-8) with an Ed25519 key', sign1({ inside: new Map([[1, -8]]) }), good),
    verify('ES256 (-7) with a P-256 key', sign1({ jwk: fireKey, inside: new Map([[1, -7]]) }), good, {
      key: fire,
    }),
    verify('alg unprotected, protected empty', sign1({ inside: none, outside: new Map([[1, -19]]) }), good),
    verify(
      'protected is an encoded empty map',
      sign1({ inside: Uint8Array.of(0xa0), outside: new Map([[1, -19]]) }),
      good,
    ),
    verify('kid', sign1({ outside: new Map([[4, utf8('11')]]) }), good),
    verify('external data', sign1({ externalAad: aad }), good, { externalAad: toHex(aad) }),
    verify('detached payload', detached, good, { payload: payloadHex }),
    verify('attached payload given as well', sign1({}), good, { payload: payloadHex }),
    verify(
      'critical header that is understood',
      sign1({
        inside: new Map<number, unknown>([
          [1, -19],
          [2, [1]],
        ]),
      }),
      good,
    ),
    verify('not deterministic CBOR', sign1({ head: 'd29804' }), good),
    entry(
      'sign with Ed25519',
      'cose.sign1',
      { payload: payloadHex, key: alarmKey },
      { cose: toHex(signSign1(payload, stableKey(alarmKey), false)) },
    ),
    entry(
      'sign with Ed25519, detached',
      'cose.sign1',
      { payload: payloadHex, key: alarmKey, detached: true },
      { cose: detached },
    ),
    verify('other tag', sign1({ head: 'd184' }), 'cbor-invalid'),
    verify('array of three', `83${sign1({}).slice(4)}`, 'cbor-invalid'),
    verify('array of two', '824043a10126', 'cose-invalid'),
    verify('trailing bytes', `${sign1({})}00`, 'cbor-invalid'),
    verify('duplicate label', sign1({ inside: fromHex('a201320132') ?? none }), 'cbor-invalid'),
    verify('label in both buckets', sign1({ outside: new Map([[1, -19]]) }), 'cose-invalid'),
    verify('no alg', sign1({ inside: none }), 'unsupported-algorithm'),
    verify('alg of another key', sign1({ inside: new Map([[1, -9]]) }), 'unsupported-algorithm'),
    verify('alg unknown', sign1({ inside: new Map([[1, -35]]) }), 'unsupported-algorithm'),
    verify('no payload', detached, 'cose-invalid'),
    verify('two payloads', sign1({}), 'cose-invalid', { payload: '00' }),
    verify('other detached payload', detached, 'signature-invalid', { payload: '00' }),
    verify('external data missing', sign1({ externalAad: aad }), 'signature-invalid'),
    verify('other key', sign1({ jwk: deskKey }), 'signature-invalid'),
    verify(
      'critical header that is not understood',
      sign1({
        inside: new Map<number, unknown>([
          [1, -19],
          [2, [99]],
          [99, 1],
        ]),
      }),
      'cose-invalid',
    ),
    verify(
      'critical header that is absent',
      sign1({
        inside: new Map<number, unknown>([
          [1, -19],
          [2, [4]],
        ]),
      }),
      'cose-invalid',
    ),
    verify(
      'crit empty',
      sign1({
        inside: new Map<number, unknown>([
          [1, -19],
          [2, []],
        ]),
      }),
      'cose-invalid',
    ),
    verify('crit unprotected', sign1({ outside: new Map([[2, [1]]]) }), 'cose-invalid'),
    verify('signature of 63 bytes', sign1({}).replace('5840', '583f').slice(0, -2), 'signature-invalid'),
  ],
};

function rawCases(op: string, jwk: typeof alarmKey): Case[] {
  const key = rawPublicKey(jwk);
  const signature = stableKey(jwk).sign(payload);
  const flipped = signature.map((byte, index) => (index === 40 ? byte ^ 1 : byte));
  const input = { key: toHex(key), message: payloadHex, signature: toHex(signature) };
  return [
    entry('valid', op, input, {}),
    entry('other message', op, { ...input, message: '00' }, 'signature-invalid'),
    entry('one bit of the signature', op, { ...input, signature: toHex(flipped) }, 'signature-invalid'),
    entry('signature of zeros', op, { ...input, signature: '00'.repeat(64) }, 'signature-invalid'),
    entry('signature too short', op, { ...input, signature: input.signature.slice(2) }, 'signature-invalid'),
    entry('signature too long', op, { ...input, signature: `${input.signature}00` }, 'signature-invalid'),
    entry('key too short', op, { ...input, key: input.key.slice(0, -2) }, 'signature-invalid'),
    entry('key too long', op, { ...input, key: `${input.key}00` }, 'signature-invalid'),
  ];
}

export const ed25519Vectors: Vectors = {
  about: 'Ed25519 (RFC 8032) with raw keys. Accepted is what OpenSSL accepts.',
  cases: [
    entry(
      'RFC 8032 test 1',
      'ed25519.verify',
      {
        key: toHex(rawPublicKey(alarmKey)),
        message: '',
        signature:
          'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      },
      {},
    ),
    ...rawCases('ed25519.verify', alarmKey),
  ],
};

const fireHex = toHex(rawPublicKey(fireKey));
const fireSignature = toHex(stableKey(fireKey).sign(payload));
const curveOrder = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

export const p256Vectors: Vectors = {
  about: 'ECDSA with P-256 and SHA-256: uncompressed point, signature as r and s of 32 bytes each.',
  cases: [
    entry(
      'RFC 6979 A.2.5, message "sample"',
      'p256.verify',
      {
        key: fireHex,
        message: toHex(utf8('sample')),
        signature:
          'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
      },
      {},
    ),
    ...rawCases('p256.verify', fireKey),
    entry(
      'point not on the curve',
      'p256.verify',
      { key: `${fireHex.slice(0, -2)}98`, message: payloadHex, signature: fireSignature },
      'signature-invalid',
    ),
    entry(
      'compressed point',
      'p256.verify',
      { key: `03${fireHex.slice(2, 66)}`, message: payloadHex, signature: fireSignature },
      'signature-invalid',
    ),
    entry(
      's is the order of the curve',
      'p256.verify',
      { key: fireHex, message: payloadHex, signature: fireSignature.slice(0, 64) + curveOrder },
      'signature-invalid',
    ),
  ],
};
