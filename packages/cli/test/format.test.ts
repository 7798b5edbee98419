// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { Precedence, accept, refuse } from '@sealpost/protocol';
import { evidenceJson, noticeJson, timelineLines, traceLines } from '../src/evidence-format.ts';
import { inboxLines, messageJson, messageLines } from '../src/message-format.ts';
import { recordingTerminal } from './recording-terminal.ts';
import { deskAddress, sampleEvidence, sampleId, sampleMessage, sampleNotice } from './samples.ts';

const plain = recordingTerminal();

test('a timeline says event, time, signer, role and that it was verified', () => {
  const lines = timelineLines(plain, [
    sampleNotice('accepted'),
    sampleNotice('delivered', accept(sampleEvidence('delivered', { lane: Precedence.priority }))),
    sampleNotice('lapsed', accept(sampleEvidence('lapsed', { reason: 'attempts' }))),
  ]);
  assert.deepEqual(lines, [
    '  accepted   16:00:00Z  fire.test  domain-seal  verified (static anchor)',
    '  delivered  16:00:00Z  fire.test  domain-seal  verified (static anchor), lowered to priority',
    '  lapsed     16:00:00Z  fire.test  domain-seal  verified (static anchor), reason attempts',
  ]);
});

test('evidence that does not verify never looks as if it did', () => {
  const bad = sampleNotice('delivered', refuse('signature-invalid'));
  const [line = ''] = timelineLines(plain, [bad]);
  assert.match(line, /^ {2}delivered .*NOT VERIFIED \[signature-invalid\] The signature does not verify\.$/);
  assert.deepEqual(noticeJson(bad), { events: ['delivered'], verified: false, error: 'signature-invalid' });
});

test('evidence for scripts', () => {
  assert.deepEqual(evidenceJson(['fetched'], accept(sampleEvidence('fetched'))), {
    events: ['fetched'],
    verified: true,
    at: '2025-11-24T16:00:00Z',
    recipient: 'desk@fire.test',
    signer: { domain: 'fire.test', role: 'domain-seal', anchor: 'static' },
    digestChecked: true,
  });
});

test('a trace has its head and its contradictions', () => {
  const lines = traceLines(plain, {
    id: sampleId,
    recipient: deskAddress,
    state: 'relayed',
    outcome: 'delivered',
    handover: undefined,
    evidence: [
      {
        words: ['relayed', 'delivered'],
        at: 0,
        verified: accept(sampleEvidence('delivered')),
        isContradiction: false,
      },
      {
        words: ['not-deliverable'],
        at: 0,
        verified: accept(sampleEvidence('not-deliverable')),
        isContradiction: true,
      },
    ],
  });
  assert.equal(lines[0], `${sampleId} → desk@fire.test  delivered`);
  assert.match(lines[1] ?? '', /relayed, delivered/);
  assert.match(lines[2] ?? '', /contradicts what came first$/);
});

test('a message shows lane, sender, trust and text', () => {
  assert.deepEqual(messageLines(plain, sampleMessage({})), [
    "flash  kitchen-alarm@home.test  sender's own seal, device, static anchor",
    `  message ${sampleId}`,
    '  Smoke',
    '  Smoke in the kitchen',
  ]);
});

test('a message cannot draw on the screen', () => {
  const message = sampleMessage({
    body: Buffer.from('first\n\u001b[1Asecond\u202E'),
    subject: '\u001b]0;x\u0007title',
  });
  const coloured = recordingTerminal({ colour: true });
  for (const line of [...messageLines(coloured, message), ...inboxLines(coloured, [message])])
    assert.doesNotMatch(stripVTControlCharacters(line), /[\p{Cc}\u202A-\u202E]/u);
  assert.ok(messageLines(plain, message).every((line) => !line.includes('\u001b')));
});

test('what is not sealed and verified is not shown as the sender’s word', () => {
  const message = sampleMessage({ isVerified: false });
  assert.match(messageLines(plain, message)[0] ?? '', /NOT VERIFIED \[signature-invalid\]/);
  const json = messageJson(message);
  assert.equal(json.verified, false);
  assert.equal(json.error, 'signature-invalid');
  assert.equal(json.subject, undefined);
  assert.equal(json.precedence, undefined);
});

test('a body that is not text is told by its size, and given to scripts as base64url', () => {
  const message = sampleMessage({ body: Uint8Array.of(1, 2, 3), isText: false });
  assert.equal(messageLines(plain, message)[3], '  (3 bytes of image/png)');
  assert.equal(messageJson(message).body, 'AQID');
  assert.equal(messageJson(message).text, undefined);
});

test('a long preview is cut between characters', () => {
  const lines = inboxLines(plain, [sampleMessage({ subject: '🔥'.repeat(64) })]);
  assert.equal(lines[1], `  ${sampleId}  ${'🔥'.repeat(59)}…`);
});

test('a timeline follows the life of the message, not the order of arrival', () => {
  const lines = timelineLines(plain, [
    sampleNotice('delivered'),
    sampleNotice('accepted'),
    sampleNotice('relayed'),
  ]);
  assert.deepEqual(
    lines.map((line) => line.trim().split(' ')[0]),
    ['accepted', 'relayed', 'delivered'],
  );
});
