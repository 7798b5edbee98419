// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept, parseAddress, parseEventWord, parseMessageId, refuse } from '@sealpost/protocol';
import type { EventWord, Result } from '@sealpost/protocol';
import type { EvidenceNotice } from './evidence-notice.ts';
import { Sent } from './sent.ts';
import type { VerifiedEvidence } from './verified-evidence.ts';

const id = valueOf(parseMessageId('0192a3b4-5c6d-7e8f-9012-3456789abcde'));
const to = valueOf(parseAddress('desk@fire.test'));

function valueOf<T>(result: Result<T>): T {
  assert.ok(result.ok);
  return result.value;
}

function notice(word: EventWord, reason?: string): EvidenceNotice {
  const verified: VerifiedEvidence = {
    id,
    recipient: to,
    events: [valueOf(parseEventWord(word))],
    words: [word],
    observedAt: 1_764_000_000,
    ...(reason === undefined ? {} : { reason }),
    signer: { domain: 'fire.test' as never, role: 'domain-seal', anchorProof: 'static' },
    digest: new Uint8Array(32),
    digestChecked: true,
    signed: new Uint8Array(1),
  };
  return { id, word, text: word, verified: accept(verified) };
}

function unverified(word: EventWord): EvidenceNotice {
  return { id, word, text: word, verified: refuse('signature-invalid') };
}

function sentAsking(...asked: EventWord[]): { sent: Sent; settled: () => number } {
  let settled = 0;
  const sent = new Sent(id, to, asked, () => (settled += 1));
  return { sent, settled: () => settled };
}

test('until resolves with evidence that came before or comes after', async () => {
  const { sent } = sentAsking('delivered', 'fetched');
  sent.record(notice('delivered'));
  assert.deepEqual((await sent.until('delivered')).words, ['delivered']);
  const later = sent.until('fetched');
  sent.record(notice('fetched'));
  assert.deepEqual((await later).words, ['fetched']);
});

test('until rejects with a registered code when the message fails', async () => {
  const cases: readonly [EventWord, string | undefined, string][] = [
    ['not-deliverable', 'mailbox-unknown', 'mailbox-unknown'],
    ['relay-refused', 'made-up', 'rejected'],
    ['expired', undefined, 'expired'],
    ['lapsed', 'attempts', 'expired'],
    ['cancelled', undefined, 'rejected'],
    ['unconfirmed', undefined, 'undecided'],
  ];
  for (const [word, reason, code] of cases) {
    const { sent } = sentAsking('fetched');
    const waiting = assert.rejects(sent.until('fetched'), { name: 'SealpostError', code });
    sent.record(notice(word, reason));
    await waiting;
  }
});

test('declined ends the wait for acknowledged, not the one for fetched', async () => {
  const { sent } = sentAsking('fetched', 'acknowledged');
  sent.record(notice('declined'));
  await assert.rejects(sent.until('acknowledged'), { code: 'rejected' });
  sent.record(notice('fetched'));
  await sent.until('fetched');
});

test('evidence that does not verify is an error for who waits for it, until a true word comes', async () => {
  const { sent } = sentAsking('delivered');
  sent.record(unverified('delivered'));
  await assert.rejects(sent.until('delivered'), { code: 'signature-invalid' });
  sent.record(notice('delivered'));
  await sent.until('delivered');
});

test('a forged failure does not end the wait', async () => {
  const { sent } = sentAsking('delivered');
  sent.record(unverified('expired'));
  const waiting = sent.until('delivered');
  sent.record(notice('delivered'));
  await waiting;
});

test('the first verified word about an event stands', async () => {
  const { sent } = sentAsking('delivered');
  sent.record(notice('delivered', 'first'));
  sent.record(notice('delivered', 'second'));
  sent.record(unverified('delivered'));
  assert.equal(sent.timeline.length, 1);
  assert.equal((await sent.until('delivered')).reason, 'first');
});

test('evidence ends when all that was asked for has come, and says so once', async () => {
  const { sent, settled } = sentAsking('delivered', 'fetched');
  const words: string[] = [];
  const reading = (async () => {
    for await (const { word } of sent.evidence()) words.push(word);
  })();
  for (const word of ['accepted', 'delivered'] as const) sent.record(notice(word));
  assert.equal(settled(), 0);
  sent.record(notice('fetched'));
  await reading;
  assert.deepEqual(words, ['accepted', 'delivered', 'fetched']);
  assert.equal(settled(), 1);
});

test('a signal, a lost connection and a question never asked each end the wait', async () => {
  const { sent } = sentAsking('delivered');
  await assert.rejects(sent.until('delivered', { signal: AbortSignal.abort() }), { code: 'undecided' });
  const controller = new AbortController();
  const waiting = assert.rejects(sent.until('delivered', { signal: controller.signal }), {
    code: 'undecided',
  });
  controller.abort();
  await waiting;
  await assert.rejects(sent.until('opened'), TypeError);
  sent.end({ code: 'unreachable' });
  await assert.rejects(sent.until('delivered'), { code: 'unreachable' });
});
