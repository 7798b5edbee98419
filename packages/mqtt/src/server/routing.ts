// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../clock.ts';
import { isUtf8 } from '../codec/text.ts';
import type { Acknowledgement, Publish, Qos } from '../packet.ts';
import { ReasonCode } from '../reason-code.ts';
import type { Application, ReceivePolicy } from './application.ts';
import type { ServerLimits } from './limits.ts';
import { forward, OrdinaryMessage } from './ordinary-message.ts';
import type { RetainedStore } from './retained.ts';
import type { SharedSubscriptions } from './shared.ts';
import type { Subscriber } from './subscriber.ts';
import type { Subscription, SubscriptionTree } from './subscription-tree.ts';

const success: Acknowledgement = { reasonCode: ReasonCode.success };
const nobody: Acknowledgement = { reasonCode: ReasonCode.noMatchingSubscribers };
const notAuthorized: Acknowledgement = { reasonCode: ReasonCode.notAuthorized };
const badTopic: Acknowledgement = { reasonCode: ReasonCode.topicNameInvalid };
const notText: Acknowledgement = { reasonCode: ReasonCode.payloadFormatInvalid };
const noRoom: Acknowledgement = {
  reasonCode: ReasonCode.quotaExceeded,
  reasonString: 'too many retained messages',
};

export interface RouterOptions<P> {
  readonly application: Application<P>;
  readonly receivePolicy: ReceivePolicy<P> | undefined;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly tree: SubscriptionTree<Subscriber<P>>;
  readonly shared: SharedSubscriptions<P>;
  readonly retained: RetainedStore;
  report(error: unknown): void;
}

/**
 * All that matched for one session: it gets one copy, with the highest QoS [MQTT-3.3.4-2] and every identifier
 * [MQTT-3.3.4-3], [MQTT-3.3.4-4].
 */
interface Match {
  qos: Qos;
  retain: boolean;
  ids: number[] | undefined;
}

/** Where a PUBLISH goes: to the application, or to whoever subscribed. */
export class Router<P> {
  readonly #options: RouterOptions<P>;

  constructor(options: RouterOptions<P>) {
    this.#options = options;
  }

  publish(session: Subscriber<P>, publish: Publish): Acknowledgement | Promise<Acknowledgement> {
    const { application, limits } = this.#options;
    if (isTooLong(publish.topic, limits)) return badTopic;
    if (application.reserves(publish.topic)) return application.publish(session, publish);
    if (!application.authorize(session.principal, 'publish', publish.topic)) return notAuthorized;
    if (publish.payloadFormat === 1 && !isUtf8(publish.payload)) return notText; // §3.3.2.3.2
    return this.#publishOrdinary(session, publish);
  }

  /** Authorized at CONNECT, and once more now. */
  publishWill(session: Subscriber<P>, publish: Publish): void {
    try {
      const answer = this.publish(session, publish);
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#options.report(error));
    } catch (error) {
      this.#options.report(error);
    }
  }

  #publishOrdinary(session: Subscriber<P>, publish: Publish): Acknowledgement {
    const nowMs = this.#options.clock.now();
    const { messageExpirySeconds } = publish;
    const expiresAt = messageExpirySeconds === undefined ? undefined : nowMs + messageExpirySeconds * 1000;
    const isKept = !publish.retain || this.#retain(session.account, publish, expiresAt, nowMs);
    if (!isKept && publish.qos > 0) return noRoom;
    // With QoS 0 it need not be kept, but what it replaces goes [MQTT-3.3.1-5], [MQTT3-3.3.1-7].
    if (!isKept) this.#options.retained.remove(publish.topic);
    const matches = this.#match(session, publish);
    this.#fanOut(matches, publish, expiresAt);
    // Beside the one copy of its own, a session gets one for each group that chose it.
    const isShared = this.#options.shared.publish(publish, expiresAt);
    return isShared || matches.size > 0 ? success : nobody;
  }

  /** An empty one deletes [MQTT-3.3.1-6]; the flag is kept, so that a later subscriber sees it [MQTT-3.3.1-8]. */
  #retain(account: string, publish: Publish, expiresAt: number | undefined, nowMs: number): boolean {
    const { retained } = this.#options;
    if (publish.payload.length > 0)
      return retained.keep({ publish: copyOf(publish), account, expiresAt }, nowMs);
    retained.remove(publish.topic);
    return true;
  }

  #match(session: Subscriber<P>, publish: Publish): Map<Subscriber<P>, Match> {
    const matches = new Map<Subscriber<P>, Match>();
    const { receivePolicy, tree } = this.#options;
    tree.match(publish.topic, (subscriber, subscription) => {
      if (receivePolicy?.mayReceive(subscriber.principal, publish.topic) === false) return;
      if (subscription.noLocal && subscriber === session) return; // [MQTT-3.8.3-3]
      const match = matches.get(subscriber);
      if (match === undefined) matches.set(subscriber, firstMatch(subscription, publish));
      else addMatch(match, subscription, publish);
    });
    return matches;
  }

  #fanOut(matches: Map<Subscriber<P>, Match>, publish: Publish, expiresAt: number | undefined): void {
    const shared: (OrdinaryMessage | undefined)[] = [];
    let content = publish;
    for (const [subscriber, { qos, retain, ids }] of matches) {
      // What may wait long does not hold on to the chunk it came in.
      if (content === publish && !subscriber.connected)
        content = { ...publish, payload: publish.payload.slice() };
      if (ids !== undefined) {
        subscriber.deliver(new OrdinaryMessage(forward(content, qos, retain, ids), expiresAt));
        continue;
      }
      const kind = qos + (retain ? 3 : 0) + (content === publish ? 0 : 6);
      const message = (shared[kind] ??= new OrdinaryMessage(
        forward(content, qos, retain, undefined),
        expiresAt,
      ));
      subscriber.deliver(message);
    }
  }
}

export function isTooLong(topicOrFilter: string, { topicBytesMax, topicLevelsMax }: ServerLimits): boolean {
  if (topicOrFilter.length * 3 > topicBytesMax && utf8Length(topicOrFilter) > topicBytesMax) return true;
  return topicOrFilter.length >= topicLevelsMax && topicOrFilter.split('/').length > topicLevelsMax;
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

function firstMatch({ qos, retainAsPublished, subscriptionId }: Subscription, publish: Publish): Match {
  return {
    qos: qos < publish.qos ? qos : publish.qos, // [MQTT-3.8.4-8]
    retain: publish.retain && retainAsPublished, // [MQTT-3.3.1-12], [MQTT-3.3.1-13]
    ids: subscriptionId === undefined ? undefined : [subscriptionId],
  };
}

function addMatch(match: Match, subscription: Subscription, publish: Publish): void {
  const { qos, retain, ids } = firstMatch(subscription, publish);
  if (qos > match.qos) match.qos = qos;
  match.retain ||= retain;
  if (ids !== undefined) (match.ids ??= []).push(...ids);
}

function copyOf(publish: Publish): Publish {
  const copy = forward(publish, publish.qos, true, undefined);
  copy.payload = copy.payload.slice();
  if (copy.correlationData !== undefined) copy.correlationData = copy.correlationData.slice();
  return copy;
}
