// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { describe } from 'node:test';
import { Event, eventWord, events as allEvents, parseEventWord, signerOf } from '@sealpost/protocol';
import fc from 'fast-check';
import { eventSet } from './event-set.ts';
import { admit, contentKept, decide, stateNames, states } from './states.ts';
import type { Standing, State, Step, Verdict } from './states.ts';

const page = readFileSync(new URL('../../../../docs/message-lifecycle.md', import.meta.url), 'utf8');

/** The cells of the table that follows the marker, without the line below its head. */
function table(marker: string): string[][] {
  const [, after = ''] = page.split(`<!-- ${marker} -->`);
  const lines = after.trimStart().split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  const rows = lines.slice(0, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return rows.filter((_, index) => index !== 1);
}

function standing(state: State, said: readonly Event[] = [], outcome?: Event, handover?: Event): Standing {
  return { state, outcome, handover, said: eventSet(said), attempts: 0, attemptsMax: undefined };
}

const { relayed, delivered, fetched, lapsed, expired, unconfirmed, relayFailed, relayRefused } = Event;

/** A message in each state, as it is when it has come there the usual way. */
const usual: Readonly<Record<State, Standing>> = {
  0: standing(0),
  1: standing(1),
  2: standing(2),
  3: standing(3),
  4: standing(4),
  5: standing(5, [relayed]),
  6: standing(6, [delivered], delivered),
  7: standing(7, [delivered, fetched], delivered, fetched),
  8: standing(8, [delivered, lapsed], delivered, lapsed),
  9: standing(9, [relayFailed], relayFailed),
};

/** The columns of the second table. */
const standings: Readonly<Record<string, Standing>> = {
  '3 due': usual[3],
  '4 in doubt': usual[4],
  '4 fetched': standing(4, [fetched], undefined, fetched),
  '5 relayed': usual[5],
  '5 delivered': standing(5, [relayed, delivered], delivered),
  '5 fetched': standing(5, [relayed, delivered, fetched], delivered, fetched),
  '5 lapsed': standing(5, [relayed, delivered, lapsed], delivered, lapsed),
  '9 relay failed': usual[9],
  '9 relay refused': standing(9, [relayRefused], relayRefused),
  '9 expired': standing(9, [relayed, expired], expired),
  '9 unconfirmed': standing(9, [unconfirmed], unconfirmed),
};

function mark(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'move':
      return String(verdict.to.state);
    case 'duplicate':
      return '=';
    case 'contradiction':
      return '!';
    case 'wrong-state':
      return '–';
  }
}

function stepNamed(name: string, state: State): Step {
  const [kind = '', word = ''] = name.split(' ');
  switch (kind) {
    case 'offer':
    case 'withdraw':
    case 'attempt':
    case 'consign':
    case 'handOver':
    case 'lapse':
      return { kind };
    case 'dispose':
      return { kind, event: Event.opened };
    case 'finish': {
      const event = parseEventWord(word);
      assert.ok(event.ok, word);
      return { kind, from: [state], outcome: event.value };
    }
    default:
      throw new Error(`no step ${name}`);
  }
}

describe('docs/message-lifecycle.md', () => {
  test('names the states as the code does', () => {
    const [, ...rows] = table('states');
    assert.deepEqual(
      rows.map(([number, name]) => [number, name]),
      states.map((state) => [String(state), stateNames[state]]),
    );
  });

  test('says what each own step does in each state', () => {
    const [head = [], ...rows] = table('steps');
    assert.deepEqual(head.slice(1).map(Number), states);
    const made = rows.map(([name = '']) => [
      name,
      ...states.map((state) => mark(decide(usual[state], stepNamed(name, state)))),
    ]);
    assert.deepEqual(rows, made);
  });

  test('says what each word of a peer does [RELAY-14]', () => {
    const [head = [], ...rows] = table('words');
    assert.deepEqual(head.slice(1), Object.keys(standings));
    const words = allEvents.filter((event) => !['sender-domain'].includes(signerOf(event)));
    const made = words.map((event) => [
      eventWord(event),
      ...Object.values(standings).map((one) => mark(admit(one, [event]))),
    ]);
    assert.deepEqual(rows, made);
  });
});

const peerEvents = allEvents.filter((event) => signerOf(event) !== 'sender-domain');
const anyStanding = fc
  .record({
    state: fc.constantFrom(...states),
    outcome: fc.option(fc.constantFrom(...allEvents), { nil: undefined }),
    handover: fc.option(fc.constantFrom(fetched, lapsed), { nil: undefined }),
    said: fc.subarray([...allEvents]).map(eventSet),
    attempts: fc.nat(3),
    attemptsMax: fc.option(fc.nat(3), { nil: undefined }),
  })
  .map((one): Standing => one);

describe('a peer’s word', () => {
  test('is not taken where nothing waits for the peer [RELAY-14]', () => {
    for (const state of [0, 1, 2, 6, 7, 8] as const)
      for (const event of peerEvents) assert.equal(admit(usual[state], [event]).kind, 'wrong-state');
  });

  test('cannot be what only the sender’s domain may state [RELAY-14]', () => {
    for (const event of allEvents.filter((one) => signerOf(one) === 'sender-domain'))
      for (const one of Object.values(standings)) assert.equal(admit(one, [event]).kind, 'wrong-state');
  });

  test('never replaces a terminal word but unconfirmed [RELAY-13] [RELAY-14]', () => {
    fc.assert(
      fc.property(anyStanding, fc.subarray(peerEvents), (before, said) => {
        const verdict = admit(before, said);
        if (verdict.kind !== 'move') return;
        const { outcome, handover } = before;
        if (outcome !== undefined && outcome !== unconfirmed) assert.equal(verdict.to.outcome, outcome);
        if (handover !== undefined) assert.equal(verdict.to.handover, handover);
        assert.equal(before.said & ~verdict.to.said, 0, 'what was said stays said');
      }),
    );
  });

  test('said twice is a duplicate', () => {
    fc.assert(
      fc.property(anyStanding, fc.subarray(peerEvents), (before, said) => {
        const first = admit(before, said);
        if (first.kind === 'move') assert.equal(admit(first.to, said).kind, 'duplicate');
      }),
    );
  });

  const agreeing: readonly (readonly Event[])[] = [
    [relayed, Event.waiting, delivered, fetched, Event.opened, Event.acknowledged],
    [relayed, delivered, lapsed],
    [relayed, Event.waiting, Event.signedFor, delivered, fetched, Event.opened, Event.declined],
    [relayed, Event.waiting, Event.refused],
    [relayed, Event.waiting, expired],
    [relayed, Event.notDeliverable],
  ];

  test('has the same effect in whatever order agreeing statements arrive', () => {
    const start = fc.constantFrom(usual[3], usual[4], usual[5], standings['9 unconfirmed'] as Standing);
    const shuffled = fc
      .constantFrom(...agreeing)
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all], { minLength: all.length })));
    fc.assert(
      fc.property(start, shuffled, (before, [inOrder, otherwise]) => {
        const wanted = admit(before, inOrder);
        assert.ok(wanted.kind === 'move');
        let now = before;
        for (const event of otherwise) {
          const verdict = admit(now, [event]);
          assert.notEqual(verdict.kind, 'contradiction', eventWord(event));
          assert.notEqual(verdict.kind, 'wrong-state', eventWord(event));
          if (verdict.kind === 'move') now = verdict.to;
        }
        assert.deepEqual(now, wanted.to);
      }),
    );
  });
});

test('nothing is withdrawn or failed by assumption once the peer has said that it has the message', () => {
  const known = standings['4 fetched'] as Standing;
  assert.equal(decide(known, { kind: 'withdraw' }).kind, 'wrong-state');
  assert.equal(decide(known, { kind: 'finish', from: [4], outcome: relayFailed }).kind, 'wrong-state');
});

test('attempts end at their maximum', () => {
  const once = { ...usual[6], attempts: 0, attemptsMax: 1 };
  const first = decide(once, { kind: 'attempt' });
  assert.ok(first.kind === 'move');
  assert.equal(first.to.attempts, 1);
  assert.equal(decide(first.to, { kind: 'attempt' }).kind, 'wrong-state');
});

test('acknowledged and declined exclude each other, each once [DELIV-9]', () => {
  const acknowledged = decide(usual[7], { kind: 'dispose', event: Event.acknowledged });
  assert.ok(acknowledged.kind === 'move');
  assert.equal(decide(acknowledged.to, { kind: 'dispose', event: Event.acknowledged }).kind, 'duplicate');
  assert.equal(decide(acknowledged.to, { kind: 'dispose', event: Event.declined }).kind, 'wrong-state');
  assert.equal(decide(acknowledged.to, { kind: 'dispose', event: Event.opened }).kind, 'move');
  assert.equal(decide(usual[7], { kind: 'dispose', event: Event.fetched }).kind, 'wrong-state');
});

test('content is kept while it may still be needed', () => {
  const kept = Object.entries(usual).map(([state, one]) => [Number(state), contentKept(one)]);
  const all = [0, 1, 2, 3, 4, 6, 7];
  assert.deepEqual(
    kept,
    states.map((state) => [state, all.includes(state) ? 'all' : 'none']),
  );
  assert.equal(contentKept(standings['9 unconfirmed'] as Standing), 'seal');
  assert.equal(contentKept(standing(9, [unconfirmed, relayed], unconfirmed)), 'none');
});
