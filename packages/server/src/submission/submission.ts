// SPDX-License-Identifier: Apache-2.0
import type { TrustStore, TrustedCertificate } from '@sealpost/identity';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import {
  Event,
  Precedence,
  accept,
  bodyBytesMax,
  checkCopies,
  checkSeal,
  decodeSeal,
  equalBytes,
  lowest,
  makeSeal,
  messageIdFromBytes,
  newMessageId,
  parseMessageId,
  readSubmission,
  refuse,
  toBase64Url,
  utf8Text,
  verifySeal,
  type Address,
  type CryptoProvider,
  type Domain,
  type ErrorCode,
  type MessageId,
  type Result,
  type Seal,
  type Signer,
  type SubmissionProperties,
} from '@sealpost/protocol';
import { grantedCeiling, type Account, type Revocations } from '../accounts/account.ts';
import type { Principal } from '../accounts/sign-in.ts';
import type { Custody, CustodyReader, State, Transition } from '../custody/custody.ts';
import { noticesFor, type Notices } from '../evidence/notices.ts';
import { loweredLane, type Statements } from '../evidence/statement.ts';
import type { Intake } from '../limits/intake.ts';
import { holderOfPeer, newest, wishesOf, type LiveMessage } from '../message.ts';
import { unixSeconds, type Clock } from '../schedule/clock.ts';
import { bodyType, composeClaims } from './compose.ts';

/** Where a recipient is: a mailbox of this domain, or another domain. */
export type Route =
  | { readonly kind: 'mailbox'; readonly account: Account }
  | {
      readonly kind: 'peer';
      readonly domain: Domain;
      /** A link with room for this lane is up, so the offer follows the commit at once. */
      isReady(lane: Precedence): boolean;
    };

export interface SubmissionOptions {
  readonly domain: Domain;
  readonly crypto: CryptoProvider;
  readonly trust: TrustStore;
  readonly signer: Signer;
  readonly custody: Custody & CustodyReader;
  readonly statements: Statements;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly intake: Intake;
  readonly revocations: Revocations;
  resolve(recipient: Address): Result<Route>;
  /** Keeps the certificates of a seal so that it can be shown after a restart. Durable when it resolves. */
  keepCertificate(certificate: TrustedCertificate): Promise<Result<void>>;
  /** The message is durable here; it goes on. */
  accepted(message: LiveMessage, route: Route, state: State): void;
}

export interface Submitted {
  readonly principal: Principal;
  readonly clientId: string;
  readonly publish: Publish;
  readonly to: Address;
  readonly topicPrecedence?: Precedence;
}

type AcceptTransition = Extract<Transition, { kind: 'accept' }>;

/** A submission as it says it is: nothing is proved but the account. */
interface Claimed extends Submitted {
  readonly properties: SubmissionProperties;
  readonly route: Route;
  /** Decoded, not verified; absent when the domain is to seal. */
  readonly sealed: Seal | undefined;
  /** The highest lane it may take. */
  readonly lane: Precedence;
}

/** A message whose sender, seal, policy and recipient have been checked. */
interface Admitted {
  readonly seal: Seal;
  readonly certificate: TrustedCertificate | undefined;
  readonly route: Route;
  readonly lane: Precedence;
}

/** What may be said of a seal today although it was taken yesterday: its first answer stands [DELIV-3]. */
const outlived: ReadonlySet<ErrorCode> = new Set([
  'expired',
  'clock',
  'certificate-needed',
  'certificate-not-valid-now',
]);

/** Submission: from a client of this domain into its custody. The answer is the PUBACK. */
export class Submission {
  readonly #options: SubmissionOptions;
  readonly #own: { readonly certificate: TrustedCertificate | undefined };
  /** Submissions that are not decided yet, by what a repeat of them is known by. */
  readonly #underway = new Map<string, Promise<unknown>>();

  constructor(options: SubmissionOptions) {
    this.#options = options;
    this.#own = { certificate: options.trust.known(options.signer.certificate.hash) };
  }

  async submit(submitted: Submitted): Promise<Result<Acknowledgement>> {
    const { intake } = this.#options;
    const claimed = this.#claim(submitted);
    if (!claimed.ok) return claimed;
    const { lane: wanted, route, sealed } = claimed.value;
    const bytes = submitted.publish.payload.length + (sealed?.bytes.length ?? 0);
    const mailbox = route.kind === 'mailbox' ? submitted.to : undefined;
    const taken = intake.fromAccount(submitted.principal.account.address, { mailbox, wanted, bytes });
    if (!taken.ok) return taken;
    try {
      return await this.#decide({ ...claimed.value, lane: taken.value.lane });
    } finally {
      taken.value.leave();
    }
  }

  /** What needs no work to be read or refused. */
  #claim(submitted: Submitted): Result<Claimed> {
    const { publish, principal, to, topicPrecedence } = submitted;
    const { account } = principal;
    if (publish.payload.length > bodyBytesMax) return refuse('body-too-large');
    const read = readSubmission(publish.userProperties, account.address);
    if (!read.ok) return read;
    const properties = read.value;
    const found = this.#options.resolve(to);
    if (!found.ok) return found;
    const route = found.value;
    const decoded =
      properties.seal === undefined ? undefined : decodeSeal(properties.seal, this.#options.crypto);
    if (decoded?.ok === false) return decoded;
    const sealed = decoded?.value;
    const lane = lowest(
      sealed?.claims.precedence ?? properties.precedence ?? topicPrecedence ?? Precedence.routine,
      account.ceiling,
      ...(route.kind === 'mailbox' ? [grantedCeiling(route.account, account.address, account.kind)] : []),
    );
    return accept({ ...submitted, properties, route, sealed, lane });
  }

  async #decide(claimed: Claimed): Promise<Result<Acknowledgement>> {
    const { properties } = claimed;
    const name = this.#repeatName(claimed, properties);
    if (claimed.publish.dup === true) {
      // The connection that carried the first may be gone before its commit is done.
      await this.#underway.get(name ?? '');
      const repeated = await this.#answerRepeat(claimed, properties);
      if (repeated !== undefined) return accept(repeated);
    }
    return this.#noting(name, this.#take(claimed));
  }

  /** Under way until it is decided, for whoever comes with the same name meanwhile. */
  async #noting<T>(name: string | undefined, decision: Promise<T>): Promise<T> {
    if (name === undefined) return decision;
    this.#underway.set(name, decision);
    try {
      return await decision;
    } finally {
      if (this.#underway.get(name) === decision) this.#underway.delete(name);
    }
  }

  async #take(claimed: Claimed): Promise<Result<Acknowledgement>> {
    const admitted = await this.#admit(claimed);
    if (admitted.ok) return this.#store(claimed, claimed.properties, admitted.value);
    if (!outlived.has(admitted.refusal.code)) return admitted;
    const first = await this.#answerSealed(claimed);
    return first === undefined ? admitted : accept(first);
  }

  async #admit(claimed: Claimed): Promise<Result<Admitted>> {
    const { sealed, lane, route } = claimed;
    const admitted = await (sealed === undefined
      ? this.#sealFor(claimed, claimed.properties)
      : this.#open(claimed, sealed));
    return admitted.ok ? accept({ ...admitted.value, route, lane }) : admitted;
  }

  /** A stock client: the domain attests how it authenticated the sender. */
  async #sealFor(
    submitted: Claimed,
    properties: SubmissionProperties,
  ): Promise<Result<Pick<Admitted, 'seal' | 'certificate'>>> {
    const { clock, crypto, signer } = this.#options;
    const { principal, publish, to, topicPrecedence } = submitted;
    const contentType = bodyType(publish);
    if (!contentType.ok) return contentType;
    const claims = composeClaims({
      principal,
      to,
      publish,
      properties,
      topicPrecedence,
      id: properties.id ?? newMessageId(clock.now(), crypto.randomBytes(10)),
      inReplyTo: properties.inReplyTo ?? (await this.#inReplyTo(principal, publish)),
      nowSeconds: unixSeconds(clock),
    });
    if (!claims.ok) return claims;
    const sealed = await this.#options.intake.seal(submitted.lane, async (haste) =>
      accept(
        await makeSeal({
          claims: claims.value,
          contentType: contentType.value,
          body: publish.payload,
          signer,
          crypto,
          haste,
        }),
      ),
    );
    return sealed.ok ? accept({ seal: sealed.value, certificate: this.#own.certificate }) : sealed;
  }

  /** A client that seals itself: cheapest checks first, the signature last. */
  async #open(
    { principal, publish, to, lane }: Claimed,
    seal: Seal,
  ): Promise<Result<Pick<Admitted, 'seal' | 'certificate'>>> {
    const { clock, crypto, domain, intake, trust } = this.#options;
    if (seal.claims.issuer !== principal.account.address) return refuse('issuer-mismatch');
    if (seal.claims.audience !== to) return refuse('audience-mismatch');
    const checked = checkSeal({ seal, body: publish.payload, now: unixSeconds(clock), crypto });
    if (!checked.ok)
      // MQTT still counts life left where the seal's absolute time is over: the sender's clock is wrong [DELIV-2].
      return checked.refusal.code === 'expired' && publish.messageExpirySeconds !== undefined
        ? refuse('clock')
        : checked;
    const contentType = bodyType(publish);
    if (!contentType.ok) return contentType;
    if (publish.contentType !== undefined && publish.contentType !== seal.contentType)
      return refuse('copy-disagrees', 'content type');
    const copies = checkCopies(publish.userProperties, seal.claims);
    if (!copies.ok) return copies;
    // [ID-23]
    if (this.#options.revocations.isRevoked(seal.certificateHash)) return refuse('certificate-revoked');
    const known = trust.known(seal.certificateHash);
    const trusted = known === undefined ? await this.#admitChain(seal, domain) : accept(known);
    if (!trusted.ok) return trusted;
    const { certificate } = trusted.value;
    const sealClass = await intake.seal(lane, (haste) => verifySeal(seal, certificate, crypto, haste));
    if (!sealClass.ok) return sealClass;
    if (sealClass.value !== 'origin') return refuse('certificate-wrong-role', 'a domain seal from a client');
    // Known or not: it may have become known by a sign-in, and the stored seal needs it after a restart.
    const kept = await this.#options.keepCertificate(trusted.value);
    if (!kept.ok) return kept;
    return accept({ seal, certificate: trusted.value });
  }

  async #admitChain(seal: Seal, domain: Domain): Promise<Result<TrustedCertificate>> {
    if (seal.chain.length === 0) return refuse('certificate-needed');
    return this.#options.trust.admit(seal.chain, domain);
  }

  async #store(
    submitted: Submitted,
    properties: SubmissionProperties,
    admitted: Admitted,
  ): Promise<Result<Acknowledgement>> {
    const { custody, notices } = this.#options;
    const { seal, route, lane } = admitted;
    const transition = this.#transition(submitted, properties, admitted);
    const result = await custody.commit(transition, lane);
    switch (result.kind) {
      case 'applied': {
        const live: LiveMessage = {
          holder: transition.holder,
          lane,
          seq: newest,
          seal,
          body: submitted.publish.payload,
          certificate: admitted.certificate,
          attempts: 0,
          heldUntilMs: transition.nextAt,
        };
        this.#options.accepted(live, route, transition.state);
        if (result.signed !== undefined && result.notices !== undefined)
          notices.arrived(seal.claims.issuer, result.notices, {
            signed: result.signed,
            statement: transition.evidence,
            chain: this.#options.signer.chain,
            lane,
          });
        return accept(this.#acknowledge(seal.claims.id, result.signed));
      }
      case 'duplicate':
        return accept(this.#acknowledge(seal.claims.id, result.signed));
      case 'conflict': {
        // Composed anew a moment later, the same submission has another digest; its content tells.
        const repeated = await this.#answerRepeat(submitted, properties);
        return repeated === undefined ? refuse('id-conflict') : accept(repeated);
      }
      case 'refused':
        return refuse(result.code);
      default:
        return refuse('state-conflict', result.kind);
    }
  }

  #transition(
    submitted: Submitted,
    properties: SubmissionProperties,
    { seal, route, lane }: Admitted,
  ): AcceptTransition {
    const { claims } = seal;
    const { clock, statements } = this.#options;
    const now = clock.now();
    const local = route.kind === 'mailbox';
    const notBeforeMs = (claims.attempts?.notBefore ?? 0) * 1000;
    const held = local && notBeforeMs > now;
    const events = local && !held ? [Event.accepted, Event.delivered] : [Event.accepted];
    const wishes = wishesOf(seal);
    const max = claims.attempts?.max;
    return {
      kind: 'accept',
      holder: local ? route.account.address : holderOfPeer(route.domain),
      id: claims.id,
      issuer: claims.issuer,
      audience: claims.audience,
      digest: seal.digest,
      state: local ? (held ? 2 : 6) : route.isReady(lane) ? 4 : 3,
      lane,
      expires: claims.expires,
      nextAt: held ? notBeforeMs : now,
      ...(max === undefined ? {} : { attemptsMax: max }),
      quiet: wishes.quiet,
      ask: wishes.ask,
      seal: seal.bytes,
      body: submitted.publish.payload,
      evidence: statements.about(
        { id: claims.id, digest: seal.digest, recipient: claims.audience },
        events,
        loweredLane(claims.precedence, lane),
      ),
      notices: noticesFor(wishes.ask, wishes.quiet, events),
      ...this.#repeatRow(submitted, properties),
    };
  }

  /**
   * What a repeat of this PUBLISH will be known by [DELIV-3]: the `id` it names, or else its packet identifier, which
   * only a PUBLISH with DUP repeats. A sealed one needs neither: its digest is the same.
   */
  #repeatKey(
    { publish, clientId }: Submitted,
    { seal, id }: SubmissionProperties,
  ): { readonly clientId: string; readonly packetId: number } | undefined {
    if (seal !== undefined) return undefined;
    // No packet has identifier 0, so an id never meets a client that is named like it.
    if (id !== undefined) return { clientId: id, packetId: 0 };
    return publish.packetId === undefined ? undefined : { clientId, packetId: publish.packetId };
  }

  /** Its key among those of all accounts; a client id has no U+0000. */
  #repeatName(submitted: Submitted, properties: SubmissionProperties): string | undefined {
    const key = this.#repeatKey(submitted, properties);
    if (key === undefined) return undefined;
    return `${submitted.principal.account.address}\0${key.packetId}\0${key.clientId}`;
  }

  #repeatRow(
    submitted: Submitted,
    properties: SubmissionProperties,
  ): { readonly submission?: NonNullable<AcceptTransition['submission']> } {
    const key = this.#repeatKey(submitted, properties);
    return key === undefined
      ? {}
      : { submission: { ...key, contentHash: this.#contentHash(submitted.publish) } };
  }

  /** The first answer, if these bytes were submitted before. */
  async #answerRepeat(
    submitted: Submitted,
    properties: SubmissionProperties,
  ): Promise<Acknowledgement | undefined> {
    const key = this.#repeatKey(submitted, properties);
    if (key === undefined) return undefined;
    const { address } = submitted.principal.account;
    const first = await this.#options.custody.submission(address, key.clientId, key.packetId);
    if (first === undefined) return undefined;
    const same = Buffer.compare(first.contentHash, this.#contentHash(submitted.publish)) === 0;
    return same ? this.#acknowledge(first.id, first.signed) : undefined;
  }

  /** The first answer to this seal, if it was taken before. */
  async #answerSealed({ principal, publish, to, sealed }: Claimed): Promise<Acknowledgement | undefined> {
    if (sealed === undefined) return undefined;
    const { crypto, custody } = this.#options;
    const { bodyHash, claims, digest } = sealed;
    if (claims.issuer !== principal.account.address || claims.audience !== to) return undefined;
    if (!equalBytes(bodyHash, crypto.sha256(publish.payload))) return undefined;
    const row = await custody.sent(claims.issuer, claims.id);
    if (row === undefined || !equalBytes(row.digest, digest)) return undefined;
    const [first] = await custody.timeline(claims.issuer, claims.id);
    return this.#acknowledge(claims.id, first?.signed);
  }

  #contentHash({ topic, payload, userProperties }: Publish): Uint8Array {
    const head = JSON.stringify([topic, userProperties]);
    return this.#options.crypto.sha256(Buffer.concat([Buffer.from(head), payload]));
  }

  /** Correlation Data that is the id of a message this account received makes the submission an answer to it. */
  async #inReplyTo(principal: Principal, publish: Publish): Promise<MessageId | undefined> {
    const data = publish.correlationData;
    if (data === undefined) return undefined;
    const id = readMessageId(data);
    if (id === undefined) return undefined;
    const received = await this.#options.custody.stored(principal.account.address, id);
    return received === undefined ? undefined : id;
  }

  /** The evidence names the certificate that the CONNACK announced [DELIV-7]. */
  #acknowledge(id: MessageId, signed: Uint8Array | undefined): Acknowledgement {
    const userProperties: (readonly [string, string])[] = [['id', id]];
    if (signed !== undefined) userProperties.push(['evidence', toBase64Url(signed)]);
    return { reasonCode: 0, userProperties };
  }
}

function readMessageId(data: Uint8Array): MessageId | undefined {
  if (data.length === 16) return messageIdFromBytes(data);
  if (data.length !== 36) return undefined;
  const parsed = parseMessageId(utf8Text(data) ?? '');
  return parsed.ok ? parsed.value : undefined;
}
