// SPDX-License-Identifier: Apache-2.0
import type { TrustStore, TrustedCertificate } from '@sealpost/identity';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import {
  Event,
  accept,
  bodyBytesMax,
  checkSeal,
  decodeCbor,
  decodeSeal,
  domainOf,
  equalBytes,
  fromBase64Url,
  lowest,
  makeEvidence,
  parseMailTopic,
  refuse,
  senderKind,
  toBase64Url,
  verifySeal,
  type CryptoProvider,
  type Domain,
  type Precedence,
  type Refusal,
  type Result,
  type Seal,
  type Signer,
} from '@sealpost/protocol';
import {
  defaultCeiling,
  grantedCeiling,
  possibleCeiling,
  type Account,
  type Accounts,
} from '../accounts/account.ts';
import type { Custody, CustodyReader, State, Transition } from '../custody/custody.ts';
import type { Admission } from '../evidence/admission.ts';
import type { Answer, Observer, RelayRequest } from '../observe/observer.ts';
import { loweredLane, type Statements } from '../evidence/statement.ts';
import { acknowledgeRefusal, accepted } from '../front/acknowledge.ts';
import type { Intake } from '../limits/intake.ts';
import { newest, wishesOf, type LiveMessage } from '../message.ts';
import { unixSeconds, type Clock } from '../schedule/clock.ts';
import { property } from './link.ts';
import { statementsMax } from './reports.ts';

export interface InboundOptions {
  readonly domain: Domain;
  readonly crypto: CryptoProvider;
  readonly trust: TrustStore;
  readonly signer: Signer;
  readonly accounts: Accounts;
  readonly custody: Custody & CustodyReader;
  readonly statements: Statements;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly intake: Intake;
  keepCertificate(certificate: TrustedCertificate): Promise<Result<void>>;
  /** The message is in its mailbox, or held for its not-before. */
  accepted(message: LiveMessage, state: State): void;
  readonly observer: Observer;
  report(error: unknown): void;
}

/** A batch of statements: each is below 512 bytes, plus certificates where the peer sends them along. */
const evidenceBytesMax = statementsMax * 4_096;

/** What a peer asks of us over a link that proved its domain. The answer is the PUBACK, evidence included. */
export class Inbound {
  readonly #options: InboundOptions;
  /** Messages that are being taken, by issuer and id: nothing is said of them before it is known. */
  readonly #underway = new Set<string>();

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** Never rejects: what goes wrong here is nothing that a peer may take for a refusal [RELAY-6]. */
  async handle(peer: Domain, publish: Publish): Promise<Acknowledgement> {
    const answer = await this.#handleSafely(peer, publish);
    const what = whatOf(publish.topic);
    if (what !== undefined) {
      const code = answer.reasonCode === 0 ? 'ok' : property(answer.userProperties ?? [], 'error');
      this.#options.observer.peerAnswered(peer, what, (code ?? 'undecided') as Answer);
    }
    return answer;
  }

  async #handleSafely(peer: Domain, publish: Publish): Promise<Acknowledgement> {
    try {
      return await this.#handle(peer, publish);
    } catch (error) {
      this.#options.report(error);
      return acknowledgeRefusal(refuse('undecided').refusal);
    }
  }

  async #handle(peer: Domain, publish: Publish): Promise<Acknowledgement> {
    const topic = parseMailTopic(publish.topic);
    if (!topic.ok) return acknowledgeRefusal(topic.refusal);
    if (topic.value.kind !== 'relay') return acknowledgeRefusal(refuse('not-allowed').refusal);
    const { what } = topic.value;
    if (what === 'message') return this.#message(peer, publish);
    // It costs signatures and reads as a message does; what is refused for the moment is repeated by its peer.
    const taken = this.#options.intake.requestOfPeer(peer);
    if (!taken.ok) return acknowledgeRefusal(taken.refusal);
    switch (what) {
      case 'evidence':
        return this.#evidence(peer, publish.payload);
      case 'status':
        return this.#status(peer, publish);
    }
  }

  async #message(peer: Domain, publish: Publish): Promise<Acknowledgement> {
    const decoded = this.#decode(peer, publish);
    if (!decoded.ok) return acknowledgeRefusal(decoded.refusal);
    const seal = decoded.value;
    const { issuer, audience, precedence } = seal.claims;
    const name = nameOf(seal);
    if (this.#underway.has(name)) return acknowledgeRefusal(refuse('undecided', 'underway').refusal);
    const account = this.#options.accounts.find(audience);
    const taken = this.#options.intake.fromPeer(peer, {
      mailbox: account?.address,
      wanted: lowest(precedence, account === undefined ? defaultCeiling : possibleCeiling(account, issuer)),
      bytes: publish.payload.length + seal.bytes.length,
    });
    if (!taken.ok) return acknowledgeRefusal(taken.refusal);
    this.#underway.add(name);
    try {
      return await this.#take(seal, publish, taken.value.lane);
    } finally {
      this.#underway.delete(name);
      taken.value.leave();
    }
  }

  async #take(seal: Seal, publish: Publish, laneMax: Precedence): Promise<Acknowledgement> {
    const opened = await this.#open(seal, publish, laneMax);
    if (!opened.ok) return this.#refuse(seal, opened.refusal);
    return this.#store(seal, publish, { ...opened.value, laneMax });
  }

  /** Everything that tells whether the message may come this way at all, before any certificate is looked at. */
  #decode(peer: Domain, publish: Publish): Result<Seal> {
    const { crypto, domain } = this.#options;
    if (publish.payload.length > bodyBytesMax) return refuse('body-too-large');
    const text = property(publish.userProperties, 'seal');
    if (text === undefined) return refuse('seal-missing');
    const bytes = fromBase64Url(text);
    if (bytes === undefined) return refuse('seal-invalid', 'not base64url');
    const decoded = decodeSeal(bytes, crypto);
    if (!decoded.ok) return decoded;
    const { issuer, audience } = decoded.value.claims;
    // Direct, no transit [RELAY-1].
    if (domainOf(issuer) !== peer || domainOf(audience) !== domain) return refuse('not-direct');
    return decoded;
  }

  async #open(
    seal: Seal,
    publish: Publish,
    lane: Precedence,
  ): Promise<Result<{ account: Account; certificate: TrustedCertificate }>> {
    const { accounts, clock, crypto, intake, trust } = this.#options;
    const checked = checkSeal({ seal, body: publish.payload, now: unixSeconds(clock), crypto });
    if (!checked.ok) return checked;
    if (publish.contentType !== undefined && publish.contentType !== seal.contentType)
      return refuse('copy-disagrees', 'content type');
    const account = accounts.find(seal.claims.audience);
    if (account === undefined) return refuse('mailbox-unknown');
    const known = trust.known(seal.certificateHash);
    const trusted = known === undefined ? await this.#admitChain(seal) : accept(known);
    if (!trusted.ok) return trusted;
    const { certificate } = trusted.value;
    const sealClass = await intake.seal(lane, (haste) => verifySeal(seal, certificate, crypto, haste));
    if (!sealClass.ok) return sealClass;
    // Known or not: it may have become known otherwise, and the stored seal needs it after a restart.
    const kept = await this.#options.keepCertificate(trusted.value);
    if (!kept.ok) return kept;
    return accept({ account, certificate: trusted.value });
  }

  async #admitChain(seal: Seal): Promise<Result<TrustedCertificate>> {
    if (seal.chain.length === 0) return refuse('certificate-needed');
    return this.#options.trust.admit(seal.chain, domainOf(seal.claims.issuer));
  }

  async #store(
    seal: Seal,
    publish: Publish,
    {
      account,
      certificate,
      laneMax,
    }: { account: Account; certificate: TrustedCertificate; laneMax: Precedence },
  ): Promise<Acknowledgement> {
    const { claims } = seal;
    const ceiling = grantedCeiling(account, claims.issuer, senderKind(seal, certificate.certificate));
    const lane = lowest(claims.precedence, ceiling, laneMax);
    const transition = this.#transition(seal, publish.payload, lane);
    const result = await this.#options.custody.commit(transition, lane);
    switch (result.kind) {
      case 'applied':
        this.#options.accepted(
          {
            holder: account.address,
            lane,
            seq: newest,
            seal,
            body: publish.payload,
            certificate,
            attempts: 0,
            heldUntilMs: transition.nextAt,
          },
          transition.state,
        );
        return this.#answer(result.signed);
      case 'duplicate':
        // The same bytes get the same answer, whatever became of the message since [RELAY-8].
        return this.#answer(result.signed);
      case 'conflict':
        return this.#refuse(seal, refuse('id-conflict').refusal);
      case 'refused':
        return acknowledgeRefusal(refuse(result.code).refusal);
      default:
        return acknowledgeRefusal(refuse('state-conflict').refusal);
    }
  }

  #transition(seal: Seal, body: Uint8Array, lane: Precedence): Extract<Transition, { kind: 'accept' }> {
    const { claims } = seal;
    const { clock, statements } = this.#options;
    const notBeforeMs = (claims.attempts?.notBefore ?? 0) * 1000;
    const held = notBeforeMs > clock.now();
    const max = claims.attempts?.max;
    return {
      kind: 'accept',
      holder: claims.audience,
      id: claims.id,
      issuer: claims.issuer,
      audience: claims.audience,
      digest: seal.digest,
      state: held ? 2 : 6,
      lane,
      expires: claims.expires,
      nextAt: notBeforeMs,
      ...(max === undefined ? {} : { attemptsMax: max }),
      ...wishesOf(seal),
      seal: seal.bytes,
      body,
      evidence: statements.about(
        { id: claims.id, digest: seal.digest, recipient: claims.audience },
        held ? [Event.relayed] : [Event.relayed, Event.delivered],
        loweredLane(claims.precedence, lane),
      ),
      notices: [],
    };
  }

  /** A permanent refusal of a message that names its sender rightly is evidence too (B.2) [RELAY-9]. */
  async #refuse(seal: Seal, refusal: Refusal): Promise<Acknowledgement> {
    const answer = acknowledgeRefusal(refusal);
    if (answer.reasonCode === 0x97) return answer;
    // Taken before, it stays taken, whatever a repeat of the offer would be refused for by now [RELAY-8].
    const first = await this.#firstAnswer(seal);
    if (first !== undefined) return first;
    const signed = await this.#sign(seal, refusal.code);
    return acknowledgeRefusal(refusal, ['evidence', signed]);
  }

  async #sign(seal: Seal, reason: string): Promise<string> {
    const { id, audience } = seal.claims;
    const subject = { id, digest: seal.digest, recipient: audience };
    const statement = this.#options.statements.about(subject, [Event.relayRefused], { reason });
    const evidence = await makeEvidence({ statement, signer: this.#options.signer });
    return toBase64Url(evidence.bytes);
  }

  async #evidence(peer: Domain, payload: Uint8Array): Promise<Acknowledgement> {
    const decoded = decodeCbor(payload, { maxBytes: evidenceBytesMax });
    if (!decoded.ok) return acknowledgeRefusal(decoded.refusal);
    const list: unknown = decoded.value;
    const wellFormed =
      Array.isArray(list) &&
      list.length <= statementsMax &&
      list.every((signed) => signed instanceof Uint8Array);
    if (!wellFormed) return acknowledgeRefusal(refuse('evidence-invalid').refusal);
    const results = await Promise.all(
      (list as readonly Uint8Array[]).map((signed) => this.#options.admission.admit(peer, signed)),
    );
    for (const result of results) {
      if (result.ok) continue;
      const answer = acknowledgeRefusal(result.refusal);
      if (answer.reasonCode === 0x97) return answer;
      // One statement that says too much does not hold up the others of its batch [RELAY-11].
      this.#options.report(new Error(`statement of ${peer} not admitted: ${result.refusal.code}`));
    }
    return accepted;
  }

  /**
   * Asked after a message's lifetime by a peer that never learnt whether we took it: what we answered then, or a
   * signed B.2 that we never took it. After its lifetime it cannot be taken any more, so the word is final [RELAY-10].
   */
  async #status(peer: Domain, publish: Publish): Promise<Acknowledgement> {
    const decoded = this.#decode(peer, publish);
    if (!decoded.ok) return acknowledgeRefusal(decoded.refusal);
    const seal = decoded.value;
    // Looked at before the store is: what was offered in time may be on its way there.
    const isUnderway = this.#underway.has(nameOf(seal));
    const first = await this.#firstAnswer(seal);
    if (first !== undefined) return first;
    if (isUnderway || unixSeconds(this.#options.clock) <= seal.claims.expires)
      return acknowledgeRefusal(refuse('undecided').refusal);
    return { reasonCode: 0, userProperties: [['evidence', await this.#sign(seal, 'never-taken')]] };
  }

  /** What was answered when these bytes were taken. */
  async #firstAnswer({ claims, digest }: Seal): Promise<Acknowledgement | undefined> {
    const { custody } = this.#options;
    const row = await custody.stored(claims.audience, claims.id);
    if (row === undefined || row.issuer !== claims.issuer || !equalBytes(row.digest, digest))
      return undefined;
    const [first] = await custody.timeline(row.issuer, claims.id);
    return this.#answer(first?.signed);
  }

  #answer(signed: Uint8Array | undefined): Acknowledgement {
    if (signed === undefined) return accepted;
    return { reasonCode: 0, userProperties: [['evidence', toBase64Url(signed)]] };
  }
}

function nameOf({ claims }: Seal): string {
  return `${claims.issuer} ${claims.id}`;
}

function whatOf(topic: string): RelayRequest | undefined {
  switch (topic) {
    case 'mail/relay/message':
      return 'message';
    case 'mail/relay/evidence':
      return 'evidence';
    case 'mail/relay/status':
      return 'status';
    default:
      return undefined;
  }
}
