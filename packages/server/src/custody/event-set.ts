// SPDX-License-Identifier: Apache-2.0
import { events as allEvents, type Event } from '@sealpost/protocol';

/** Events as bits, 1 << event, as they are stored. */
export type EventSet = number;

export const noEvents: EventSet = 0;

export function eventSet(events: readonly Event[]): EventSet {
  let set = noEvents;
  for (const event of events) set |= 1 << event;
  return set;
}

/** Ascending. */
export function eventsOf(set: EventSet): readonly Event[] {
  return set === noEvents ? [] : allEvents.filter((event) => hasEvent(set, event));
}

export function hasEvent(set: EventSet, event: Event): boolean {
  return (set & (1 << event)) !== 0;
}
