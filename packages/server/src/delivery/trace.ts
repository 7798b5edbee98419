// SPDX-License-Identifier: Apache-2.0
import {
  decodeEvidence,
  describeError,
  eventWord,
  parseMessageId,
  toBase64Url,
  withChain,
  type CryptoProvider,
  type ErrorCode,
  type MessageId,
} from '@sealpost/protocol';
import type { Account } from '../accounts/account.ts';
import type { CustodyReader, EvidenceRow } from '../custody/custody.ts';
import { stateNames } from '../custody/states.ts';

interface TraceOptions {
  readonly custody: CustodyReader;
  readonly crypto: CryptoProvider;
  chainOf(certificateHash: Uint8Array): readonly Uint8Array[];
}

const questionBytesMax = 1_024;

/** Answers `{"op":"trace","id":…}` on mail/mailbox/query: what is known of a message the asker sent [DELIV-14]. */
export class Trace {
  readonly #options: TraceOptions;

  constructor(options: TraceOptions) {
    this.#options = options;
  }

  async answer(account: Account, question: Uint8Array): Promise<unknown> {
    const id = readQuestion(question);
    if (id === undefined) return failure('request-invalid');
    const row = await this.#options.custody.sent(account.address, id);
    if (row === undefined) return failure('message-unknown');
    const timeline = await this.#options.custody.timeline(account.address, id);
    return {
      ok: true,
      id,
      recipient: row.audience,
      expires: row.expires,
      state: stateNames[row.state],
      ...(row.outcome === undefined ? {} : { outcome: eventWord(row.outcome) }),
      ...(row.handover === undefined ? {} : { handover: eventWord(row.handover) }),
      evidence: timeline.map((evidence) => this.#describe(evidence)),
    };
  }

  #describe({ events, observedAt, signed, contradiction }: EvidenceRow): unknown {
    const decoded = decodeEvidence(signed, this.#options.crypto);
    const chain = decoded.ok ? this.#options.chainOf(decoded.value.certificateHash) : [];
    return {
      events: events.map(eventWord),
      at: observedAt,
      signed: toBase64Url(withChain(signed, chain)),
      ...(contradiction ? { contradiction: true } : {}),
    };
  }
}

function readQuestion(question: Uint8Array): MessageId | undefined {
  if (question.length > questionBytesMax) return undefined;
  try {
    const asked: unknown = JSON.parse(Buffer.from(question).toString('utf8'));
    if (typeof asked !== 'object' || asked === null) return undefined;
    const { op, id } = asked as { op?: unknown; id?: unknown };
    if (op !== 'trace' || typeof id !== 'string') return undefined;
    const parsed = parseMessageId(id);
    return parsed.ok ? parsed.value : undefined;
  } catch {
    return undefined;
  }
}

function failure(code: ErrorCode): unknown {
  return { ok: false, error: code, sentence: describeError(code).sentence };
}
