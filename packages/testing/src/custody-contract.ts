// SPDX-License-Identifier: Apache-2.0
// What every implementation of the custody port has to do. Long because it is a list: one test per promise.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { describe } from 'node:test';
import type { TestContext } from 'node:test';
import { Event } from '@sealpost/protocol';
import type { Address, Statement } from '@sealpost/protocol';
import type { Custody, CustodyReader, Transition, TransitionResult } from '@sealpost/server';
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
  sampleId,
  sampleNow,
  samplePeer,
  sampleRecipient,
  sampleRelay,
  sampleSender,
  sampleSign,
  signedForm,
  withdraw,
} from './custody-sample.ts';
import type { Acceptance } from './custody-sample.ts';

export type Store = Custody & CustodyReader;

/** One place where things are stored; opening it again, after closing, finds them. */
export interface CustodyPlace {
  open(sign: (statement: Statement) => Promise<Uint8Array>): Promise<Store>;
}

const { accepted, relayed, waiting, delivered, fetched, lapsed, relayFailed, unconfirmed } = Event;
const holder = `@${samplePeer}`;

type Applied = TransitionResult & { readonly kind: 'applied' };

async function applied(custody: Custody, transition: Transition, rank?: number): Promise<Applied> {
  const result = await custody.commit(transition, rank);
  assert.equal(result.kind, 'applied', `${transition.kind}: ${JSON.stringify(result)}`);
  return result;
}

async function acceptedAs(custody: Custody, wanted: Acceptance): Promise<Acceptance> {
  await applied(custody, wanted);
  return wanted;
}

/** What is stored of a message, without what custody chose itself. */
async function whole(custody: Store, { holder: where, id, issuer }: Acceptance): Promise<unknown> {
  const stored = await custody.stored(where, id);
  return {
    stored,
    sent: await custody.sent(issuer, id),
    timeline: await custody.timeline(issuer, id),
    notices: await custody.notices(issuer, 99),
    reports: await custody.reports('city.test', 99),
  };
}

export function custodyContract(name: string, place: (t: TestContext) => CustodyPlace): void {
  async function opened(t: TestContext): Promise<Store> {
    const custody = await place(t).open(sampleSign);
    t.after(() => custody.close());
    return custody;
  }

  describe(`${name}: accepting`, () => {
    test('stores everything it was given, with the evidence', async (t) => {
      const custody = await opened(t);
      const message = sampleAcceptance({
        lane: 4,
        attemptsMax: 3,
        quiet: true,
        ask: [delivered, fetched],
        notices: [delivered],
        body: Buffer.from('Größe: 木'),
        submission: { clientId: 'küche', packetId: 7, contentHash: Buffer.alloc(32, 1) },
      });
      const result = await applied(custody, message, message.lane);
      const signed = signedForm(message.evidence);
      assert.deepEqual(result.signed, signed);
      const stored = await custody.stored(message.holder, message.id);
      assert.ok(stored !== undefined);
      const { seq, ...rest } = stored;
      assert.deepEqual(bytesOf(rest), {
        holder: message.holder,
        id: message.id,
        issuer: message.issuer,
        audience: message.audience,
        digest: hex(message.digest),
        state: 6,
        lane: 4,
        expires: message.expires,
        nextAt: message.nextAt,
        attempts: 0,
        attemptsMax: 3,
        quiet: true,
        ask: [delivered, fetched],
        outcome: delivered,
        dispositions: [],
        seal: hex(message.seal),
        body: hex(message.body),
      });
      assert.deepEqual(await custody.sent(message.issuer, message.id), stored);
      assert.deepEqual(await custody.waiting(message.holder, 9), [stored]);
      assert.ok(seq > 0);
      assert.deepEqual((await custody.timeline(message.issuer, message.id)).map(bytesOf), [
        {
          serial: 1,
          events: [relayed, delivered],
          observedAt: sampleNow,
          signed: hex(signed),
          contradiction: false,
        },
      ]);
      const notices = await custody.notices(message.issuer, 9);
      assert.deepEqual(
        notices.map(({ id, event, lane }) => ({ id, event, lane })),
        [{ id: message.id, event: delivered, lane: 4 }],
      );
      assert.deepEqual(result.notices, [{ seq: notices[0]?.seq, event: delivered }]);
      assert.deepEqual(bytesOf(notices[0]?.signed), hex(signed));
    });

    test('answers a repeat with what it answered first, whatever became of the message [RELAY-8]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleAcceptance());
      await applied(custody, handOver(message));
      const again = sampleAcceptance({ id: message.id, digest: message.digest });
      const result = await custody.commit(again);
      assert.deepEqual(bytesOf(result), {
        kind: 'duplicate',
        state: 7,
        signed: hex(signedForm(message.evidence)),
      });
      assert.equal((await custody.timeline(message.issuer, message.id)).length, 2);
    });

    test('takes one of two repeats in the same batch', async (t) => {
      const custody = await opened(t);
      const first = sampleAcceptance();
      const second = sampleAcceptance({ id: first.id, digest: first.digest });
      const results = await Promise.all([custody.commit(first), custody.commit(second)]);
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['applied', 'duplicate'],
      );
      assert.deepEqual(
        results.map((result) => ('signed' in result ? hex(result.signed) : undefined)),
        [hex(signedForm(first.evidence)), hex(signedForm(first.evidence))],
      );
    });

    test('refuses an id that another message has [RELAY-8]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleAcceptance());
      const { id } = message;
      const other = { id, body: Buffer.from('other') };
      assert.deepEqual(await custody.commit(sampleAcceptance(other)), { kind: 'conflict' });
      const elsewhere = { ...other, audience: 'tower@fire.test' as Address };
      assert.deepEqual(await custody.commit(sampleAcceptance(elsewhere)), { kind: 'conflict' });
      const issuer = 'other@city.test' as Address;
      assert.deepEqual(await custody.commit(sampleAcceptance({ ...other, issuer })), { kind: 'conflict' });
      assert.equal(hex((await custody.stored(message.holder, id))?.body), hex(message.body));
    });

    test('answers for a repeated submission [DELIV-3]', async (t) => {
      const custody = await opened(t);
      const contentHash = randomBytes(32);
      const submission = { clientId: 'sensor', packetId: 9, contentHash };
      const message = await acceptedAs(custody, sampleAcceptance({ submission }));
      assert.deepEqual(bytesOf(await custody.submission(message.issuer, 'sensor', 9)), {
        contentHash: hex(contentHash),
        id: message.id,
        state: 6,
        signed: hex(signedForm(message.evidence)),
      });
      for (const [account, clientId, packetId] of [
        [message.issuer, 'sensor', 8],
        [message.issuer, 'other', 9],
        [sampleRecipient, 'sensor', 9],
      ] as const)
        assert.equal(await custody.submission(account, clientId, packetId), undefined);
      const next = sampleAcceptance({ submission: { ...submission, contentHash: randomBytes(32) } });
      await applied(custody, next);
      assert.equal((await custody.submission(message.issuer, 'sensor', 9))?.id, next.id);
    });
  });

  describe(`${name}: in the mailbox`, () => {
    test('hands over once (6 → 7) [DELIV-5]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleAcceptance());
      const first = handOver(message, { notices: [fetched] });
      const result = await applied(custody, first);
      assert.deepEqual(result.signed, signedForm(first.evidence));
      assert.deepEqual(
        result.notices?.map(({ event }) => event),
        [fetched],
      );
      assert.deepEqual(bytesOf(await custody.commit(handOver(message))), {
        kind: 'duplicate',
        state: 7,
        signed: hex(signedForm(first.evidence)),
      });
      assert.deepEqual(await custody.commit(lapse(message)), { kind: 'wrong-state', state: 7 });
      const stored = await custody.stored(message.holder, message.id);
      assert.deepEqual([stored?.state, stored?.outcome, stored?.handover], [7, delivered, fetched]);
      assert.equal(hex(stored?.body), hex(message.body), 'the owner keeps it');
      assert.deepEqual(await custody.waiting(message.holder, 9), []);
    });

    test('lapses (6 → 8) and deletes the content [DELIV-6]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleAcceptance());
      await applied(custody, lapse(message, { report: 'city.test' }));
      assert.deepEqual(await custody.commit(handOver(message)), { kind: 'wrong-state', state: 8 });
      const stored = await custody.stored(message.holder, message.id);
      assert.deepEqual(
        [stored?.state, stored?.handover, stored?.body, stored?.seal],
        [8, lapsed, undefined, undefined],
      );
    });

    test('counts attempts up to their maximum [DELIV-6]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleAcceptance({ attemptsMax: 2 }));
      await applied(custody, attempt(message));
      await applied(custody, attempt(message));
      assert.deepEqual(await custody.commit(attempt(message)), { kind: 'wrong-state', state: 6 });
      assert.equal((await custody.stored(message.holder, message.id))?.attempts, 2);
    });

    test('takes each disposition once, acknowledged or declined [DELIV-9]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleAcceptance());
      const opens = dispose(message, Event.opened);
      assert.deepEqual(await custody.commit(opens), { kind: 'wrong-state', state: 6 });
      await applied(custody, handOver(message));
      await applied(custody, opens);
      await applied(custody, dispose(message, Event.declined, { report: 'city.test' }));
      assert.deepEqual(bytesOf(await custody.commit(dispose(message, Event.opened))), {
        kind: 'duplicate',
        state: 7,
        signed: hex(signedForm(opens.evidence)),
      });
      const acknowledged = dispose(message, Event.acknowledged);
      assert.deepEqual(await custody.commit(acknowledged), { kind: 'wrong-state', state: 7 });
      const stored = await custody.stored(message.holder, message.id);
      assert.deepEqual(stored?.dispositions, [Event.opened, Event.declined]);
    });

    test('consigns what was held (2 → 6), or ends it (2 → 9)', async (t) => {
      const custody = await opened(t);
      const held = { state: 2, events: [relayed], nextAt: 5_000 } as const;
      const message = await acceptedAs(custody, sampleAcceptance(held));
      const other = await acceptedAs(custody, sampleAcceptance({ ...held, nextAt: 9_000 }));
      assert.deepEqual(await custody.waiting(message.holder, 9), []);
      assert.deepEqual(
        (await custody.held(5_000, 9)).map(({ id }) => id),
        [message.id],
      );
      assert.deepEqual((await custody.held(4_999, 9)).length, 0);
      assert.equal((await custody.nextDeadline()).heldAt, 5_000);
      await applied(custody, consign(message, { report: 'city.test' }));
      assert.deepEqual(
        (await custody.waiting(message.holder, 9)).map(({ id }) => id),
        [message.id],
      );
      await applied(custody, finish(other, [2], Event.expired, { report: 'city.test' }));
      const ended = await custody.stored(other.holder, other.id);
      assert.deepEqual([ended?.state, ended?.outcome, ended?.seal], [9, Event.expired, undefined]);
      assert.equal((await custody.reports('city.test', 9)).length, 2);
    });
  });

  describe(`${name}: for a peer`, () => {
    test('offers, withdraws, and fails only from where it may (3, 4, 9)', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleRelay());
      assert.deepEqual(await custody.commit(withdraw(message)), { kind: 'wrong-state', state: 3 });
      await applied(custody, offer(message));
      assert.deepEqual(await custody.commit(offer(message)), { kind: 'wrong-state', state: 4 });
      await applied(custody, withdraw(message));
      const failed = finish(message, [4], relayFailed);
      assert.deepEqual(await custody.commit(failed), { kind: 'wrong-state', state: 3 });
      await applied(custody, finish(message, [3, 4], relayFailed, { notices: [relayFailed] }));
      assert.deepEqual(await custody.due(samplePeer, 9), []);
      assert.deepEqual(await custody.commit(offer(message)), { kind: 'wrong-state', state: 9 });
    });

    test('takes the peer’s word and deletes the content (4 → 5) [RELAY-14]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleRelay({ state: 4 }));
      const said = admit(message, [relayed, delivered], { notices: [delivered] });
      const result = await applied(custody, said);
      assert.deepEqual(result.signed, said.signed);
      assert.deepEqual(
        result.notices?.map(({ event }) => event),
        [delivered],
      );
      const stored = await custody.stored(holder, message.id);
      assert.deepEqual(
        [stored?.state, stored?.outcome, stored?.seal, stored?.body],
        [5, delivered, undefined, undefined],
      );
      assert.deepEqual(bytesOf(await custody.commit(said)), {
        kind: 'duplicate',
        state: 5,
        signed: hex(said.signed),
      });
      await applied(custody, admit(message, [fetched, Event.opened]));
      const later = await custody.stored(holder, message.id);
      assert.deepEqual([later?.handover, later?.dispositions], [fetched, [Event.opened]]);
    });

    test('tells only what is new in a statement', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleRelay({ state: 4 }));
      await applied(custody, admit(message, [relayed], { notices: [relayed] }));
      const more = await applied(
        custody,
        admit(message, [relayed, delivered], { notices: [relayed, delivered] }),
      );
      assert.deepEqual(
        more.notices?.map(({ event }) => event),
        [delivered],
      );
    });

    test('takes nothing about another message, recipient or digest [RELAY-14]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleRelay({ state: 4 }));
      const unknown = { kind: 'wrong-state' } as const;
      for (const wrong of [
        { id: sampleId() },
        { digest: randomBytes(32) },
        { recipient: 'tower@fire.test' as Address },
        { recipient: 'desk@water.test' as Address },
        { issuer: 'other@city.test' as Address },
      ])
        assert.deepEqual(await custody.commit(admit(message, [relayed], wrong)), unknown);
      const local = await acceptedAs(custody, sampleAcceptance());
      assert.deepEqual(await custody.commit(admit(local, [relayed])), unknown);
      assert.equal((await custody.timeline(message.issuer, message.id)).length, 1);
    });

    test('keeps a contradiction, flagged, and changes nothing [RELAY-14]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleRelay({ state: 4 }));
      await applied(custody, admit(message, [relayed, delivered]));
      const before = await custody.stored(holder, message.id);
      const other = admit(message, [Event.expired], { notices: [Event.expired] });
      assert.deepEqual(await custody.commit(other), { kind: 'contradiction' });
      assert.equal((await custody.commit(other)).kind, 'duplicate');
      assert.deepEqual(await custody.stored(holder, message.id), before);
      assert.deepEqual(await custody.notices(message.issuer, 9), []);
      const flagged = (await custody.timeline(message.issuer, message.id)).filter((row) => row.contradiction);
      assert.deepEqual(
        flagged.map((row) => hex(row.signed)),
        [hex(other.signed)],
      );
      for (let index = 0; index < 20; index++)
        assert.equal((await custody.commit(admit(message, [Event.expired]))).kind, 'contradiction');
      const { length } = await custody.timeline(message.issuer, message.id);
      assert.ok(length <= 10, `a peer can make ${length} rows`);
    });

    test('keeps a hand-over that overtook its consignment, and stays in doubt', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleRelay({ state: 4 }));
      await applied(custody, admit(message, [fetched]));
      const early = await custody.stored(holder, message.id);
      assert.deepEqual([early?.state, early?.outcome, early?.handover], [4, undefined, fetched]);
      assert.equal(hex(early?.body), hex(message.body), 'it is offered again');
      assert.deepEqual(await custody.commit(withdraw(message)), { kind: 'wrong-state', state: 4 });
      await applied(custody, admit(message, [relayed, delivered]));
      const late = await custody.stored(holder, message.id);
      assert.deepEqual([late?.state, late?.outcome, late?.handover], [5, delivered, fetched]);
    });

    test('lets an outcome replace unconfirmed, and nothing else [RELAY-13]', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleRelay({ state: 4, lane: 2 }));
      await applied(custody, finish(message, [4, 5], unconfirmed));
      const silent = await custody.stored(holder, message.id);
      assert.deepEqual([silent?.state, silent?.outcome, silent?.body], [9, unconfirmed, undefined]);
      const [asked] = await custody.unconfirmed(samplePeer, 9);
      assert.deepEqual([asked?.id, hex(asked?.seal)], [message.id, hex(message.seal)]);
      await applied(custody, admit(message, [relayed]));
      assert.equal((await custody.stored(holder, message.id))?.outcome, unconfirmed);
      assert.deepEqual(await custody.unconfirmed(samplePeer, 9), []);
      await applied(custody, admit(message, [delivered]));
      const known = await custody.stored(holder, message.id);
      assert.deepEqual([known?.state, known?.outcome], [5, delivered]);
      assert.equal((await custody.commit(admit(message, [Event.refused]))).kind, 'contradiction');
    });
  });

  describe(`${name}: queues`, () => {
    test('a mailbox has the most urgent first, then the order of arrival, page by page', async (t) => {
      const custody = await opened(t);
      const lanes = [-2, 4, -4, 0, 4, -2, 6, -2, 2, -4];
      const messages: Acceptance[] = [];
      for (const lane of lanes) messages.push(await acceptedAs(custody, sampleAcceptance({ lane })));
      await acceptedAs(custody, sampleAcceptance({ audience: 'tower@fire.test' as Address }));
      const wanted = messages.toSorted((left, right) => right.lane - left.lane).map(({ id }) => id);
      for (const limit of [1, 3, 99]) {
        const found: string[] = [];
        for (let page = await custody.waiting(sampleRecipient, limit); page.length > 0;) {
          found.push(...page.map(({ id }) => id));
          page = page.length < limit ? [] : await custody.waiting(sampleRecipient, limit, page.at(-1));
        }
        assert.deepEqual(found, wanted);
      }
    });

    test('a peer has what is due and what is in doubt', async (t) => {
      const custody = await opened(t);
      const doubtful = await acceptedAs(custody, sampleRelay({ state: 4 }));
      const due = await acceptedAs(custody, sampleRelay({ lane: 4 }));
      await acceptedAs(
        custody,
        sampleRelay({ holder: '@water.test', audience: 'desk@water.test' as Address }),
      );
      const rows = await custody.due(samplePeer, 9);
      assert.deepEqual(
        rows.map(({ id, state }) => [id, state]),
        [
          [due.id, 3],
          [doubtful.id, 4],
        ],
      );
      assert.equal(hex(rows[0]?.body), hex(due.body));
      assert.deepEqual(
        (await custody.due(samplePeer, 9, rows[0])).map(({ id }) => id),
        [doubtful.id],
      );
    });

    test('evidence is owed until it was taken, most urgent first', async (t) => {
      const custody = await opened(t);
      const notices = [delivered];
      const slow = await acceptedAs(custody, sampleAcceptance({ notices }));
      const fast = await acceptedAs(custody, sampleAcceptance({ notices, lane: 4 }));
      const reported = await applied(custody, handOver(slow, { report: 'city.test' }));
      await applied(custody, lapse(fast, { report: 'city.test' }));
      const mine = await custody.notices(sampleSender, 9);
      assert.deepEqual(
        mine.map(({ id }) => id),
        [fast.id, slow.id],
      );
      assert.deepEqual(
        (await custody.notices(sampleSender, 9, mine[0])).map(({ id }) => id),
        [slow.id],
      );
      const reports = await custody.reports('city.test', 9);
      assert.deepEqual(
        reports.map(({ lane }) => lane),
        [4, -2],
      );
      assert.equal(reports[1]?.seq, reported.report);
      assert.deepEqual((await custody.timeline(slow.issuer, slow.id))[1]?.signed, reports[1]?.signed);
      const seqs = mine.map(({ seq }) => seq);
      await applied(custody, { kind: 'noticed', mailbox: sampleRecipient, seqs });
      assert.equal((await custody.notices(sampleSender, 9)).length, 2, 'another mailbox takes nothing');
      await applied(custody, { kind: 'noticed', mailbox: sampleSender, seqs: seqs.slice(0, 1) });
      assert.deepEqual(
        (await custody.notices(sampleSender, 9)).map(({ id }) => id),
        [slow.id],
      );
      const owed = reports.map(({ seq }) => seq);
      await applied(custody, { kind: 'reported', peer: 'water.test', seqs: owed });
      assert.equal((await custody.reports('city.test', 9)).length, 2);
      await applied(custody, { kind: 'reported', peer: 'city.test', seqs: owed });
      assert.deepEqual(await custody.reports('city.test', 9), []);
      assert.equal((await custody.timeline(slow.issuer, slow.id)).length, 2, 'the evidence stays');
    });

    test('deadlines: what expires, what is silent, and when to look again', async (t) => {
      const custody = await opened(t);
      assert.deepEqual(await custody.nextDeadline(), {});
      const due = await acceptedAs(custody, sampleRelay({ expires: 300 }));
      const mailbox = await acceptedAs(custody, sampleAcceptance({ expires: 200 }));
      const later = await acceptedAs(custody, sampleAcceptance({ expires: 301 }));
      const doubtful = await acceptedAs(custody, sampleRelay({ state: 4, expires: 100 }));
      const gone = await acceptedAs(custody, sampleRelay({ state: 4, expires: 90 }));
      await applied(custody, admit(gone, [relayed]));
      assert.deepEqual(await custody.nextDeadline(), { expires: 100 });
      const over = await custody.expiring(300, 9);
      assert.deepEqual(
        over.map(({ id }) => id),
        [mailbox.id, due.id, doubtful.id],
      );
      assert.ok(over.every(({ seal, body }) => seal === undefined && body === undefined));
      assert.deepEqual(
        (await custody.expiring(300, 1)).map(({ id }) => id),
        [mailbox.id],
      );
      assert.deepEqual(
        (await custody.silent(300, 9)).map(({ id }) => id),
        [gone.id, doubtful.id],
      );
      assert.deepEqual(
        (await custody.silent(90, 9)).map(({ id }) => id),
        [gone.id],
      );
      await applied(custody, admit(gone, [delivered]));
      assert.deepEqual((await custody.silent(90, 9)).length, 0);
      await applied(custody, finish(doubtful, [4], unconfirmed));
      await applied(custody, lapse(mailbox));
      await applied(custody, finish(due, [3], relayFailed));
      assert.deepEqual(await custody.nextDeadline(), { expires: later.expires });
    });

    test('a silent peer does not hold up what expires elsewhere', async (t) => {
      const custody = await opened(t);
      const silent = Array.from({ length: 12 }, (_, index) => sampleRelay({ state: 4, expires: 10 + index }));
      await Promise.all(silent.map((message) => applied(custody, message)));
      const audience = 'desk@water.test' as Address;
      const other = sampleRelay({ state: 4, holder: '@water.test', audience, expires: 90 });
      await applied(custody, other);
      const mailbox = await acceptedAs(custody, sampleAcceptance({ expires: 95 }));
      const ids = (await custody.expiring(100, 4)).map(({ id }) => id);
      assert.ok(ids.includes(mailbox.id));
      assert.ok(ids.includes(other.id));
      assert.equal(ids.length, 4);
    });

    test('knows the peers it owes something, and counts outcomes', async (t) => {
      const custody = await opened(t);
      assert.deepEqual(await custody.peers(), []);
      await acceptedAs(custody, sampleRelay({ state: 4 }));
      await acceptedAs(custody, sampleRelay());
      const message = await acceptedAs(custody, sampleAcceptance());
      await applied(custody, handOver(message, { report: 'city.test' }));
      assert.deepEqual((await custody.peers()).toSorted(), ['city.test', samplePeer]);
      const counts = (await custody.outcomes()).toSorted((left, right) => left.state - right.state);
      assert.deepEqual(counts, [
        { state: 3, count: 1 },
        { state: 4, count: 1 },
        { state: 7, outcome: delivered, handover: fetched, count: 1 },
      ]);
    });
  });

  describe(`${name}: batches`, () => {
    test('an urgent message overtakes those that wait to be written', async (t) => {
      const custody = await opened(t);
      const order: number[] = [];
      const commit = async (lane: number): Promise<void> => {
        await applied(custody, sampleAcceptance({ lane }));
        order.push(lane);
      };
      await Promise.all([...Array.from({ length: 1000 }, () => commit(-2)), commit(4)]);
      // In front of it: at most the batch that was being written and the one that was being signed.
      assert.ok(order.indexOf(4) <= 128, `behind ${order.indexOf(4)} of 1000`);
      const [first] = await custody.waiting(sampleRecipient, 1);
      assert.equal(first?.lane, 4);
    });

    test('what is not urgent is written all the same while more urgent keeps coming', async (t) => {
      const custody = await opened(t);
      let rest = 40 * 64;
      const flood = async (): Promise<void> => {
        while (rest-- > 0) await applied(custody, sampleAcceptance({ lane: 2 }));
      };
      const floods = Array.from({ length: 256 }, flood);
      await applied(custody, sampleAcceptance({ lane: -4 }));
      assert.ok(rest > 0, 'it came last');
      rest = 0;
      await Promise.all(floods);
    });

    test('steps of one message keep their order, whatever their rank', async (t) => {
      const custody = await opened(t);
      const message = sampleRelay();
      const noise = Array.from({ length: 200 }, () => custody.commit(sampleAcceptance({ lane: 0 })));
      const results = await Promise.all([
        custody.commit(message, -4),
        custody.commit(offer(message), 6),
        custody.commit(withdraw(message), -2),
        custody.commit(offer(message), 6),
        custody.commit(admit(message, [relayed]), 4),
      ]);
      assert.deepEqual(
        results.map(({ kind }) => kind),
        Array.from({ length: 5 }, () => 'applied'),
      );
      await Promise.all(noise);
    });

    test('what cannot be done does not disturb the rest', async (t) => {
      const custody = await opened(t);
      const message = await acceptedAs(custody, sampleAcceptance());
      const broken = { ...sampleAcceptance(), expires: 1.5 };
      const results = await Promise.allSettled([
        custody.commit(sampleAcceptance()),
        custody.commit(broken),
        custody.commit(sampleAcceptance({ id: message.id, body: Buffer.from('other') })),
        custody.commit(lapse(sampleAcceptance())),
        custody.commit(handOver(message)),
      ]);
      assert.deepEqual(
        results.map((result) => (result.status === 'fulfilled' ? result.value.kind : result.status)),
        ['applied', 'rejected', 'conflict', 'wrong-state', 'applied'],
      );
      assert.equal((await custody.waiting(sampleRecipient, 9)).length, 1);
    });

    test('evidence that cannot be signed fails its own step alone', async (t) => {
      const failing = sampleAcceptance();
      const custody = await place(t).open((statement) =>
        statement.id === failing.id ? Promise.reject(new Error('no key')) : sampleSign(statement),
      );
      t.after(() => custody.close());
      const results = await Promise.allSettled([
        custody.commit(failing),
        custody.commit(sampleAcceptance()),
        custody.commit(handOver(failing)),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['rejected', 'fulfilled', 'rejected'],
      );
      assert.equal(await custody.stored(failing.holder, failing.id), undefined);
      assert.equal(custody.pendingBytes, 0);
    });

    test('counts the content that is not durable yet', async (t) => {
      const custody = await opened(t);
      const message = sampleAcceptance({ body: Buffer.alloc(1000) });
      const done = custody.commit(message);
      assert.ok(custody.pendingBytes >= 1000);
      await done;
      assert.equal(custody.pendingBytes, 0);
    });

    test('closing writes what was committed; afterwards nothing is taken', async (t) => {
      const where = place(t);
      const custody = await where.open(sampleSign);
      const messages = Array.from({ length: 300 }, () => sampleAcceptance());
      const results = messages.map((message) => custody.commit(message));
      await custody.close();
      assert.ok((await Promise.all(results)).every(({ kind }) => kind === 'applied'));
      await assert.rejects(custody.commit(sampleAcceptance()));
      await assert.rejects(custody.waiting(sampleRecipient, 1));
      const again = await where.open(sampleSign);
      t.after(() => again.close());
      assert.equal((await again.waiting(sampleRecipient, 999)).length, 300);
    });
  });

  describe(`${name}: after reopening`, () => {
    const steps: Readonly<Record<string, () => readonly [Acceptance, ...Transition[]]>> = {
      'accept in 2': () => [sampleAcceptance({ state: 2 })],
      'accept in 3': () => [sampleRelay()],
      'accept in 4': () => [sampleRelay({ state: 4 })],
      'accept in 6': () => [sampleAcceptance({ notices: [delivered] })],
      offer: () => withSteps(sampleRelay(), offer),
      withdraw: () => withSteps(sampleRelay({ state: 4 }), withdraw),
      attempt: () => withSteps(sampleAcceptance({ attemptsMax: 3 }), attempt),
      consign: () =>
        withSteps(sampleAcceptance({ state: 2 }), (one) => consign(one, { report: 'city.test' })),
      handOver: () => withSteps(sampleAcceptance(), (one) => handOver(one, { notices: [fetched] })),
      lapse: () => withSteps(sampleAcceptance(), (one) => lapse(one, { report: 'city.test' })),
      dispose: () => withSteps(sampleAcceptance(), handOver, (one) => dispose(one, Event.acknowledged)),
      finish: () =>
        withSteps(sampleRelay(), (one) => finish(one, [3], relayFailed, { notices: [relayFailed] })),
      unconfirmed: () => withSteps(sampleRelay({ state: 4 }), (one) => finish(one, [4], unconfirmed)),
      admit: () =>
        withSteps(sampleRelay({ state: 4 }), (one) => admit(one, [relayed, waiting], { notices: [waiting] })),
      contradiction: () =>
        withSteps(
          sampleRelay({ state: 4 }),
          (one) => admit(one, [relayed, delivered]),
          (one) => admit(one, [Event.expired]),
        ),
    };
    for (const [what, make] of Object.entries(steps))
      test(`${what} is as it was`, async (t) => {
        const where = place(t);
        const custody = await where.open(sampleSign);
        const transitions = make();
        for (const transition of transitions) await custody.commit(transition);
        const before = await whole(custody, transitions[0]);
        await custody.close();
        const again = await where.open(sampleSign);
        t.after(() => again.close());
        assert.deepEqual(await whole(again, transitions[0]), before);
      });

    test('notices and reports that were taken stay away', async (t) => {
      const where = place(t);
      const custody = await where.open(sampleSign);
      const message = await acceptedAs(custody, sampleAcceptance({ notices: [delivered] }));
      const { report = 0 } = await applied(custody, handOver(message, { report: 'city.test' }));
      const [notice] = await custody.notices(sampleSender, 1);
      await applied(custody, { kind: 'reported', peer: 'city.test', seqs: [report] });
      await applied(custody, { kind: 'noticed', mailbox: sampleSender, seqs: [notice?.seq ?? 0] });
      await custody.close();
      const again = await where.open(sampleSign);
      t.after(() => again.close());
      assert.deepEqual(await again.notices(sampleSender, 9), []);
      assert.deepEqual(await again.reports('city.test', 9), []);
    });

    test('the order of arrival goes on, also past numbers that are gone', async (t) => {
      const where = place(t);
      let last = 0;
      for (let round = 0; round < 3; round++) {
        const custody = await where.open(sampleSign);
        const message = await acceptedAs(custody, sampleAcceptance());
        const { report = 0 } = await applied(custody, handOver(message, { report: 'city.test' }));
        await applied(custody, { kind: 'reported', peer: 'city.test', seqs: [report] });
        const { seq = 0 } = (await custody.stored(message.holder, message.id)) ?? {};
        assert.ok(seq > last && report > seq, `${last} ${seq} ${report}`);
        last = report;
        await custody.close();
      }
    });
  });

  test(`${name}: evidence of acceptance is that of the sender’s domain for a remote recipient`, async (t) => {
    const custody = await opened(t);
    const message = await acceptedAs(custody, sampleRelay());
    const [first] = await custody.timeline(message.issuer, message.id);
    assert.deepEqual(first?.events, [accepted]);
    assert.equal((await custody.stored(holder, message.id))?.outcome, undefined);
  });
}

function withSteps(
  message: Acceptance,
  ...steps: readonly ((message: Acceptance) => Transition)[]
): readonly [Acceptance, ...Transition[]] {
  return [message, ...steps.map((step) => step(message))];
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}

/** Bytes as hex, at any depth, so that two kinds of byte array compare. */
function bytesOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(bytesOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, bytesOf(one)]));
}
