// SPDX-License-Identifier: Apache-2.0
// MQTT user properties of a message: what a stock client may say in a submission, and the readable copies of claims.
import { fromBase64Url } from './bytes.ts';
import type { Address } from './address.ts';
import { isSubject, messageClasses } from './claims.ts';
import type { Claims, MessageClass } from './claims.ts';
import { eventWord, orderedEvents, parseEventWord } from './event.ts';
import type { Event } from './event.ts';
import { formatAttempts, parseAttempts, saysNothing } from './lifetime.ts';
import type { Attempts } from './lifetime.ts';
import { parseMessageId } from './message-id.ts';
import type { MessageId } from './message-id.ts';
import { Precedence, parsePrecedence, precedenceName } from './precedence.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

export type UserProperties = readonly (readonly [string, string])[];

export const userPropertiesMax = 32;
export const propertyCharactersMax = 1024;

export interface SubmissionProperties {
  readonly precedence?: Precedence;
  readonly class?: MessageClass;
  readonly ask?: readonly Event[];
  readonly attempts?: Attempts;
  readonly subject?: string;
  readonly id?: MessageId;
  readonly inReplyTo?: MessageId;
  readonly thread?: MessageId;
  /** The decoded bytes, not yet looked at. */
  readonly seal?: Uint8Array;
}

// [TOPIC-5] Only what the server computed is ever emitted under these names.
const serverWords: ReadonlySet<string> = new Set([
  'from',
  'trust',
  'lane',
  'evidence',
  'error',
  'retry-after',
]);

type Field = keyof SubmissionProperties;
type Readers = { readonly [K in Field]-?: (text: string) => Result<NonNullable<SubmissionProperties[K]>> };

const readers: Readers = {
  precedence: parsePrecedence,
  class: parseClass,
  ask: parseAsk,
  attempts: parseAttempts,
  subject: (text) => (isSubject(text) ? accept(text) : refuse('property-invalid', 'subject')),
  id: parseMessageId,
  inReplyTo: parseMessageId,
  thread: parseMessageId,
  seal: (text) => {
    const bytes = fromBase64Url(text);
    return bytes === undefined ? refuse('property-invalid', 'seal') : accept(bytes);
  },
};

const fieldByName = new Map<string, Field>([
  ['precedence', 'precedence'],
  ['class', 'class'],
  ['ask', 'ask'],
  ['attempts', 'attempts'],
  ['subject', 'subject'],
  ['id', 'id'],
  ['in-reply-to', 'inReplyTo'],
  ['thread', 'thread'],
  ['seal', 'seal'],
]);

function parseClass(text: string): Result<MessageClass> {
  const found = messageClasses.find((name) => name === text);
  return found === undefined ? refuse('property-invalid', 'class') : accept(found);
}

/** `delivered,fetched`: words of events, in any order. */
export function parseAsk(text: string): Result<readonly Event[]> {
  const asked: Event[] = [];
  for (const word of text.split(',')) {
    const event = parseEventWord(word);
    if (!event.ok) return event;
    asked.push(event.value);
  }
  return accept(orderedEvents(asked));
}

export function formatAsk(ask: readonly Event[]): string {
  return ask.map(eventWord).join(',');
}

/**
 * [TOPIC-6] The properties of a submission. Unknown names are left alone: they are not part of the message. `issuer` is
 * the only value that `from` may have.
 */
export function readSubmission(properties: UserProperties, issuer?: Address): Result<SubmissionProperties> {
  if (properties.length > userPropertiesMax) return refuse('too-many-properties');
  const read: { [K in Field]?: unknown } = {};
  for (const [name, text] of properties) {
    if (serverWords.has(name) && !(name === 'from' && text === issuer))
      return refuse('reserved-property', name);
    const field = fieldByName.get(name);
    if (field === undefined) continue;
    if (field !== 'seal' && text.length > propertyCharactersMax) return refuse('too-many-properties', name);
    if (read[field] !== undefined) return refuse('property-invalid', `${name} twice`);
    const value = readers[field](text);
    if (!value.ok) return value;
    read[field] = value.value;
  }
  return accept(read as SubmissionProperties);
}

/** [TOPIC-7] Copies beside a seal: each that is present says exactly what the claim says, or its default. */
export function checkCopies(properties: UserProperties, claims: Claims): Result<void> {
  const read = readSubmission(properties, claims.issuer);
  if (!read.ok) return read;
  const copies = read.value;
  const claimed: SubmissionProperties = claims;
  for (const field of comparedFields) {
    const copy = copies[field];
    if (copy !== undefined && textOf(field, copy) !== textOf(field, claimed[field])) {
      return refuse('copy-disagrees', field);
    }
  }
  return accept();
}

const comparedFields = [
  'precedence',
  'class',
  'ask',
  'attempts',
  'subject',
  'id',
  'inReplyTo',
  'thread',
] as const;

type Compared = (typeof comparedFields)[number];

function textOf(field: Compared, value: SubmissionProperties[Compared]): string {
  return JSON.stringify(field === 'attempts' ? formatAttempts((value ?? {}) as Attempts) : value);
}

/** [TOPIC-8] The copies that a delivery carries: claims that are not at their default, and always the precedence. */
export function copiesOf(claims: Claims): (readonly [string, string])[] {
  const copies: (readonly [string, string])[] = [['precedence', precedenceName(claims.precedence)]];
  if (claims.class !== 'ordinary') copies.push(['class', claims.class]);
  if (claims.ask.length > 0) copies.push(['ask', formatAsk(claims.ask)]);
  if (claims.attempts !== undefined && !saysNothing(claims.attempts)) {
    copies.push(['attempts', formatAttempts(claims.attempts)]);
  }
  if (claims.subject !== undefined) copies.push(['subject', claims.subject]);
  copies.push(['id', claims.id]);
  if (claims.inReplyTo !== undefined) copies.push(['in-reply-to', claims.inReplyTo]);
  if (claims.thread !== undefined) copies.push(['thread', claims.thread]);
  return copies;
}
