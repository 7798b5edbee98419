// SPDX-License-Identifier: Apache-2.0
// What crosses between the two threads for a batch: its commands one way, their results the other, each as one buffer.
import type { Event, Statement } from '@sealpost/protocol';
import {
  stepKinds,
  type AcceptCommand,
  type AdmitCommand,
  type Command,
  type CommandResult,
  type Prepared,
  type StepCommand,
} from './command.ts';
import { eventSet, eventsOf } from './event-set.ts';
import { Packer, Unpacker } from './packing.ts';
import type { State } from './states.ts';
import type { Acceptance, TransitionResult } from './transition.ts';

const commandKinds: readonly Command['kind'][] = ['accept', 'admit', ...stepKinds, 'reported', 'noticed'];
const resultKinds: readonly CommandResult['kind'][] = [
  'applied',
  'duplicate',
  'wrong-state',
  'contradiction',
  'conflict',
  'storage-full',
  'failed',
  'postponed',
];

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError('unknown kind in a batch');
  return value;
}

export function packBatch(batch: readonly Prepared[]): ArrayBuffer {
  const packer = new Packer();
  packer.number(batch.length);
  for (const prepared of batch) packTransition(packer, prepared);
  return packer.finish();
}

function packTransition(packer: Packer, { transition, signed }: Prepared): void {
  packer.number(commandKinds.indexOf(transition.kind));
  switch (transition.kind) {
    case 'accept':
      return packAccept(packer, transition, signed);
    case 'admit': {
      const { id, issuer, recipient, digest, events, observedAt, notices } = transition;
      packer.text(id);
      packer.text(issuer);
      packer.text(recipient);
      packer.bytes(digest);
      packer.bytes(transition.signed);
      packer.number(eventSet(events));
      packer.number(observedAt);
      return packer.number(eventSet(notices));
    }
    case 'reported':
      return packTaken(packer, transition.peer, transition.seqs);
    case 'noticed':
      return packTaken(packer, transition.mailbox, transition.seqs);
    case 'offer':
    case 'withdraw':
    case 'attempt':
      packer.text(transition.holder);
      return packer.text(transition.id);
    default:
      packer.text(transition.holder);
      packer.text(transition.id);
      packEvidence(packer, transition.evidence, signed);
      packer.number(eventSet(transition.notices));
      packer.text(transition.report ?? '');
      if (transition.kind === 'dispose') packer.number(transition.event);
      if (transition.kind === 'finish') {
        packer.number(transition.outcome);
        packer.number(transition.from.length);
        for (const state of transition.from) packer.number(state);
      }
  }
}

function packAccept(packer: Packer, accept: Acceptance, signed: Uint8Array | undefined): void {
  packer.text(accept.holder);
  packer.text(accept.id);
  packer.text(accept.issuer);
  packer.text(accept.audience);
  packer.bytes(accept.digest);
  packer.number(accept.state);
  packer.number(accept.lane);
  packer.number(accept.expires);
  packer.number(accept.nextAt);
  packer.optional(accept.attemptsMax);
  packer.number(accept.quiet ? 1 : 0);
  packer.number(eventSet(accept.ask));
  packer.bytes(accept.seal);
  packer.bytes(accept.body);
  packEvidence(packer, accept.evidence, signed);
  packer.number(eventSet(accept.notices));
  const { submission } = accept;
  packer.optional(submission?.packetId);
  if (submission === undefined) return;
  packer.text(submission.clientId);
  packer.bytes(submission.contentHash);
}

function packEvidence(packer: Packer, statement: Statement, signed: Uint8Array | undefined): void {
  if (signed === undefined) throw new TypeError('evidence that was not signed');
  packer.bytes(signed);
  packer.number(eventSet(statement.events));
  packer.number(statement.observedAt);
}

function packTaken(packer: Packer, queue: string, seqs: readonly number[]): void {
  packer.text(queue);
  packer.number(seqs.length);
  for (const seq of seqs) packer.number(seq);
}

export function unpackBatch(packed: ArrayBuffer): Command[] {
  const unpacker = new Unpacker(packed);
  const commands: Command[] = [];
  for (let left = unpacker.number(); left > 0; left--) commands.push(unpackCommand(unpacker));
  return commands;
}

function unpackCommand(unpacker: Unpacker): Command {
  const kind = at(commandKinds, unpacker.number());
  switch (kind) {
    case 'accept':
      return unpackAccept(unpacker);
    case 'admit':
      return unpackAdmit(unpacker);
    case 'reported':
    case 'noticed':
      return { kind, queue: unpacker.text(), seqs: unpackNumbers(unpacker) };
    default:
      return unpackStep(unpacker, kind);
  }
}

function unpackAccept(unpacker: Unpacker): AcceptCommand {
  const holder = unpacker.text();
  const id = idBytes(unpacker.text());
  const issuer = unpacker.text();
  const audience = unpacker.text();
  const digest = unpacker.bytes();
  const state = unpacker.number() as State;
  const lane = unpacker.number();
  const expires = unpacker.number();
  const nextAt = unpacker.number();
  const attemptsMax = unpacker.optional();
  const quiet = unpacker.number() === 1;
  const ask = unpacker.number();
  const seal = unpacker.bytes();
  const body = unpacker.bytes();
  const signed = unpacker.bytes();
  const events = unpacker.number();
  const observedAt = unpacker.number();
  const notices = unpacker.number();
  const packetId = unpacker.optional();
  const submission =
    packetId === undefined
      ? undefined
      : { packetId, clientId: unpacker.text(), contentHash: unpacker.bytes() };
  return {
    kind: 'accept',
    holder,
    id,
    issuer,
    audience,
    digest,
    state,
    lane,
    expires,
    nextAt,
    attemptsMax,
    quiet,
    ask,
    seal,
    body,
    signed,
    events,
    observedAt,
    notices,
    submission,
  };
}

function unpackAdmit(unpacker: Unpacker): AdmitCommand {
  const id = idBytes(unpacker.text());
  const issuer = unpacker.text();
  const audience = unpacker.text();
  const holder = `@${audience.slice(audience.lastIndexOf('@') + 1)}`;
  const digest = unpacker.bytes();
  const signed = unpacker.bytes();
  const events = unpacker.number();
  const observedAt = unpacker.number();
  const notices = unpacker.number();
  return { kind: 'admit', holder, id, issuer, audience, digest, signed, events, observedAt, notices };
}

function unpackStep(unpacker: Unpacker, kind: StepCommand['kind']): StepCommand {
  const holder = unpacker.text();
  const id = idBytes(unpacker.text());
  if (kind === 'offer' || kind === 'withdraw' || kind === 'attempt')
    return {
      kind,
      holder,
      id,
      evidence: undefined,
      notices: 0,
      report: undefined,
      event: undefined,
      from: [],
    };
  const evidence = {
    signed: unpacker.bytes(),
    events: unpacker.number(),
    observedAt: unpacker.number(),
  };
  const notices = unpacker.number();
  const peer = unpacker.text();
  const report = peer === '' ? undefined : peer;
  const event = kind === 'dispose' || kind === 'finish' ? (unpacker.number() as Event) : undefined;
  const from = kind === 'finish' ? (unpackNumbers(unpacker) as State[]) : [];
  return { kind, holder, id, evidence, notices, report, event, from };
}

function unpackNumbers(unpacker: Unpacker): number[] {
  const numbers: number[] = [];
  for (let left = unpacker.number(); left > 0; left--) numbers.push(unpacker.number());
  return numbers;
}

/** Of the canonical text, which was checked when the message was opened. */
function idBytes(text: string): Uint8Array {
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

export function packResults(results: readonly CommandResult[]): ArrayBuffer {
  const packer = new Packer();
  for (const result of results) {
    packer.number(resultKinds.indexOf(result.kind));
    switch (result.kind) {
      case 'applied':
        packer.number(result.notices);
        packer.number(result.firstNotice);
        packer.optional(result.report);
        break;
      case 'duplicate':
        packer.number(result.state);
        packer.optionalBytes(result.signed);
        break;
      case 'wrong-state':
        packer.optional(result.state);
        break;
      case 'failed':
        packer.text(result.message);
        break;
      default:
    }
  }
  return packer.finish();
}

/** What became of a transition; undefined: nothing yet, and it is to be written again. */
export type WriteResult = TransitionResult | Error | undefined;

/** One for each transition of the batch. */
export function unpackResults(packed: ArrayBuffer, batch: readonly Prepared[]): WriteResult[] {
  const unpacker = new Unpacker(packed);
  return batch.map((prepared) => unpackResult(unpacker, prepared));
}

function unpackResult(unpacker: Unpacker, { transition, signed }: Prepared): WriteResult {
  const kind = at(resultKinds, unpacker.number());
  switch (kind) {
    case 'applied':
      return unpackApplied(unpacker, transition.kind === 'admit' ? transition.signed : signed);
    case 'duplicate': {
      const state = unpacker.number() as State;
      const first = unpacker.optionalBytes();
      // A copy: the view would keep the results of the whole batch.
      return first === undefined ? { kind, state } : { kind, state, signed: Uint8Array.from(first) };
    }
    case 'wrong-state': {
      const state = unpacker.optional();
      return state === undefined ? { kind } : { kind, state: state as State };
    }
    case 'storage-full':
      return { kind: 'refused', code: 'storage-full' };
    case 'postponed':
      return undefined;
    case 'failed':
      return new Error(`custody could not make the transition ${transition.kind}: ${unpacker.text()}`);
    default:
      return { kind };
  }
}

function unpackApplied(unpacker: Unpacker, signed: Uint8Array | undefined): TransitionResult {
  const noticed = unpacker.number();
  const firstNotice = unpacker.number();
  const report = unpacker.optional();
  const notices = eventsOf(noticed).map((event, index) => ({ seq: firstNotice + index, event }));
  return {
    kind: 'applied',
    ...(signed === undefined ? {} : { signed }),
    ...(notices.length === 0 ? {} : { notices }),
    ...(report === undefined ? {} : { report }),
  };
}
