// SPDX-License-Identifier: Apache-2.0
import { accept, fromBase64Url, parseAddress, parseMessageId, refuse } from '@sealpost/protocol';
import type { Address, MessageId, Result } from '@sealpost/protocol';
import type { EvidenceVerifier } from './evidence-verifier.ts';
import type { VerifiedEvidence } from './verified-evidence.ts';

/** What the own domain's store knows of a message, with the evidence checked here. */
export interface Trace {
  readonly id: MessageId;
  readonly recipient: Address;
  /** The server's words for where the message stands; evidence says what is proved. */
  readonly state: string;
  readonly outcome: string | undefined;
  readonly handover: string | undefined;
  /** Oldest first. */
  readonly evidence: readonly TraceEntry[];
}

export interface TraceEntry {
  /** Event words as the server lists them. */
  readonly words: readonly string[];
  /** Unix seconds. */
  readonly at: number;
  readonly verified: Result<VerifiedEvidence>;
  /** It says otherwise than what came first; it is shown and changes nothing. */
  readonly isContradiction: boolean;
}

export async function readTrace(
  answer: Readonly<Record<string, unknown>>,
  verifier: EvidenceVerifier,
): Promise<Result<Trace>> {
  const { id, recipient, state, outcome, handover, evidence } = answer;
  const parsedId = parseMessageId(textOf(id) ?? '');
  const parsedRecipient = parseAddress(textOf(recipient) ?? '');
  if (!parsedId.ok) return parsedId;
  if (!parsedRecipient.ok) return parsedRecipient;
  const entries: TraceEntry[] = [];
  for (const entry of Array.isArray(evidence) ? (evidence as unknown[]) : [])
    entries.push(await readEntry(entry, parsedId.value, verifier));
  return accept({
    id: parsedId.value,
    recipient: parsedRecipient.value,
    state: textOf(state) ?? (typeof state === 'number' ? String(state) : 'unknown'),
    outcome: textOf(outcome),
    handover: textOf(handover),
    evidence: entries,
  });
}

async function readEntry(entry: unknown, id: MessageId, verifier: EvidenceVerifier): Promise<TraceEntry> {
  const { events, at, signed, contradiction } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const bytes = fromBase64Url(textOf(signed) ?? '');
  const verified =
    bytes === undefined || bytes.length === 0
      ? refuse('evidence-invalid', 'no signed statement')
      : await verifier.verify(bytes, id);
  return {
    words: Array.isArray(events) ? events.filter((word) => typeof word === 'string') : [],
    at: typeof at === 'number' ? at : 0,
    verified,
    isContradiction: contradiction === true,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
