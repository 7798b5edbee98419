// SPDX-License-Identifier: Apache-2.0
import { Event, messageIdFromBytes, type Address, type Precedence } from '@sealpost/protocol';
import type { Stored } from './custody.ts';
import { eventSet, eventsOf } from './event-set.ts';
import type { State } from './states.ts';

/** A row of `message` as SQLite returns it; content where the query asked for it. */
export interface MessageRow {
  readonly holder: string;
  readonly id: Uint8Array;
  readonly issuer: string;
  readonly audience: string;
  readonly digest: Uint8Array;
  readonly state: number;
  readonly lane: number;
  readonly seq: number;
  readonly expires: number;
  readonly next_at: number;
  readonly attempts: number;
  readonly attempts_max: number | null;
  readonly quiet: number;
  readonly ask: number;
  readonly outcome: number | null;
  readonly handover: number | null;
  readonly said: number;
  readonly seal?: Uint8Array | null;
  readonly body?: Uint8Array | null;
}

const dispositionEvents = eventSet([Event.opened, Event.acknowledged, Event.declined]);

export function storedOf(row: MessageRow): Stored {
  return {
    holder: row.holder,
    id: messageIdFromBytes(row.id),
    issuer: row.issuer as Address,
    audience: row.audience as Address,
    digest: row.digest,
    state: row.state as State,
    lane: row.lane as Precedence,
    seq: row.seq,
    expires: row.expires,
    nextAt: row.next_at,
    attempts: row.attempts,
    ...(row.attempts_max === null ? {} : { attemptsMax: row.attempts_max }),
    quiet: row.quiet === 1,
    ask: eventsOf(row.ask),
    ...(row.outcome === null ? {} : { outcome: row.outcome as Event }),
    ...(row.handover === null ? {} : { handover: row.handover as Event }),
    dispositions: eventsOf(row.said & dispositionEvents),
    ...(row.seal instanceof Uint8Array ? { seal: row.seal } : {}),
    ...(row.body instanceof Uint8Array ? { body: row.body } : {}),
  };
}
