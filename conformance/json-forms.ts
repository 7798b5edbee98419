// SPDX-License-Identifier: Apache-2.0
// How vectors and the adapter write the package's values in JSON: bytes as lower-case hex, events and precedence as
// words, times as Unix seconds. Reading throws BadInput: what is wrong with a request is the requester's.
import {
  AccountKind,
  Algorithm,
  CertificateRole,
  eventWord,
  fromHex,
  orderedEvents,
  parseAddress,
  parseDomain,
  parseEventWord,
  parseMessageId,
  parsePrecedence,
  precedenceName,
  toHex,
} from '@sealpost/protocol';
import type {
  Attempts,
  Attestation,
  Claims,
  Event,
  MessageClass,
  Result,
  SignerCertificate,
  Statement,
} from '@sealpost/protocol';

export class BadInput extends Error {}

export type Json = Readonly<Record<string, unknown>>;

export function asObject(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadInput(`${name}: not an object`);
  return value as Json;
}

export function asArray(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new BadInput(`${name}: not an array`);
  return value;
}

export function asText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new BadInput(`${name}: not a text`);
  return value;
}

export function asNumber(value: unknown, name: string): number {
  if (typeof value !== 'number') throw new BadInput(`${name}: not a number`);
  return value;
}

export function asBytes(value: unknown, name: string): Uint8Array {
  const bytes = fromHex(asText(value, name));
  if (bytes === undefined) throw new BadInput(`${name}: not lower-case hex`);
  return bytes;
}

/** What `read` makes of the value, or nothing when it is absent. */
export function optional<T>(
  value: unknown,
  name: string,
  read: (value: unknown, name: string) => T,
): T | undefined {
  return value === undefined ? undefined : read(value, name);
}

function parsed<T>(parse: (text: string) => Result<T>): (value: unknown, name: string) => T {
  return (value, name) => {
    const result = parse(asText(value, name));
    if (!result.ok) throw new BadInput(`${name}: ${result.refusal.code}`);
    return result.value;
  };
}

export const asAddress = parsed(parseAddress);
export const asDomain = parsed(parseDomain);
export const asMessageId = parsed(parseMessageId);
const asPrecedence = parsed(parsePrecedence);
const asEvent = parsed(parseEventWord);

function asEvents(value: unknown, name: string): readonly Event[] {
  return orderedEvents(asArray(value, name).map((word) => asEvent(word, name)));
}

function oneOf<T extends string>(values: readonly T[]): (value: unknown, name: string) => T {
  return (value, name) => {
    const found = values.find((known) => known === value);
    if (found === undefined) throw new BadInput(`${name}: not one of ${values.join(', ')}`);
    return found;
  };
}

const asKind = oneOf(Object.values(AccountKind));
const asRole = oneOf(Object.values(CertificateRole));
const asMethod = oneOf<Attestation['method']>(['password', 'mtls', 'gateway']);
const asClass = oneOf<MessageClass>(['ordinary', 'tracked', 'registered']);
const asAlgorithm = oneOf(['Ed25519', 'ESP256']);
const asOnExpiry = oneOf(['notify', 'discard']);

function asAttestation(value: unknown, name: string): Attestation {
  const { kind, method, credential } = asObject(value, name);
  return {
    kind: asKind(kind, 'kind'),
    method: asMethod(method, 'method'),
    credential: asBytes(credential, 'credential'),
  };
}

function asAttempts(value: unknown, name: string): Attempts {
  const { max, notBefore, onExpiry } = asObject(value, name);
  return defined({
    max: optional(max, 'max', asNumber),
    notBefore: optional(notBefore, 'notBefore', asNumber),
    onExpiry: optional(onExpiry, 'onExpiry', asOnExpiry),
  });
}

/** A certificate that has passed its chain check, by what it says. */
export function asCertificate(value: unknown, name: string): SignerCertificate {
  const json = asObject(value, name);
  const key = asObject(json['key'], 'key');
  return defined({
    hash: asBytes(json['hash'], 'hash'),
    role: asRole(json['role'], 'role'),
    domain: asDomain(json['domain'], 'domain'),
    address: optional(json['address'], 'address', asAddress),
    kind: optional(json['kind'], 'kind', asKind),
    key: {
      algorithm:
        asAlgorithm(key['algorithm'], 'algorithm') === 'Ed25519' ? Algorithm.Ed25519 : Algorithm.Esp256,
      bytes: asBytes(key['bytes'], 'bytes'),
    },
    notBefore: asNumber(json['notBefore'], 'notBefore'),
    notAfter: asNumber(json['notAfter'], 'notAfter'),
  });
}

export function asClaims(value: unknown, name: string): Claims {
  const json = asObject(value, name);
  return defined({
    issuer: asAddress(json['issuer'], 'issuer'),
    audience: asAddress(json['audience'], 'audience'),
    expires: asNumber(json['expires'], 'expires'),
    issuedAt: asNumber(json['issuedAt'], 'issuedAt'),
    id: asMessageId(json['id'], 'id'),
    precedence: asPrecedence(json['precedence'] ?? 'routine', 'precedence'),
    class: asClass(json['class'] ?? 'ordinary', 'class'),
    ask: asEvents(json['ask'] ?? [], 'ask'),
    attempts: optional(json['attempts'], 'attempts', asAttempts),
    subject: optional(json['subject'], 'subject', asText),
    inReplyTo: optional(json['inReplyTo'], 'inReplyTo', asMessageId),
    thread: optional(json['thread'], 'thread', asMessageId),
    attestation: optional(json['attestation'], 'attestation', asAttestation),
  });
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the members that are undefined. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}

function attestationJson({ kind, method, credential }: Attestation): Json {
  return { kind, method, credential: toHex(credential) };
}

export function claimsJson(claims: Claims): Json {
  return defined({
    ...claims,
    precedence: precedenceName(claims.precedence),
    ask: claims.ask.map(eventWord),
    attestation: claims.attestation && attestationJson(claims.attestation),
  });
}

export function statementJson(statement: Statement): Json {
  return defined({
    ...statement,
    events: statement.events.map(eventWord),
    digest: toHex(statement.digest),
    nonce: toHex(statement.nonce),
    lane: statement.lane === undefined ? undefined : precedenceName(statement.lane),
    attestation: statement.attestation && attestationJson(statement.attestation),
  });
}

export function certificateJson(certificate: SignerCertificate): Json {
  const { hash, key } = certificate;
  const algorithm = key.algorithm === Algorithm.Ed25519 ? 'Ed25519' : 'ESP256';
  return { ...certificate, hash: toHex(hash), key: { algorithm, bytes: toHex(key.bytes) } };
}

export function asProperties(value: unknown, name: string): readonly (readonly [string, string])[] {
  return asArray(value, name).map((pair) => {
    const [key, text] = asArray(pair, name);
    return [asText(key, name), asText(text, name)];
  });
}
