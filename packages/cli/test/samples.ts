// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Message } from '@sealpost/client';
import type { EvidenceNotice, VerifiedEvidence } from '@sealpost/client';
import {
  Precedence,
  accept,
  parseAddress,
  parseEventWord,
  parseMessageId,
  refuse,
  utf8,
} from '@sealpost/protocol';
import type { Address, Claims, EventWord, Result } from '@sealpost/protocol';

function valueOf<T>(result: Result<T>): T {
  assert.ok(result.ok);
  return result.value;
}

export const sampleId = valueOf(parseMessageId('0192a3b4-5c6d-7e8f-9012-3456789abcde'));
export const alarmAddress: Address = valueOf(parseAddress('kitchen-alarm@home.test'));
export const deskAddress: Address = valueOf(parseAddress('desk@fire.test'));

const claims: Claims = {
  issuer: alarmAddress,
  audience: deskAddress,
  issuedAt: 1_764_000_000,
  expires: 1_764_000_120,
  id: sampleId,
  precedence: Precedence.flash,
  class: 'ordinary',
  ask: [],
  subject: 'Smoke',
};

interface Change {
  readonly body?: Uint8Array;
  readonly isText?: boolean;
  readonly isVerified?: boolean;
  readonly subject?: string;
}

export function sampleMessage({
  body = utf8('Smoke in the kitchen'),
  isText = true,
  isVerified = true,
  subject,
}: Change): Message {
  return new Message(
    {
      id: sampleId,
      from: alarmAddress,
      lane: Precedence.flash,
      body,
      text: isText ? Buffer.from(body).toString('utf8') : undefined,
      contentType: isText ? 'text/plain;charset=utf-8' : 'image/png',
      claims: isVerified ? { ...claims, ...(subject === undefined ? {} : { subject }) } : undefined,
      verified: isVerified
        ? accept({
            sealClass: 'origin' as const,
            senderKind: 'device' as const,
            anchorProof: 'static' as const,
          })
        : refuse('signature-invalid'),
    },
    { act: () => Promise.resolve(), taken: () => undefined, leave: () => undefined },
  );
}

export function sampleEvidence(word: EventWord, change: Partial<VerifiedEvidence> = {}): VerifiedEvidence {
  return {
    id: sampleId,
    recipient: deskAddress,
    events: [valueOf(parseEventWord(word))],
    words: [word],
    observedAt: 1_764_000_000,
    signer: { domain: 'fire.test' as never, role: 'domain-seal', anchorProof: 'static' },
    digest: new Uint8Array(32),
    digestChecked: true,
    signed: new Uint8Array(1),
    ...change,
  };
}

export function sampleNotice(
  word: EventWord,
  verified: Result<VerifiedEvidence> = accept(sampleEvidence(word)),
): EvidenceNotice {
  return { id: sampleId, word, text: word, verified };
}
