// SPDX-License-Identifier: Apache-2.0
import {
  accept,
  bodyBytesMax,
  contentTypeDefault,
  isContentType,
  isSubject,
  lifetimeDefaultSeconds,
  lifetimeMaxSeconds,
  orderedEvents,
  parseAddress,
  parseEventWord,
  parseMessageId,
  parsePrecedence,
  refuse,
  utf8,
} from '@sealpost/protocol';
import type { Address, Attempts, Event, EventWord, MessageId } from '@sealpost/protocol';
import type { Precedence, PrecedenceName, Result } from '@sealpost/protocol';

/** A message to send. Only `to` and `body` are required. */
export interface Outbound {
  readonly to: string;
  /** Text travels as UTF-8 and stays as it is; bytes need a `contentType`. At most 64 KiB. */
  readonly body: string | Uint8Array;
  /** `text/plain;charset=utf-8` unless given. */
  readonly contentType?: string;
  readonly subject?: string;
  /** `routine` unless given. */
  readonly precedence?: PrecedenceName;
  /** How long the message may still be delivered: 7 days unless given, 30 at most. */
  readonly lifetimeSeconds?: number;
  /** The events you want to hear of. Failure is told without asking. */
  readonly ask?: readonly EventWord[];
  readonly attempts?: Attempts;
  readonly inReplyTo?: string;
  readonly thread?: string;
  /** A UUID of your own; sending the same message with the same id again never makes a second one. */
  readonly id?: string;
}

/** The same, checked and in canonical form. */
export interface Draft {
  readonly to: Address;
  readonly body: Uint8Array;
  readonly isText: boolean;
  readonly contentType: string;
  readonly subject?: string;
  readonly precedence: Precedence;
  readonly lifetimeSeconds: number;
  readonly ask: readonly Event[];
  readonly attempts?: Attempts;
  readonly inReplyTo?: MessageId;
  readonly thread?: MessageId;
  readonly id?: MessageId;
}

/** What can be refused without asking a server is refused here, with the code that the server would give. */
export function draftOf(outbound: Outbound): Result<Draft> {
  const to = parseAddress(outbound.to);
  if (!to.ok) return to;
  const precedence = parsePrecedence(outbound.precedence ?? 'routine');
  if (!precedence.ok) return precedence;
  const lifetimeSeconds = outbound.lifetimeSeconds ?? lifetimeDefaultSeconds;
  if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > lifetimeMaxSeconds)
    return refuse('lifetime-invalid');
  if (outbound.subject !== undefined && !isSubject(outbound.subject))
    return refuse('property-invalid', 'subject');
  const body = bodyOf(outbound);
  if (!body.ok) return body;
  const ask = all(outbound.ask ?? [], parseEventWord);
  if (!ask.ok) return ask;
  const ids = idsOf(outbound);
  if (!ids.ok) return ids;
  return accept({
    to: to.value,
    precedence: precedence.value,
    lifetimeSeconds,
    ...body.value,
    ask: orderedEvents(ask.value),
    ...(outbound.subject === undefined ? {} : { subject: outbound.subject }),
    ...(outbound.attempts === undefined ? {} : { attempts: outbound.attempts }),
    ...ids.value,
  });
}

function bodyOf({
  body,
  contentType,
}: Outbound): Result<{ body: Uint8Array; isText: boolean; contentType: string }> {
  const isText = typeof body === 'string';
  // A copy: the message may have to wait, and the caller's buffer is the caller's.
  const bytes = isText ? utf8(body) : body.slice();
  if (bytes.length > bodyBytesMax) return refuse('body-too-large');
  const type = contentType ?? (isText ? contentTypeDefault : undefined);
  if (!isContentType(type)) return refuse('content-type-invalid', 'bytes need a content type');
  return accept({ body: bytes, isText, contentType: type });
}

function idsOf(outbound: Outbound): Result<Pick<Draft, 'id' | 'inReplyTo' | 'thread'>> {
  const ids: { id?: MessageId; inReplyTo?: MessageId; thread?: MessageId } = {};
  for (const name of ['id', 'inReplyTo', 'thread'] as const) {
    const text = outbound[name];
    if (text === undefined) continue;
    const id = parseMessageId(text);
    if (!id.ok) return id;
    ids[name] = id.value;
  }
  return accept(ids);
}

function all<T, U>(values: readonly T[], check: (value: T) => Result<U>): Result<U[]> {
  const accepted: U[] = [];
  for (const value of values) {
    const result = check(value);
    if (!result.ok) return result;
    accepted.push(result.value);
  }
  return accept(accepted);
}
