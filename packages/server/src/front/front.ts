// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement, Outcome, Publish } from '@sealpost/mqtt/link';
import type {
  Application,
  Authenticated,
  ConnectRequest,
  Denied,
  ReceivePolicy,
  Session,
  SubscribeAnswer,
  SubscribeOptions,
} from '@sealpost/mqtt/server';
import {
  Event,
  checkMailFilter,
  describeError,
  evidenceTopic,
  isReserved,
  localPartOf,
  makeEvidence,
  newMessageId,
  parseMailTopic,
  refuse,
  toBase64Url,
  withChain,
  type CryptoProvider,
  type ErrorCode,
  type MailTopic,
  type Refusal,
  type Result,
  type Signer,
} from '@sealpost/protocol';
import type { Account } from '../accounts/account.ts';
import type { Principal, SignIn } from '../accounts/sign-in.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Dispositions } from '../delivery/disposition.ts';
import type { Trace } from '../delivery/trace.ts';
import { chainFor } from '../evidence/chain.ts';
import { describe, type Notices } from '../evidence/notices.ts';
import type { Statements } from '../evidence/statement.ts';
import type { Answer, Observer } from '../observe/observer.ts';
import type { Intake } from '../limits/intake.ts';
import type { Clock } from '../schedule/clock.ts';
import type { Submission } from '../submission/submission.ts';
import { accepted, acknowledgeRefusal } from './acknowledge.ts';

export interface FrontOptions {
  readonly signIn: SignIn;
  readonly submission: Submission;
  readonly intake: Intake;
  readonly delivery: Delivery;
  readonly dispositions: Dispositions;
  readonly notices: Notices;
  readonly trace: Trace;
  readonly statements: Statements;
  readonly signer: Signer;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly observer: Observer;
  report(error: unknown): void;
}

type AccountSession = Session<Principal>;

const submissionRoot = 'mail/to/';
const queryTopic = 'mail/mailbox/query';
/** Where answers to queries go; granted to everybody, and nobody else's answer is ever published there. */
const answerRoot = 'mail/mailbox/answer/';
const versionWithoutRefusals = 4;
const keepAliveSecondsMax = 1_200;
const noDigest = new Uint8Array(32);
/** Answers that a session has not taken yet; to who reads none, no more are made. */
const answersMax = 64;
const retryOverloadedSeconds = 5;
const outOfCapacity: ReadonlySet<ErrorCode> = new Set(['overloaded', 'rate-limited']);

/** The account listener's side of the house: turns topics into calls, and results into reason codes. */
export class Front implements Application<Principal>, ReceivePolicy<Principal> {
  readonly #options: FrontOptions;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  reserves(topicOrFilter: string): boolean {
    return isReserved(topicOrFilter);
  }

  async authenticate(request: ConnectRequest): Promise<Authenticated<Principal> | Denied> {
    const principal = await this.#options.signIn.authenticate(request);
    this.#options.observer.signedIn(principal.ok ? 'ok' : principal.refusal.code, request.username);
    if (!principal.ok) return denied(principal.refusal);
    const will = request.will;
    if (will !== undefined && isReserved(will.topic)) {
      const topic = parseMailTopic(will.topic);
      if (!topic.ok || topic.value.kind !== 'to') return denied(refuse('not-allowed', 'will').refusal);
    }
    const { clock, signer } = this.#options;
    return {
      principal: principal.value,
      account: principal.value.account.address,
      keepAliveMax: keepAliveSecondsMax,
      userProperties: [
        ['time', String(clock.now())],
        ['domain-seal', signer.chain.map(toBase64Url).join('.')],
      ],
    };
  }

  /**
   * Ordinary topics are the domain's own: open to each of its accounts, except `account/<local>/…`, which is that
   * account's alone, and `$…`, which is the server's.
   */
  authorize({ account }: Principal, action: 'publish' | 'subscribe', topicOrFilter: string): boolean {
    if (topicOrFilter.startsWith('$')) return false;
    return action === 'subscribe' || ownsTopic(account, topicOrFilter);
  }

  /** A filter is granted whatever it spans; what lies below account/ reaches its owner only. */
  mayReceive({ account }: Principal, topic: string): boolean {
    return ownsTopic(account, topic);
  }

  /** Never rejects: after a fault it is not known what was stored, and a repeat is allowed. */
  async publish(session: AccountSession, publish: Publish): Promise<Acknowledgement> {
    try {
      const result = await this.#dispatch(session, publish);
      this.#tell(publish, result.ok ? 'ok' : result.refusal.code);
      return result.ok ? result.value : await this.#refuse(session, publish, result.refusal);
    } catch (error) {
      this.#options.report(error);
      this.#tell(publish, 'undecided');
      return acknowledgeRefusal(refuse('undecided').refusal);
    }
  }

  #tell({ topic }: Publish, answer: Answer): void {
    this.#options.observer.answered(topic.startsWith(submissionRoot) ? 'submission' : 'request', answer);
  }

  async #dispatch(session: AccountSession, publish: Publish): Promise<Result<Acknowledgement>> {
    if (publish.topic === queryTopic) return this.#query(session, publish);
    const topic = parseMailTopic(publish.topic);
    if (!topic.ok) return topic;
    return this.#call(session, publish, topic.value);
  }

  async #call(session: AccountSession, publish: Publish, topic: MailTopic): Promise<Result<Acknowledgement>> {
    const { principal, clientId } = session;
    switch (topic.kind) {
      case 'to':
        return this.#options.submission.submit({
          principal,
          clientId,
          publish,
          to: topic.address,
          ...(topic.precedence === undefined ? {} : { topicPrecedence: topic.precedence }),
        });
      case 'act': {
        const taken = this.#options.intake.requestOfAccount(principal.account.address);
        if (!taken.ok) return taken;
        const done = await this.#options.dispositions.act(principal, topic.id, topic.action);
        return done.ok ? { ok: true, value: accepted } : done;
      }
      case 'inbox':
      case 'evidence':
        return refuse('not-allowed', 'only the server publishes there');
      case 'relay':
        return refuse('not-allowed', 'peers use the relay listener');
    }
  }

  async #query(session: AccountSession, publish: Publish): Promise<Result<Acknowledgement>> {
    const { responseTopic, correlationData } = publish;
    if (responseTopic === undefined || !responseTopic.startsWith(answerRoot))
      return refuse('topic-invalid', 'response topic');
    const match = session.matches(responseTopic);
    if (match === undefined) return refuse('not-allowed', 'not subscribed to the response topic');
    if (session.queued >= answersMax)
      return refuse('overloaded', 'answers are not taken', retryOverloadedSeconds);
    const taken = this.#options.intake.requestOfAccount(session.principal.account.address);
    if (!taken.ok) return taken;
    const answer = await this.#options.trace.answer(session.principal.account, publish.payload);
    session.send({
      publish: {
        topic: responseTopic,
        payload: Buffer.from(JSON.stringify(answer)),
        qos: 0,
        retain: false,
        payloadFormat: 1,
        contentType: 'application/json',
        subscriptionIds: match.subscriptionIds,
        ...(correlationData === undefined ? {} : { correlationData }),
        userProperties: [],
      },
      rank: 0,
      settled: ignore,
    });
    return { ok: true, value: accepted };
  }

  /** MQTT 3.1.1 and QoS 0 have no refusal: the connection is closed, or evidence says it [DELIV-13]. */
  async #refuse(session: AccountSession, publish: Publish, refusal: Refusal): Promise<Acknowledgement> {
    const answer = acknowledgeRefusal(refusal);
    if (session.version !== versionWithoutRefusals && publish.qos > 0) return answer;
    if (!describeError(refusal.code).permanent && publish.qos > 0) {
      session.disconnect(answer.reasonCode, answer.reasonString);
      return answer;
    }
    // A signature and a message more for each that is too much would make it worse.
    if (!outOfCapacity.has(refusal.code)) await this.#publishRejection(session, publish, refusal);
    return accepted;
  }

  /** A.2, signed for the moment: nothing was stored, so nothing is kept. */
  async #publishRejection(session: AccountSession, publish: Publish, { code }: Refusal): Promise<void> {
    const topic = parseMailTopic(publish.topic);
    if (!topic.ok || topic.value.kind !== 'to') return;
    const { clock, crypto, signer, statements } = this.#options;
    const id = newMessageId(clock.now(), crypto.randomBytes(10));
    const rejectedTopic = evidenceTopic(id, Event.rejected);
    const match = session.matches(rejectedTopic);
    if (match === undefined || session.queued >= answersMax) return;
    const statement = statements.about(
      { id, digest: noDigest, recipient: topic.value.address },
      [Event.rejected],
      { reason: code },
    );
    const evidence = await makeEvidence({ statement, signer });
    session.send({
      publish: {
        topic: rejectedTopic,
        payload: Buffer.from(`${describe(Event.rejected, statement)}: ${describeError(code).sentence}`),
        qos: match.qos,
        retain: false,
        payloadFormat: 1,
        subscriptionIds: match.subscriptionIds,
        userProperties: [
          ['evidence', toBase64Url(withChain(evidence.bytes, chainFor(session, signer.chain)))],
          ['error', code],
        ],
      },
      rank: 0,
      settled: ignore,
    });
  }

  subscribe({ principal }: AccountSession, filter: string, { qos }: SubscribeOptions): SubscribeAnswer {
    const granted = Math.min(qos, 1);
    if (filter.startsWith(answerRoot)) return { reasonCode: granted };
    const checked = checkMailFilter(filter);
    // Each makes the store read what waits, once more.
    const taken = checked.ok ? this.#options.intake.requestOfAccount(principal.account.address) : checked;
    if (taken.ok) return { reasonCode: granted };
    const { mqtt, sentence } = describeError(taken.refusal.code);
    return { reasonCode: mqtt, reasonString: sentence };
  }

  subscribed(session: AccountSession, filter: string, { retainHandling, isNew }: SubscribeOptions): void {
    const checked = checkMailFilter(filter);
    if (!checked.ok) return;
    const replay = retainHandling === 0 || (retainHandling === 1 && isNew);
    if (checked.value.kind !== 'evidence') this.#options.delivery.subscribed(session, replay);
    if (checked.value.kind !== 'inbox') this.#options.notices.subscribed(session, replay);
  }

  unsubscribed(): void {
    // Every offer asks the session whether it is still subscribed.
  }

  opened(session: AccountSession): void {
    this.#options.delivery.opened(session);
    this.#options.notices.opened(session);
  }

  closed(session: AccountSession): void {
    this.#options.delivery.closed(session);
    this.#options.notices.closed(session);
  }

  ended(session: AccountSession): void {
    this.#options.delivery.ended(session);
    this.#options.notices.ended(session);
  }
}

function ownsTopic({ address }: Account, topic: string): boolean {
  if (!topic.startsWith('account/')) return true;
  return topic.split('/')[1] === localPartOf(address);
}

/** The CONNACK says what a PUBACK would. */
function denied(refusal: Refusal): Denied {
  return acknowledgeRefusal(refusal);
}

function ignore(_outcome: Outcome): void {
  // Shown or not: nothing depends on it.
}
