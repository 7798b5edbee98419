// SPDX-License-Identifier: Apache-2.0
// Messages and statements for tests of custody. Nothing is sealed or signed for real: custody does not look inside.
import { createHash, randomBytes } from 'node:crypto';
import { Event, newMessageId } from '@sealpost/protocol';
import type { Address, MessageId, Statement } from '@sealpost/protocol';
import type { Transition } from '@sealpost/server';

export type Acceptance = Transition & { readonly kind: 'accept' };
type Kind = Transition['kind'];
type Step<K extends Kind> = Transition & { readonly kind: K };

export const sampleRecipient = 'desk@fire.test' as Address;
export const sampleSender = 'alarm@city.test' as Address;
/** Where a row for the domain of `recipient` is held. */
export const samplePeer = 'fire.test';
export const sampleNow = 1_764_000_000;

export function sampleId(): MessageId {
  return newMessageId(sampleNow * 1000, randomBytes(10));
}

export function sampleStatement(
  about: { readonly id: MessageId; readonly digest: Uint8Array; readonly audience: Address },
  events: readonly Event[],
): Statement {
  const { id, digest, audience } = about;
  return { events, id, digest, recipient: audience, observedAt: sampleNow, nonce: randomBytes(16) };
}

/** In place of a signature: names the statement by its nonce, so that two of them differ. */
export function sampleSign(statement: Statement): Promise<Uint8Array> {
  return Promise.resolve(signedForm(statement));
}

export function signedForm({ events, nonce }: Statement): Uint8Array {
  return Buffer.concat([Uint8Array.from(events), nonce]);
}

/** A message in a mailbox (state 6), unless something else is asked for. */
export function sampleAcceptance(
  wanted: Partial<Omit<Acceptance, 'kind' | 'evidence'>> & { readonly events?: readonly Event[] } = {},
): Acceptance {
  const { events = [Event.relayed, Event.delivered], ...fields } = wanted;
  const id = fields.id ?? sampleId();
  const audience = fields.audience ?? sampleRecipient;
  const body = fields.body ?? Buffer.from('smoke in the kitchen');
  const digest = fields.digest ?? createHash('sha256').update(id).update(body).digest();
  return {
    kind: 'accept',
    holder: audience,
    issuer: sampleSender,
    state: 6,
    lane: -2,
    expires: sampleNow + 3600,
    nextAt: sampleNow * 1000,
    quiet: false,
    ask: [],
    seal: Buffer.from('seal'),
    notices: [],
    evidence: sampleStatement({ id, digest, audience }, events),
    ...fields,
    id,
    audience,
    digest,
    body,
  };
}

/** A message for a peer: due (3) or in doubt (4). */
export function sampleRelay(wanted: Parameters<typeof sampleAcceptance>[0] = {}): Acceptance {
  return sampleAcceptance({ holder: `@${samplePeer}`, state: 3, events: [Event.accepted], ...wanted });
}

export function offer({ holder, id }: Acceptance): Transition {
  return { kind: 'offer', holder, id };
}

export function withdraw({ holder, id }: Acceptance): Transition {
  return { kind: 'withdraw', holder, id };
}

export function attempt({ holder, id }: Acceptance): Transition {
  return { kind: 'attempt', holder, id };
}

interface Owed {
  readonly notices?: readonly Event[];
  readonly report?: string;
}

export function consign(accepted: Acceptance, owed: Owed = {}): Step<'consign'> {
  return { kind: 'consign', ...step(accepted, Event.delivered, owed) };
}

export function handOver(accepted: Acceptance, owed: Owed = {}): Step<'handOver'> {
  return { kind: 'handOver', ...step(accepted, Event.fetched, owed) };
}

export function lapse(accepted: Acceptance, owed: Owed = {}): Step<'lapse'> {
  return { kind: 'lapse', ...step(accepted, Event.lapsed, owed) };
}

export function dispose(accepted: Acceptance, event: Event, owed: Owed = {}): Step<'dispose'> {
  return { kind: 'dispose', event, ...step(accepted, event, owed) };
}

export function finish(
  accepted: Acceptance,
  from: (Transition & { kind: 'finish' })['from'],
  outcome: Event,
  owed: Owed = {},
): Step<'finish'> {
  return { kind: 'finish', from, outcome, ...step(accepted, outcome, owed) };
}

function step(
  accepted: Acceptance,
  event: Event,
  { notices = [], report }: Owed,
): Omit<Step<'handOver'>, 'kind'> {
  const { holder, id } = accepted;
  const evidence = sampleStatement(accepted, [event]);
  return { holder, id, evidence, notices, ...(report === undefined ? {} : { report }) };
}

/** What the recipient's domain said, verified. Each has bytes of its own. */
export function admit(
  accepted: Acceptance,
  events: readonly Event[],
  wanted: Partial<Step<'admit'>> = {},
): Step<'admit'> {
  const { issuer, id, audience, digest } = accepted;
  const statement = sampleStatement(accepted, events);
  return {
    kind: 'admit',
    issuer,
    id,
    recipient: audience,
    digest,
    events,
    signed: signedForm(statement),
    observedAt: statement.observedAt,
    notices: [],
    ...wanted,
  };
}
