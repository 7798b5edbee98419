// SPDX-License-Identifier: Apache-2.0
// The states of a message and every move between them: the table of docs/message-lifecycle.md. Nothing else decides
// what a transition does to a message; the store applies the verdict and nothing more.
import { Event } from '@sealpost/protocol';
import { eventSet, hasEvent, type EventSet } from './event-set.ts';

/** 0 is never stored and no row rests in 1: they are moments of submission, numbered so that they can be spoken of. */
export type State = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

export const states: readonly State[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

export const stateNames = [
  'offered',
  'accepted',
  'held',
  'due',
  'in doubt',
  'relayed',
  'consigned',
  'handed over',
  'lapsed',
  'ended',
] as const;

/** Where a message stands: its state, and what has been stated about it without contradiction. */
export interface Standing {
  readonly state: State;
  /** The delivery outcome. `unconfirmed` is the only one that another may replace. */
  readonly outcome: Event | undefined;
  /** The hand-over outcome: fetched or lapsed. */
  readonly handover: Event | undefined;
  readonly said: EventSet;
  readonly attempts: number;
  readonly attemptsMax: number | undefined;
}

/** What the message's own domain does with it, as far as the table is concerned. */
export type Step =
  | { readonly kind: 'offer' | 'withdraw' | 'attempt' | 'consign' | 'handOver' | 'lapse' }
  | { readonly kind: 'dispose'; readonly event: Event }
  | { readonly kind: 'finish'; readonly from: readonly State[]; readonly outcome: Event };

export type Verdict =
  | { readonly kind: 'move'; readonly to: Standing }
  /** The message stands where the step would have brought it. */
  | { readonly kind: 'duplicate' }
  /** Verified, and at odds with what is stored: kept, flagged, and it changes nothing. */
  | { readonly kind: 'contradiction' }
  | { readonly kind: 'wrong-state' };

const duplicate: Verdict = { kind: 'duplicate' };
const wrongState: Verdict = { kind: 'wrong-state' };

type Moves = Readonly<Partial<Record<State, State>>>;

const moves: Readonly<Record<Exclude<Step['kind'], 'finish'>, Moves>> = {
  offer: { 3: 4 },
  withdraw: { 4: 3 },
  attempt: { 6: 6 },
  consign: { 2: 6 },
  handOver: { 6: 7 },
  lapse: { 6: 8 },
  dispose: { 7: 7 },
};

/** States in which a step has evidently been taken before. */
const repeats: Readonly<Partial<Record<Step['kind'], readonly State[]>>> = {
  consign: [6, 7, 8],
  handOver: [7],
  lapse: [8],
};

/** State → 9: which outcome may be stated from where, by the domain that has custody. */
const endings: ReadonlyMap<Event, readonly State[]> = new Map<Event, readonly State[]>([
  [Event.relayFailed, [3, 4]],
  [Event.expired, [2]],
  [Event.refused, [2]],
  [Event.notDeliverable, [2]],
  [Event.cancelled, [2, 3]],
  [Event.unconfirmed, [4, 5]],
]);

const dispositions = eventSet([Event.opened, Event.acknowledged, Event.declined]);

/** What only a domain that took the message can say of it. */
const custodyWords = eventSet([
  Event.relayed,
  Event.waiting,
  Event.signedFor,
  Event.refused,
  Event.expired,
  Event.delivered,
  Event.notDeliverable,
  Event.fetched,
  Event.lapsed,
  Event.opened,
  Event.acknowledged,
  Event.declined,
]);

/** What a peer may say about a message of ours. */
const peerWords = custodyWords | eventSet([Event.relayRefused, Event.cancelled]);

const stated: Readonly<Partial<Record<Step['kind'], Event>>> = {
  consign: Event.delivered,
  handOver: Event.fetched,
  lapse: Event.lapsed,
};

/** The event that a step states, if it states one. */
export function eventOf(step: Step): Event | undefined {
  switch (step.kind) {
    case 'dispose':
      return step.event;
    case 'finish':
      return step.outcome;
    default:
      return stated[step.kind];
  }
}

/** A step of the domain that has custody. */
export function decide(standing: Standing, step: Step): Verdict {
  const { state } = standing;
  switch (step.kind) {
    case 'dispose':
      return dispose(standing, step.event);
    case 'finish':
      return finish(standing, step.from, step.outcome);
    case 'withdraw':
      // 4 → 3 says that the peer does not have it; the peer has said otherwise.
      if (mayBeWithPeer(standing)) return wrongState;
      break;
    case 'attempt':
      if (standing.attempts >= (standing.attemptsMax ?? Infinity)) return wrongState;
      break;
    default:
  }
  const to = moves[step.kind][state];
  if (to === undefined) return repeats[step.kind]?.includes(state) === true ? duplicate : wrongState;
  const attempts = standing.attempts + (step.kind === 'attempt' ? 1 : 0);
  return { kind: 'move', to: say({ ...standing, state: to, attempts }, eventOf(step)) };
}

function mayBeWithPeer({ said }: Standing): boolean {
  return (said & custodyWords) !== 0;
}

function dispose(standing: Standing, event: Event): Verdict {
  const to = moves.dispose[standing.state];
  if (to === undefined || !hasEvent(dispositions, event)) return wrongState;
  if (hasEvent(standing.said, event)) return duplicate;
  if (isAnsweredOtherwise(standing, event)) return wrongState;
  return { kind: 'move', to: say({ ...standing, state: to }, event) };
}

function finish(standing: Standing, from: readonly State[], outcome: Event): Verdict {
  const { state } = standing;
  if (state === 9 && standing.outcome === outcome) return duplicate;
  if (!from.includes(state) || endings.get(outcome)?.includes(state) !== true) return wrongState;
  if (standing.outcome !== undefined) return wrongState;
  // Failure is never assumed of what the peer is known to have.
  if (outcome === Event.relayFailed && mayBeWithPeer(standing)) return wrongState;
  return { kind: 'move', to: say({ ...standing, state: 9 }, outcome) };
}

/** Acknowledged and declined exclude each other. */
function isAnsweredOtherwise({ said }: Standing, event: Event): boolean {
  if (event === Event.acknowledged) return hasEvent(said, Event.declined);
  return event === Event.declined && hasEvent(said, Event.acknowledged);
}

/** The standing once `event` has been stated, in its state as it is. */
function say(standing: Standing, event: Event | undefined): Standing {
  if (event === undefined) return standing;
  const said = standing.said | (1 << event);
  if (event === Event.fetched || event === Event.lapsed) return { ...standing, said, handover: event };
  return isOutcome(event) ? { ...standing, said, outcome: event } : { ...standing, said };
}

function isOutcome(event: Event): boolean {
  return event === Event.delivered || event === Event.relayRefused || endings.has(event);
}

/**
 * Verified evidence of the recipient's domain about a message that waits for that peer [RELAY-14].
 *
 * Statements of one peer arrive in any order: they are verified side by side, an acknowledgement can be lost while the
 * report behind it is repeated over the next link, and a repeat is the rule. So what this function makes of a set of
 * statements that agree with each other does not depend on their order. A hand-over without its consignment is
 * therefore taken and kept, in doubt (4): it stands for itself, the message stays on offer, and the answer to the next
 * offer, or to the question at the end of its lifetime, brings the outcome.
 */
export function admit(standing: Standing, events: readonly Event[]): Verdict {
  const { state } = standing;
  if (state !== 3 && state !== 4 && state !== 5 && state !== 9) return wrongState;
  if (!events.every((event) => hasEvent(peerWords, event))) return wrongState;
  let next = standing;
  for (const event of events) {
    if (hasEvent(next.said, event)) continue;
    const to = stateAfter(next, event);
    if (to === undefined) return { kind: 'contradiction' };
    next = say({ ...next, state: to }, event);
  }
  return next === standing ? duplicate : { kind: 'move', to: next };
}

/** Undefined if the event contradicts what was said before: the first terminal word wins. */
function stateAfter(standing: Standing, event: Event): State | undefined {
  const { state, outcome, handover, said } = standing;
  const isOpen = outcome === undefined || outcome === Event.unconfirmed;
  // The peer has it after all, whatever we knew when it was due (3) again.
  const inDoubt = state === 3 ? 4 : state;
  switch (event) {
    case Event.relayed:
      if (isOurEnding(outcome)) return undefined;
      return state === 3 || state === 4 ? 5 : state;
    case Event.waiting:
    case Event.signedFor:
      return isOurEnding(outcome) ? undefined : inDoubt;
    case Event.delivered:
      return isOpen ? 5 : undefined;
    case Event.relayRefused:
      return isOpen && (said & custodyWords) === 0 ? 9 : undefined;
    case Event.fetched:
    case Event.lapsed:
      if (event === Event.lapsed && (said & dispositions) !== 0) return undefined;
      return handover === undefined && (isOpen || outcome === Event.delivered) ? inDoubt : undefined;
    case Event.opened:
    case Event.acknowledged:
    case Event.declined:
      if (handover === Event.lapsed || isAnsweredOtherwise(standing, event)) return undefined;
      return isOpen || outcome === Event.delivered ? inDoubt : undefined;
    default:
      // Refused, expired, not deliverable, cancelled: nothing was consigned.
      return isOpen && handover === undefined && (said & dispositions) === 0 ? 9 : undefined;
  }
}

/** Ended while it was ours alone, or refused by the peer: nobody else has had custody. */
function isOurEnding(outcome: Event | undefined): boolean {
  return outcome === Event.relayFailed || outcome === Event.relayRefused || outcome === Event.cancelled;
}

/** What of the content is kept where the message stands now; deleting it is part of the same commit. */
export function contentKept({ state, outcome, said }: Standing): 'all' | 'seal' | 'none' {
  if (state === 5 || state === 8) return 'none';
  if (state !== 9) return 'all';
  // The seal is what the peer is asked with; once it has signed for the message it will speak without being asked.
  return outcome === Event.unconfirmed && !hasEvent(said, Event.relayed) ? 'seal' : 'none';
}
