// SPDX-License-Identifier: Apache-2.0
// The events that evidence states, spec/evidence.md. Numbers are the wire form; words are what people and topics see.
import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

export const Event = {
  accepted: 1,
  rejected: 2,
  relayed: 3,
  relayRefused: 4,
  relayFailed: 5,
  waiting: 6,
  signedFor: 7,
  refused: 8,
  expired: 9,
  delivered: 10,
  notDeliverable: 11,
  fetched: 12,
  lapsed: 13,
  opened: 14,
  acknowledged: 15,
  declined: 16,
  cancelled: 17,
  unconfirmed: 18,
} as const;
export type Event = (typeof Event)[keyof typeof Event];

/** `recipient`: the recipient's own key, or its domain with an attestation. `custodian`: whichever domain has custody. */
export type EventSigner = 'sender-domain' | 'recipient-domain' | 'recipient' | 'custodian';

// [EVID-5] Who may state what. The third column is ETSI EN 319 522-1; ours where it has no such event.
const rows = [
  [Event.accepted, 'accepted', 'A.1 SubmissionAcceptance', 'sender-domain'],
  [Event.rejected, 'rejected', 'A.2 SubmissionRejection', 'sender-domain'],
  [Event.relayed, 'relayed', 'B.1 RelayAcceptance', 'recipient-domain'],
  [Event.relayRefused, 'relay-refused', 'B.2 RelayRejection', 'recipient-domain'],
  [Event.relayFailed, 'relay-failed', 'B.3 RelayFailure', 'sender-domain'],
  [Event.waiting, 'waiting', 'C.1 NotificationForAcceptance', 'recipient-domain'],
  [Event.signedFor, 'signed-for', 'C.3 ConsignmentAcceptance', 'recipient'],
  [Event.refused, 'refused', 'C.4 ConsignmentRejection', 'recipient'],
  [Event.expired, 'expired', 'C.5 AcceptanceRejectionExpiry', 'recipient-domain'],
  [Event.delivered, 'delivered', 'D.1 ContentConsignment', 'recipient-domain'],
  [Event.notDeliverable, 'not-deliverable', 'D.2 ContentConsignmentFailure', 'recipient-domain'],
  [Event.fetched, 'fetched', 'E.1 ContentHandover', 'recipient-domain'],
  [Event.lapsed, 'lapsed', 'E.2 ContentHandoverFailure', 'recipient-domain'],
  [Event.opened, 'opened', 'D.6 ContentAccessTracking', 'recipient'],
  [Event.acknowledged, 'acknowledged', 'Acknowledged', 'recipient'],
  [Event.declined, 'declined', 'Declined', 'recipient'],
  [Event.cancelled, 'cancelled', 'Cancelled', 'custodian'],
  [Event.unconfirmed, 'unconfirmed', 'Unconfirmed', 'sender-domain'],
] as const satisfies readonly (readonly [Event, string, string, EventSigner])[];

type Row = (typeof rows)[number];
export type EventWord = Row[1];

const rowByEvent = new Map<unknown, Row>(rows.map((row) => [row[0], row]));
const eventByWord = new Map<string, Event>(rows.map((row) => [row[1], row[0]]));

export const events: readonly Event[] = rows.map((row) => row[0]);

function rowOf(event: Event): Row {
  const row = rowByEvent.get(event);
  if (row === undefined) throw new TypeError('not an event');
  return row;
}

export function isEvent(value: unknown): value is Event {
  return rowByEvent.has(value);
}

export function eventWord(event: Event): EventWord {
  return rowOf(event)[1];
}

export function etsiName(event: Event): string {
  return rowOf(event)[2];
}

export function signerOf(event: Event): EventSigner {
  return rowOf(event)[3];
}

export function parseEventWord(text: string): Result<Event> {
  const event = eventByWord.get(text);
  return event === undefined ? refuse('property-invalid', 'not an event') : accept(event);
}

/** The one order of a list of events: ascending, each once. */
export function orderedEvents(list: Iterable<Event>): readonly Event[] {
  return [...new Set(list)].sort((left, right) => left - right);
}
