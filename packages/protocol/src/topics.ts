// SPDX-License-Identifier: Apache-2.0
// The reserved topic tree `mail/`, spec/topics.md.
import { parseAddress } from './address.ts';
import type { Address } from './address.ts';
import { eventWord, parseEventWord } from './event.ts';
import type { Event } from './event.ts';
import { parseMessageId } from './message-id.ts';
import type { MessageId } from './message-id.ts';
import { parsePrecedence, precedenceName } from './precedence.ts';
import type { Lane, Precedence } from './precedence.ts';
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

export const actions = ['open', 'acknowledge', 'decline', 'sign-for', 'refuse', 'cancel'] as const;
export type Action = (typeof actions)[number];

export const relaySubjects = ['message', 'evidence', 'status'] as const;
export type RelaySubject = (typeof relaySubjects)[number];

export type MailTopic =
  | { readonly kind: 'to'; readonly address: Address; readonly precedence?: Precedence }
  | { readonly kind: 'inbox'; readonly lane: Lane; readonly from: Address }
  | { readonly kind: 'evidence'; readonly id: MessageId; readonly event: Event }
  | { readonly kind: 'act'; readonly id: MessageId; readonly action: Action }
  | { readonly kind: 'relay'; readonly what: RelaySubject };

/** What a granted filter asks for; what it yields is decided message by message. */
export interface MailFilter {
  readonly kind: 'all' | 'inbox' | 'evidence';
}

/** [TOPIC-1] `mail` and everything under it; as a filter, what a leading `#` or `+` never matches. */
export function isReserved(topicOrFilter: string): boolean {
  return topicOrFilter === 'mail' || topicOrFilter.startsWith('mail/');
}

/** [TOPIC-11] Of a PUBLISH; a topic of this tree that means nothing is `topic-invalid`. */
export function parseMailTopic(topic: string): Result<MailTopic> {
  const [root, kind, first = '', second, ...more] = topic.split('/');
  if (root !== 'mail' || more.length > 0) return refuse('topic-invalid');
  switch (kind) {
    case 'to':
      return parseTo(first, second);
    case 'inbox':
      return parseInbox(first, second ?? '');
    case 'evidence':
      return parseEvidence(first, second ?? '');
    case 'act':
      return parseAct(first, second ?? '');
    case 'relay':
      return second === undefined && isRelaySubject(first)
        ? accept<MailTopic>({ kind: 'relay', what: first })
        : refuse('topic-invalid');
    default:
      return refuse('topic-invalid');
  }
}

/** [TOPIC-2] The address is canonicalised; a precedence may follow for clients without properties. */
function parseTo(addressText: string, precedenceText: string | undefined): Result<MailTopic> {
  const address = parseAddress(addressText);
  if (!address.ok) return address;
  if (precedenceText === undefined) return accept<MailTopic>({ kind: 'to', address: address.value });
  const precedence = parsePrecedence(precedenceText);
  if (!precedence.ok) return precedence;
  return accept<MailTopic>({ kind: 'to', address: address.value, precedence: precedence.value });
}

function parseInbox(laneText: string, fromText: string): Result<MailTopic> {
  const lane = parsePrecedence(laneText);
  const from = parseAddress(fromText);
  if (!lane.ok || !from.ok) return refuse('topic-invalid');
  return accept<MailTopic>({ kind: 'inbox', lane: lane.value, from: from.value });
}

function parseEvidence(idText: string, eventText: string): Result<MailTopic> {
  const id = parseMessageId(idText);
  const event = parseEventWord(eventText);
  if (!id.ok || !event.ok) return refuse('topic-invalid');
  return accept<MailTopic>({ kind: 'evidence', id: id.value, event: event.value });
}

function parseAct(idText: string, action: string): Result<MailTopic> {
  const id = parseMessageId(idText);
  if (!id.ok) return id;
  return isAction(action)
    ? accept<MailTopic>({ kind: 'act', id: id.value, action })
    : refuse('topic-invalid');
}

function isAction(text: string): text is Action {
  return (actions as readonly string[]).includes(text);
}

function isRelaySubject(text: string): text is RelaySubject {
  return (relaySubjects as readonly string[]).includes(text);
}

export function toTopic(address: Address): string {
  return `mail/to/${address}`;
}

export function inboxTopic(lane: Lane, from: Address): string {
  return `mail/inbox/${precedenceName(lane)}/${from}`;
}

export function evidenceTopic(id: MessageId, event: Event): string {
  return `mail/evidence/${id}/${eventWord(event)}`;
}

export function actTopic(id: MessageId, action: Action): string {
  return `mail/act/${id}/${action}`;
}

export function relayTopic(what: RelaySubject): string {
  return `mail/relay/${what}`;
}

const sharePrefix = '$share/';

/**
 * [TOPIC-3] [TOPIC-4] A filter under `mail/`, or a shared one whose filter is. Granted when it can match something an
 * account may read; another account's messages match it too, and are not yielded.
 */
export function checkMailFilter(filter: string): Result<MailFilter> {
  if (filter.startsWith(sharePrefix)) return refuse('filter-invalid', 'shared');
  const levels = filter.split('/');
  if (levels[0] !== 'mail' || !isWellFormedFilter(levels)) return refuse('filter-invalid', 'not well-formed');
  switch (levels[1]) {
    case '#':
    case '+':
      return accept<MailFilter>({ kind: 'all' });
    case 'inbox':
      return matches(levels, parsePrecedence)
        ? accept<MailFilter>({ kind: 'inbox' })
        : refuse('filter-invalid');
    case 'evidence':
      return matches(levels, parseMessageId)
        ? accept<MailFilter>({ kind: 'evidence' })
        : refuse('filter-invalid');
    default:
      return refuse('filter-invalid', 'nothing to subscribe to');
  }
}

/** Whether a shared subscription reaches into `mail/`: `$share/<name>/mail/…`. */
export function isSharedMail(filter: string): boolean {
  if (!filter.startsWith(sharePrefix)) return false;
  const end = filter.indexOf('/', sharePrefix.length);
  return end !== -1 && isReserved(filter.slice(end + 1));
}

/** MQTT 5 §4.7.1: wildcards fill their level, `#` is the last. */
function isWellFormedFilter(levels: readonly string[]): boolean {
  return levels.every((level, index) =>
    level === '#' ? index === levels.length - 1 : level === '+' || !/[#+]/.test(level),
  );
}

/** `mail/<kind>/<first>/<second>`, where the third level, unless a wildcard, is of the kind's own sort. */
function matches(levels: readonly string[], parse: (text: string) => Result<unknown>): boolean {
  const third = levels[2];
  const depth = levels.at(-1) === '#' ? levels.length - 1 : levels.length;
  if (depth > 4 || third === undefined) return false;
  return third === '#' || third === '+' || parse(third).ok;
}
