// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { accept, refuse } from '@sealpost/protocol';
import type { MessageId, PrecedenceName, Result } from '@sealpost/protocol';
import { FakeClock } from '@sealpost/testing';
import fc from 'fast-check';
import { refusalOf } from '../src/acknowledgement.ts';
import { SealpostError } from '../src/error.ts';
import { draftOf } from '../src/outbound.ts';
import type { Draft } from '../src/outbound.ts';
import { SendQueue } from '../src/send-queue.ts';
import type { SendQueueOptions } from '../src/send-queue.ts';
import type { Prepared, Submitted } from '../src/submission.ts';
import { FakeLink, numberedId, settled } from './fake-link.ts';

const busy = {
  reasonCode: 0x97,
  userProperties: [['error', 'overloaded'] as const, ['retry-after', '5'] as const],
};

function draft(body: string, precedence: PrecedenceName = 'routine', lifetimeSeconds = 60): Draft {
  const result = draftOf({ to: 'desk@fire.test', body, precedence, lifetimeSeconds });
  assert.ok(result.ok);
  return result.value;
}

/** Seals nothing; what it offers is told apart by its body. */
class PlainSubmission {
  readonly prepared: MessageId[] = [];
  prepareAnswer: Result<void> = accept();

  async prepare(made: Draft, id: MessageId, lifetimeSeconds: number): Promise<Result<Prepared>> {
    this.prepared.push(id);
    if (!this.prepareAnswer.ok) return this.prepareAnswer;
    return accept({ draft: made, id, expiresAtMs: lifetimeSeconds, seal: undefined });
  }

  async offer(link: FakeLink, { draft: made, id }: Prepared): Promise<Result<Submitted>> {
    const publish = { topic: id, payload: made.body, qos: 1, retain: false, userProperties: [] } as const;
    const refusal = refusalOf(await link.publish(publish));
    return refusal === undefined
      ? accept({ id, accepted: refuse('evidence-invalid') })
      : { ok: false, refusal };
  }
}

function queueOf(options: Partial<SendQueueOptions> = {}) {
  const clock = new FakeClock();
  const submission = new PlainSubmission();
  const queue = new SendQueue({
    submission,
    clock,
    canSeal: () => true,
    random: () => 0,
    failsFast: false,
    messagesMax: 100,
    bytesMax: 10_000,
    ...options,
  });
  return { clock, submission, queue };
}

function bodies(link: FakeLink): string[] {
  return link.offered.map(({ publish }) => Buffer.from(publish.payload).toString());
}

test('what is sent offline leaves on the next link, most urgent first, oldest first', async () => {
  const { queue } = queueOf();
  const sending = (['routine', 'flash', 'routine', 'deferred', 'flash'] as const).map((precedence, index) =>
    queue.submit(draft(`${precedence} ${index}`, precedence), numberedId(index)),
  );
  assert.equal(queue.length, 5);
  const link = new FakeLink();
  queue.up(link);
  await settled();
  assert.deepEqual(bodies(link), ['flash 1', 'flash 4', 'routine 0', 'routine 2', 'deferred 3']);
  for (const { answer } of link.offered) answer({ reasonCode: 0 });
  await Promise.all(sending);
  assert.equal(queue.length, 0);
});

test('whatever the server does, each message is sealed once and settled once, and an accepted one is not offered again', async () => {
  const step = fc.constantFrom('accept', 'busy', 'lose', 'wait');
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 8 }),
      async (steps, count) => {
        const { queue, clock, submission } = queueOf();
        let link = new FakeLink();
        queue.up(link);
        const accepted = new Set<string>();
        const outcomes: string[] = [];
        const sending = Array.from({ length: count }, async (_, index) => {
          try {
            outcomes.push((await queue.submit(draft(String(index)), numberedId(index))).id);
          } catch (error) {
            outcomes.push((error as SealpostError).code);
          }
        });
        for (const what of steps) {
          await settled();
          const offered = link.offered.shift();
          if (offered !== undefined && what === 'accept') {
            assert.ok(!accepted.has(offered.publish.topic));
            accepted.add(offered.publish.topic);
            offered.answer({ reasonCode: 0 });
          } else if (offered !== undefined && what === 'busy') offered.answer(busy);
          else if (what === 'lose') {
            link.lose();
            queue.down();
            await settled();
            link = new FakeLink();
            queue.up(link);
          } else clock.advance(1_000);
        }
        await settled();
        queue.over(new SealpostError({ code: 'unreachable' }));
        await Promise.all(sending);
        assert.equal(outcomes.length, count);
        assert.deepEqual(outcomes.filter((id) => accepted.has(id)).length, accepted.size);
        assert.equal(new Set(submission.prepared).size, submission.prepared.length);
        assert.equal(queue.length, 0);
      },
    ),
    { numRuns: 60 },
  );
});

test('a refusal for the moment is asked again after the time the server named, one for good is told', async () => {
  const { queue, clock } = queueOf();
  const link = new FakeLink();
  queue.up(link);
  const first = queue.submit(draft('later'), numberedId(1));
  const second = assert.rejects(queue.submit(draft('never'), numberedId(2)), { code: 'mailbox-unknown' });
  await settled();
  link.offered[0]?.answer(busy);
  link.offered[1]?.answer({ reasonCode: 0x90, userProperties: [['error', 'mailbox-unknown']] });
  await second;
  await settled();
  clock.advance(4_999);
  await settled();
  assert.equal(link.offered.length, 2);
  clock.advance(1);
  await settled();
  link.offered[2]?.answer({ reasonCode: 0 });
  assert.equal((await first).id, numberedId(1));
});

test('a lifetime ends in the queue too; what may have arrived is not called expired', async () => {
  const { queue, clock } = queueOf();
  const offline = assert.rejects(queue.submit(draft('offline', 'routine', 10), numberedId(1)), {
    code: 'expired',
    isInDoubt: false,
  });
  clock.advance(10_000);
  await offline;
  const link = new FakeLink();
  queue.up(link);
  const refused = assert.rejects(queue.submit(draft('busy', 'routine', 3), numberedId(2)), {
    code: 'expired',
    cause: 'overloaded',
  });
  const doubtful = assert.rejects(queue.submit(draft('lost', 'routine', 10), numberedId(3)), {
    code: 'undecided',
    isInDoubt: true,
  });
  await settled();
  link.offered[0]?.answer(busy);
  await settled();
  clock.advance(3_000);
  await refused;
  link.lose();
  queue.down();
  await settled();
  clock.advance(7_000);
  await doubtful;
  assert.equal(clock.pending, 0);
});

test('a signal gives up what waits and what is unanswered, and says whether it may have arrived', async () => {
  const { queue } = queueOf();
  const aborted = assert.rejects(queue.submit(draft('a'), numberedId(1), AbortSignal.abort()), {
    code: 'undecided',
    isInDoubt: false,
  });
  await aborted;
  const abort = new AbortController();
  const waiting = assert.rejects(queue.submit(draft('b'), numberedId(2), abort.signal), { isInDoubt: false });
  abort.abort();
  await waiting;
  const link = new FakeLink();
  queue.up(link);
  const later = new AbortController();
  const unanswered = assert.rejects(queue.submit(draft('c'), numberedId(3), later.signal), {
    isInDoubt: true,
  });
  await settled();
  later.abort();
  await unanswered;
  assert.deepEqual([bodies(link), queue.length], [['c'], 0]);
});

test('it is bounded in messages and in bytes, and says so at once', async () => {
  const { queue } = queueOf({ messagesMax: 2, bytesMax: 10 });
  const over = assert.rejects(queue.submit(draft('12345'), numberedId(1)), { code: 'unreachable' });
  await assert.rejects(queue.submit(draft('123456'), numberedId(2)), { code: 'overloaded' });
  await assert.rejects(queue.submit(draft('12'), numberedId(1)), { code: 'id-conflict' });
  const another = assert.rejects(queue.submit(draft('12345'), numberedId(2)), { code: 'unreachable' });
  await assert.rejects(queue.submit(draft(''), numberedId(3)), { code: 'overloaded' });
  queue.over(new SealpostError({ code: 'unreachable' }));
  await Promise.all([over, another]);
  await assert.rejects(queue.submit(draft('x'), numberedId(4)), { code: 'unreachable' });
});

test('only so many are on their way at once, and an urgent one does not wait for them', async () => {
  const { queue } = queueOf();
  const link = new FakeLink();
  queue.up(link);
  const many = Array.from({ length: 40 }, (_, index) => queue.submit(draft(`r${index}`), numberedId(index)));
  await settled();
  assert.equal(link.offered.length, 32);
  const urgent = queue.submit(draft('fire', 'flash'), numberedId(99));
  await settled();
  assert.equal(bodies(link).at(-1), 'fire');
  for (let index = 0; index < link.offered.length; index++) {
    link.offered[index]?.answer({ reasonCode: 0 });
    await settled();
  }
  await Promise.all([...many, urgent]);
});

test('before the first connection nothing is sealed, afterwards at once', async () => {
  let canSeal = false;
  const { queue, submission } = queueOf({ canSeal: () => canSeal });
  const early = queue.submit(draft('early'), numberedId(1));
  await settled();
  assert.deepEqual(submission.prepared, []);
  canSeal = true;
  const late = queue.submit(draft('late'), numberedId(2));
  assert.deepEqual(submission.prepared, [numberedId(2)]);
  const link = new FakeLink();
  queue.up(link);
  await settled();
  for (const { answer } of link.offered) answer({ reasonCode: 0 });
  await Promise.all([early, late]);
  assert.equal(submission.prepared.length, 2);
});

test('one that fails fast waits for nothing', async () => {
  const { queue } = queueOf({ failsFast: true });
  await assert.rejects(queue.submit(draft('offline'), numberedId(1)), {
    code: 'unreachable',
    isInDoubt: false,
  });
  const link = new FakeLink();
  queue.up(link);
  const refused = assert.rejects(queue.submit(draft('busy'), numberedId(2)), {
    code: 'overloaded',
    retryAfterSeconds: 5,
  });
  const lost = assert.rejects(queue.submit(draft('lost'), numberedId(3)), {
    code: 'unreachable',
    isInDoubt: true,
  });
  await settled();
  link.offered[0]?.answer(busy);
  await refused;
  link.lose();
  await lost;
});

test('a lifetime shorter than the clock is sure of is refused, not tried again', async () => {
  const { queue, submission } = queueOf();
  submission.prepareAnswer = refuse('clock');
  queue.up(new FakeLink());
  await assert.rejects(queue.submit(draft('x'), numberedId(1)), { code: 'clock' });
  assert.equal(queue.length, 0);
});

test('what may have arrived stays in doubt when its repeat is refused, for the moment or for good', async () => {
  const { queue, clock } = queueOf();
  const first = new FakeLink();
  queue.up(first);
  const expired = assert.rejects(queue.submit(draft('a', 'routine', 10), numberedId(1)), {
    code: 'undecided',
    isInDoubt: true,
  });
  const refused = assert.rejects(queue.submit(draft('b'), numberedId(2)), {
    code: 'peer-unknown',
    isInDoubt: true,
  });
  await settled();
  first.lose();
  queue.down();
  await settled();
  const second = new FakeLink();
  queue.up(second);
  await settled();
  // A server that has no room refuses before it looks whether it has the message already.
  second.offered[0]?.answer(busy);
  second.offered[1]?.answer({ reasonCode: 0x90, userProperties: [['error', 'peer-unknown']] });
  await refused;
  await settled();
  second.lose();
  queue.down();
  clock.advance(10_000);
  await expired;
});

test('a server that never answers is not waited for beyond the lifetime', async () => {
  const { queue, clock } = queueOf();
  const link = new FakeLink();
  queue.up(link);
  const unanswered = assert.rejects(queue.submit(draft('a', 'routine', 10), numberedId(1)), {
    code: 'undecided',
    isInDoubt: true,
  });
  await settled();
  clock.advance(11_000);
  await unanswered;
  assert.deepEqual([queue.length, clock.pending], [0, 0]);
});
