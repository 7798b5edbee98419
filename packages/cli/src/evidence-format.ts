// SPDX-License-Identifier: Apache-2.0
import type { EvidenceNotice, Trace, TraceEntry, VerifiedEvidence } from '@sealpost/client';
import { Event, describeError, parseEventWord, precedenceName } from '@sealpost/protocol';
import type { Result } from '@sealpost/protocol';
import { formatTable } from './table.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** Evidence as scripts get it. Times are ISO 8601, UTC. */
export interface EvidenceJson {
  readonly events: readonly string[];
  readonly verified: boolean;
  readonly error?: string;
  readonly at?: string;
  readonly recipient?: string;
  readonly signer?: {
    readonly domain: string;
    readonly role: string;
    readonly address?: string;
    readonly anchor: string;
  };
  readonly digestChecked?: boolean;
  readonly reason?: string;
  readonly by?: string;
  readonly lane?: string;
  readonly contradiction?: true;
}

export function evidenceJson(words: readonly string[], verified: Result<VerifiedEvidence>): EvidenceJson {
  if (!verified.ok) return { events: words, verified: false, error: verified.refusal.code };
  const { observedAt, recipient, signer, digestChecked, reason, by, lane } = verified.value;
  return {
    events: words,
    verified: true,
    at: isoTime(observedAt),
    recipient,
    signer: {
      domain: signer.domain,
      role: signer.role,
      ...(signer.address === undefined ? {} : { address: signer.address }),
      anchor: signer.anchorProof,
    },
    digestChecked,
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
    ...(lane === undefined ? {} : { lane: precedenceName(lane) }),
  };
}

export function noticeJson({ word, verified }: EvidenceNotice): EvidenceJson {
  return evidenceJson([word], verified);
}

export function traceEntryJson({ words, verified, isContradiction }: TraceEntry): EvidenceJson {
  return { ...evidenceJson(words, verified), ...(isContradiction ? { contradiction: true as const } : {}) };
}

/** Word, time, who signed in which role, and whether that was proved: the cells of one line of a timeline. */
export function evidenceRow(
  terminal: Terminal,
  words: readonly string[],
  verified: Result<VerifiedEvidence>,
): string[] {
  const word = printable(words.join(', '));
  if (!verified.ok) {
    const { code } = verified.refusal;
    const why = terminal.style('red', `NOT VERIFIED [${code}] ${describeError(code).sentence}`);
    return [word, '', '', '', why];
  }
  const { observedAt, signer, reason, by, lane } = verified.value;
  const remarks = [
    terminal.style('green', `verified (${signer.anchorProof} anchor)`),
    ...(reason === undefined ? [] : [`reason ${reason}`]),
    ...(by === undefined ? [] : [`by ${by}`]),
    ...(lane === undefined ? [] : [terminal.style('yellow', `lowered to ${precedenceName(lane)}`)]),
  ];
  const time = clockTime(observedAt, verified.value.events.some(isReaders));
  return [word, time, signer.address ?? signer.domain, signer.role, remarks.join(', ')];
}

/** In the order of a message's life, not of arrival: answers and evidence overtake each other. */
export function inOrder(notices: readonly EvidenceNotice[]): EvidenceNotice[] {
  return notices.toSorted((left, right) => rank(left) - rank(right));
}

function rank({ word }: EvidenceNotice): number {
  const event = parseEventWord(word);
  return event.ok ? event.value : 0;
}

export function timelineLines(terminal: Terminal, notices: readonly EvidenceNotice[]): string[] {
  const rows = inOrder(notices).map(({ word, verified }) => evidenceRow(terminal, [word], verified));
  return formatTable(rows, '  ');
}

export function traceLines(terminal: Terminal, trace: Trace): string[] {
  const { id, recipient, state, outcome, handover, evidence } = trace;
  const fates = (outcome === undefined ? [state] : [outcome, handover])
    .filter((fate) => fate !== undefined)
    .map(printable);
  const rows = evidence.map(({ words, verified, isContradiction }) => {
    const row = evidenceRow(terminal, words, verified);
    return isContradiction ? [...row, terminal.style('red', 'contradicts what came first')] : row;
  });
  return [`${terminal.style('bold', id)} → ${recipient}  ${fates.join(' · ')}`, ...formatTable(rows, '  ')];
}

export function isoTime(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z');
}

const readersEvents: readonly Event[] = [Event.fetched, Event.opened, Event.acknowledged, Event.declined];

function isReaders(event: Event): boolean {
  return readersEvents.includes(event);
}

/** What a reader did is stated to the minute [DELIV-10], so no seconds are shown for it. */
function clockTime(unixSeconds: number, toTheMinute: boolean): string {
  const time = isoTime(unixSeconds).slice(11);
  return toTheMinute ? time.replace(/:00Z$/, 'Z') : time;
}
