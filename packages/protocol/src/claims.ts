// SPDX-License-Identifier: Apache-2.0
// The claims of a message, spec/message.md: a CWT claims set (RFC 8392) inside the seal's protected header (RFC 9597).
import { isCanonicalAddress } from './address.ts';
import type { Address } from './address.ts';
import { attestationMap, readAttestation } from './attestation.ts';
import type { Attestation } from './attestation.ts';
import { utf8 } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { isEvent, orderedEvents } from './event.ts';
import type { Event } from './event.ts';
import { attemptsMax, saysNothing } from './lifetime.ts';
import type { Attempts } from './lifetime.ts';
import { messageIdBytes, messageIdBytesLength, messageIdFromBytes } from './message-id.ts';
import type { MessageId } from './message-id.ts';
import { Precedence, isPrecedence } from './precedence.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

export const messageClasses = ['ordinary', 'tracked', 'registered'] as const;
/** [MSG-11] `tracked`: evidence wanted. `registered`: the recipient signs for it before reading. */
export type MessageClass = (typeof messageClasses)[number];

export const subjectBytesMax = 256;

/** Times are Unix seconds. */
export interface Claims {
  readonly issuer: Address;
  readonly audience: Address;
  readonly expires: number;
  readonly issuedAt: number;
  readonly id: MessageId;
  readonly precedence: Precedence;
  readonly class: MessageClass;
  /** Ascending, each once. */
  readonly ask: readonly Event[];
  readonly attempts?: Attempts;
  readonly subject?: string;
  readonly inReplyTo?: MessageId;
  readonly thread?: MessageId;
  /** Domain seals only. */
  readonly attestation?: Attestation;
}

/** [MSG-2] CWT claims keep their registered keys; ours are private, below -65536, until they are registered. */
export const Claim = {
  issuer: 1,
  audience: 3,
  expires: 4,
  issuedAt: 6,
  id: 7,
  precedence: -65537,
  class: -65538,
  ask: -65539,
  attempts: -65540,
  subject: -65541,
  inReplyTo: -65542,
  thread: -65543,
  attachments: -65544,
  attestation: -65550,
} as const;

// [MSG-6]
const requiredClaims = 5;

/** [MSG-4] A claim that has its default value is left out. */
export function encodeClaims(claims: Claims): Uint8Array {
  const map = new Map<number, unknown>([
    [Claim.issuer, claims.issuer],
    [Claim.audience, claims.audience],
    [Claim.expires, claims.expires],
    [Claim.issuedAt, claims.issuedAt],
    [Claim.id, messageIdBytes(claims.id)],
  ]);
  if (claims.precedence !== Precedence.routine) map.set(Claim.precedence, claims.precedence);
  if (claims.class !== 'ordinary') map.set(Claim.class, messageClasses.indexOf(claims.class));
  if (claims.ask.length > 0) map.set(Claim.ask, orderedEvents(claims.ask));
  if (claims.attempts !== undefined && !saysNothing(claims.attempts)) {
    map.set(Claim.attempts, attemptsMap(claims.attempts));
  }
  if (claims.subject !== undefined) map.set(Claim.subject, claims.subject);
  if (claims.inReplyTo !== undefined) map.set(Claim.inReplyTo, messageIdBytes(claims.inReplyTo));
  if (claims.thread !== undefined) map.set(Claim.thread, messageIdBytes(claims.thread));
  if (claims.attestation !== undefined) map.set(Claim.attestation, attestationMap(claims.attestation));
  return encodeCbor(map);
}

function attemptsMap({ max, notBefore, onExpiry }: Attempts): Map<number, number> {
  const map = new Map<number, number>();
  if (max !== undefined) map.set(1, max);
  if (notBefore !== undefined) map.set(2, notBefore);
  if (onExpiry === 'discard') map.set(3, 1);
  return map;
}

/** `map` comes out of the strict decoder: keys are unique and in order. */
export function decodeClaims(map: ReadonlyMap<unknown, unknown>): Result<Claims> {
  const issuer = map.get(Claim.issuer);
  const audience = map.get(Claim.audience);
  // [MSG-3] Both in canonical form, so that comparing bytes compares addresses.
  if (!isAddress(issuer) || !isAddress(audience)) return refuse('claims-invalid', 'iss or aud');
  const expires = map.get(Claim.expires);
  const issuedAt = map.get(Claim.issuedAt);
  if (!isTime(expires) || !isTime(issuedAt)) return refuse('claims-invalid', 'exp or iat');
  const id = readMessageId(map.get(Claim.id));
  if (id === undefined) return refuse('claims-invalid', 'cti');
  const required = {
    issuer,
    audience,
    expires,
    issuedAt,
    id,
    precedence: Precedence.routine,
    class: 'ordinary',
    ask: [],
  } as const;
  if (map.size === requiredClaims) return accept<Claims>(required);
  return readOptionalClaims(map, required);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function readOptionalClaims(map: ReadonlyMap<unknown, unknown>, required: Claims): Result<Claims> {
  const claims: Writable<Claims> = { ...required };
  for (const [key, value] of map) {
    const reason = readClaim(claims, key, value);
    if (reason !== undefined) return refuse('claims-invalid', reason);
  }
  const { attempts, expires } = claims;
  if (attempts?.notBefore !== undefined && attempts.notBefore >= expires) {
    return refuse('claims-invalid', 'attempts: not-before is not before exp');
  }
  return accept<Claims>(claims);
}

/** Stores one claim; returns why it is not valid. */
function readClaim(claims: Writable<Claims>, key: unknown, value: unknown): string | undefined {
  switch (key) {
    case Claim.issuer:
    case Claim.audience:
    case Claim.expires:
    case Claim.issuedAt:
    case Claim.id:
      return undefined;
    case Claim.precedence:
      if (!isPrecedence(value) || value === Precedence.routine) return 'precedence';
      claims.precedence = value;
      return undefined;
    case Claim.class: {
      const name = typeof value === 'number' && value > 0 ? messageClasses[value] : undefined;
      return name === undefined ? 'class' : store(claims, 'class', name);
    }
    case Claim.ask:
      return isAsk(value) ? store(claims, 'ask', value) : 'ask';
    case Claim.attempts:
      return storeIfDefined(claims, 'attempts', readAttempts(value));
    case Claim.subject:
      return isSubject(value) ? store(claims, 'subject', value) : 'subject';
    case Claim.inReplyTo:
      return storeIfDefined(claims, 'inReplyTo', readMessageId(value));
    case Claim.thread:
      return storeIfDefined(claims, 'thread', readMessageId(value));
    case Claim.attestation:
      return storeIfDefined(claims, 'attestation', readAttestation(value));
    default:
      // [MSG-5] Unknown private claims are extensions; an unknown registered one may change what the others mean.
      return isPrivateKey(key) ? undefined : 'unknown claim';
  }
}

function store<K extends keyof Claims>(claims: Writable<Claims>, name: K, value: Claims[K]): undefined {
  claims[name] = value;
}

function storeIfDefined<K extends 'attempts' | 'inReplyTo' | 'thread' | 'attestation'>(
  claims: Writable<Claims>,
  name: K,
  value: Claims[K] | undefined,
): string | undefined {
  if (value === undefined) return name;
  claims[name] = value;
  return undefined;
}

function isPrivateKey(key: unknown): boolean {
  return (typeof key === 'number' || typeof key === 'bigint') && key < 0;
}

function isAddress(value: unknown): value is Address {
  return typeof value === 'string' && isCanonicalAddress(value);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

/** [MSG-10] Plain text of one line. */
export function isSubject(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    !/[\p{Cc}\u2028\u2029]/u.test(value) &&
    value.isWellFormed() &&
    utf8(value).length <= subjectBytesMax
  );
}

function readMessageId(value: unknown): MessageId | undefined {
  return value instanceof Uint8Array && value.length === messageIdBytesLength
    ? messageIdFromBytes(value)
    : undefined;
}

/** [MSG-8] Events in ascending order, each once. */
function isAsk(value: unknown): value is readonly Event[] {
  return Array.isArray(value) && value.length > 0 && isAscendingEvents(value);
}

export function isAscendingEvents(list: readonly unknown[]): list is readonly Event[] {
  return list.every((event, index) => isEvent(event) && (index === 0 || event > Number(list[index - 1])));
}

function readAttempts(value: unknown): Attempts | undefined {
  if (!(value instanceof Map) || value.size === 0) return undefined;
  const max: unknown = value.get(1);
  const notBefore: unknown = value.get(2);
  const onExpiry: unknown = value.get(3);
  const known = [max, notBefore, onExpiry].filter((field) => field !== undefined).length;
  if (known !== value.size) return undefined;
  if (max !== undefined && !(isTime(max) && max <= attemptsMax)) return undefined;
  if (notBefore !== undefined && !isTime(notBefore)) return undefined;
  if (onExpiry !== undefined && onExpiry !== 1) return undefined;
  return {
    ...(max !== undefined && { max }),
    ...(notBefore !== undefined && { notBefore }),
    ...(onExpiry !== undefined && { onExpiry: 'discard' }),
  };
}
