// SPDX-License-Identifier: Apache-2.0
import { Event, eventWord, parseEventWord } from '@sealpost/protocol';
import type { ErrorCode, EventWord, MessageId, Result } from '@sealpost/protocol';
import { isErrorCode } from '@sealpost/protocol';
import type { VerifiedEvidence } from './verified-evidence.ts';

/** One thing that is said to have happened to a message. Believe it only when `verified.ok`. */
export interface EvidenceNotice {
  readonly id: MessageId;
  readonly word: EventWord;
  /** The server's line of text about it: its words, not the signer's. */
  readonly text: string;
  readonly verified: Result<VerifiedEvidence>;
}

const failures: readonly Event[] = [
  Event.rejected,
  Event.relayRefused,
  Event.relayFailed,
  Event.refused,
  Event.expired,
  Event.notDeliverable,
  Event.lapsed,
  Event.cancelled,
];

/** Whether nothing better can follow. */
export function isFailure(word: EventWord): boolean {
  const event = parseEventWord(word);
  return event.ok && failures.includes(event.value);
}

/** Why waiting for `awaited` is over without it: a code, or undefined while it may still come. */
export function failureOf(
  word: EventWord,
  reason: string | undefined,
  awaited: EventWord,
): ErrorCode | undefined {
  if (word === awaited) return undefined;
  if (isFailure(word)) {
    if (reason !== undefined && isErrorCode(reason)) return reason;
    return word === 'expired' || word === 'lapsed' ? 'expired' : 'rejected';
  }
  if (word === eventWord(Event.unconfirmed)) return 'undecided';
  return word === 'declined' && awaited === 'acknowledged' ? 'rejected' : undefined;
}
