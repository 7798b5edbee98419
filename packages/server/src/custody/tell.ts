// SPDX-License-Identifier: Apache-2.0
import { Event, isPrecedence, type Precedence } from '@sealpost/protocol';
import type { Observer } from '../observe/observer.ts';
import type { Written } from './group-commit.ts';
import type { Transition } from './transition.ts';
import type { WriteResult } from './wire.ts';

/** Tells of what a batch has done, once it is on disk. */
export function tellOf(
  batch: readonly Written[],
  results: readonly WriteResult[],
  milliseconds: number,
  observer: Observer,
): void {
  let hasRoom: boolean | undefined;
  let written = 0;
  for (const [index, { transition, rank }] of batch.entries()) {
    const result = results[index];
    if (result === undefined) continue;
    written += 1;
    if (result instanceof Error) continue;
    if (result.kind === 'refused') hasRoom = false;
    if (result.kind !== 'applied') continue;
    if (transition.kind === 'accept') hasRoom ??= true;
    tellOfOne(transition, isPrecedence(rank) ? rank : 0, observer);
  }
  if (hasRoom !== undefined) observer.room(hasRoom);
  observer.committed(written, milliseconds);
}

function tellOfOne(transition: Transition, rank: Precedence, observer: Observer): void {
  if (transition.kind === 'accept') {
    const lane = isPrecedence(transition.lane) ? transition.lane : rank;
    const { events } = transition.evidence;
    observer.accepted(events.includes(Event.accepted) ? 'account' : 'peer', lane);
    if (transition.state === 6) observer.happened(Event.delivered, lane);
    return;
  }
  if (transition.kind === 'admit') for (const event of transition.events) observer.happened(event, rank);
  else if ('evidence' in transition)
    for (const event of transition.evidence.events) observer.happened(event, rank);
}
