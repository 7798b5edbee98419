// SPDX-License-Identifier: Apache-2.0
// Random steps of a few messages, several at a time, against the table (states.ts) applied in memory.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Event, eventWord, events as allEvents, signerOf } from '@sealpost/protocol';
import {
  admit,
  attempt,
  consign,
  dispose,
  finish,
  handOver,
  lapse,
  offer,
  sampleAcceptance,
  sampleRelay,
  withdraw,
} from '@sealpost/testing';
import type { Acceptance, Store } from '@sealpost/testing';
import fc from 'fast-check';
import type { Transition } from '../src/custody/custody.ts';
import { eventSet, eventsOf } from '../src/custody/event-set.ts';
import * as table from '../src/custody/states.ts';
import type { Standing, State } from '../src/custody/states.ts';
import { openAt, scratchDirectory } from './custody-place.ts';

const messagesMax = 6;

type Make = (message: Acceptance) => Transition;
/** A random step, and what the table says of it. */
interface Move {
  readonly what: string;
  readonly make: Make;
  readonly expected: (standing: Standing) => table.Verdict;
}

const peerEvents = allEvents.filter((event) => signerOf(event) !== 'sender-domain');
const endings = [
  Event.relayFailed,
  Event.expired,
  Event.refused,
  Event.notDeliverable,
  Event.cancelled,
  Event.unconfirmed,
];

const simple = { offer, withdraw, attempt, consign, handOver, lapse } as const;
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  fc.constantFrom(...Object.entries(simple)).map(([kind, make]): Move => ({
    what: kind,
    make: (message) => make(message),
    expected: (standing) => table.decide(standing, { kind: kind as keyof typeof simple }),
  })),
  fc.constantFrom(Event.opened, Event.acknowledged, Event.declined).map((event): Move => ({
    what: `dispose ${eventWord(event)}`,
    make: (message) => dispose(message, event, { notices: [event], report: 'city.test' }),
    expected: (standing) => table.decide(standing, { kind: 'dispose', event }),
  })),
  fc.tuple(fc.constantFrom(...endings), fc.subarray<State>([2, 3, 4, 5])).map(([outcome, from]): Move => ({
    what: `finish ${eventWord(outcome)} from ${from.join(' ')}`,
    make: (message) => finish(message, from, outcome, { notices: [outcome] }),
    expected: (standing) => table.decide(standing, { kind: 'finish', from, outcome }),
  })),
  fc.subarray(peerEvents, { minLength: 1, maxLength: 3 }).map((events): Move => ({
    what: `admit ${events.map(eventWord).join(' ')}`,
    make: (message) => admit(message, events, { notices: events }),
    expected: (standing) => table.admit(standing, events),
  })),
);

const anyStart = fc.constantFrom<() => Acceptance>(
  () => sampleAcceptance({ attemptsMax: 2 }),
  () => sampleAcceptance({ state: 2, events: [Event.relayed] }),
  () => sampleRelay(),
  () => sampleRelay({ state: 4 }),
);

interface Known {
  readonly message: Acceptance;
  standing: Standing;
  serials: number;
}

function startOf(message: Acceptance): Known {
  const isConsigned = message.state === 6;
  const standing: Standing = {
    state: message.state,
    outcome: isConsigned ? Event.delivered : undefined,
    handover: undefined,
    said: eventSet(message.evidence.events),
    attempts: 0,
    attemptsMax: message.attemptsMax,
  };
  return { message, standing, serials: 1 };
}

/** What the model says of the result; moves the model. */
function expected(known: Known, { expected: verdictOf, make }: Move): string {
  const isPeer = known.message.holder.startsWith('@');
  const transition = make(known.message);
  if (transition.kind === 'admit' && !isPeer) return 'wrong-state';
  const verdict = verdictOf(known.standing);
  if (verdict.kind !== 'move') return verdict.kind;
  known.standing = verdict.to;
  if ('evidence' in transition || transition.kind === 'admit') known.serials += 1;
  return 'applied';
}

async function compare(custody: Store, { message, standing, serials }: Known): Promise<void> {
  const stored = await custody.stored(message.holder, message.id);
  assert.ok(stored !== undefined);
  assert.deepEqual(
    {
      state: stored.state,
      outcome: stored.outcome,
      handover: stored.handover,
      attempts: stored.attempts,
      dispositions: stored.dispositions,
      seal: stored.seal !== undefined,
      body: stored.body !== undefined,
    },
    {
      state: standing.state,
      outcome: standing.outcome,
      handover: standing.handover,
      attempts: standing.attempts,
      dispositions: eventsOf(standing.said & eventSet([Event.opened, Event.acknowledged, Event.declined])),
      seal: table.contentKept(standing) !== 'none',
      body: table.contentKept(standing) === 'all',
    },
  );
  const timeline = await custody.timeline(message.issuer, message.id);
  assert.deepEqual(
    timeline.map(({ serial }) => serial),
    timeline.map((_, index) => index + 1),
  );
  const sound = timeline.filter((row) => !row.contradiction);
  assert.equal(sound.length, serials);
  const said = sound.reduce((set, row) => set | eventSet(row.events), 0);
  assert.equal(said, standing.said);
}

test('any sequence of steps leaves what the table says', async (t) => {
  const rounds = fc.array(
    fc.array(fc.tuple(fc.nat(messagesMax - 1), anyMove, fc.constantFrom(-4, 0, 4)), { maxLength: 20 }),
    { minLength: 1, maxLength: 6 },
  );
  const starts = fc.array(anyStart, { minLength: messagesMax, maxLength: messagesMax });
  const directory = scratchDirectory(t);
  let custody = await openAt(directory);
  await fc.assert(
    fc.asyncProperty(starts, rounds, fc.boolean(), async (makers, plan, reopen) => {
      const known = makers.map((make) => startOf(make()));
      await Promise.all(known.map(({ message }) => custody.commit(message)));
      for (const round of plan) {
        const wanted = round.map(([index, move]) => expected(known[index] as Known, move));
        const results = await Promise.all(
          round.map(([index, move, rank]) =>
            custody.commit(move.make((known[index] as Known).message), rank),
          ),
        );
        assert.deepEqual(
          results.map(({ kind }) => kind),
          wanted,
          round.map(([index, move]) => `${index} ${move.what}`).join(', '),
        );
      }
      if (reopen) {
        await custody.close();
        custody = await openAt(directory);
      }
      for (const one of known) await compare(custody, one);
    }),
    { numRuns: 60 },
  );
});
