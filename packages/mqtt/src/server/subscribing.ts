// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../clock.ts';
import type {
  Qos,
  SubscribePacket,
  SubscriptionAnswerPacket,
  SubscriptionRequest,
  UnsubscribePacket,
} from '../packet.ts';
import { failureFrom, ReasonCode } from '../reason-code.ts';
import { isShared, isTopicFilter, parseShared } from '../topic.ts';
import { Allotment } from './allotment.ts';
import type { Application, ReceivePolicy, SubscribeAnswer, SubscribeOptions } from './application.ts';
import type { ServerLimits } from './limits.ts';
import { forward, OrdinaryMessage } from './ordinary-message.ts';
import type { RetainedStore } from './retained.ts';
import { isTooLong } from './routing.ts';
import type { SharedSubscriptions } from './shared.ts';
import type { Subscriber } from './subscriber.ts';
import type { Subscription, SubscriptionTree } from './subscription-tree.ts';

export interface SubscribingOptions<P> {
  readonly application: Application<P>;
  readonly receivePolicy: ReceivePolicy<P> | undefined;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly tree: SubscriptionTree<Subscriber<P>>;
  readonly shared: SharedSubscriptions<P>;
  readonly retained: RetainedStore;
  report(error: unknown): void;
}

const failed: SubscribeAnswer = { reasonCode: ReasonCode.unspecifiedError };
const tooMany: SubscribeAnswer = {
  reasonCode: ReasonCode.quotaExceeded,
  reasonString: 'too many subscriptions',
};
/** §3.9.3, 0x8F: correctly formed, and not allowed. */
const notShared: SubscribeAnswer = {
  reasonCode: ReasonCode.topicFilterInvalid,
  reasonString: 'this filter cannot be shared',
};

/** SUBSCRIBE and UNSUBSCRIBE: what is granted, and what follows a grant. */
export class Subscribing<P> {
  readonly #options: SubscribingOptions<P>;
  readonly #bytes: Allotment;

  constructor(options: SubscribingOptions<P>) {
    this.#options = options;
    const { subscriptionBytesMax, subscriptionBytesPerAccount } = options.limits;
    this.#bytes = new Allotment(subscriptionBytesMax, subscriptionBytesPerAccount);
  }

  /** One reason code per filter, in order [MQTT-3.8.4-6]; after the SUBACK, what each grant brings. */
  subscribe(
    session: Subscriber<P>,
    packet: SubscribePacket,
    answer: (suback: SubscriptionAnswerPacket) => void,
  ): void {
    const { subscriptionId } = packet.properties;
    const granted: { request: SubscriptionRequest; options: SubscribeOptions }[] = [];
    let reasonString: string | undefined;
    const reasonCodes = packet.subscriptions.map((request) => {
      const options = optionsOf(request, !session.subscriptions.has(request.filter));
      const verdict = this.#ask(session, request.filter, options);
      reasonString ??= verdict.reasonString;
      if (verdict.reasonCode >= failureFrom) return verdict.reasonCode;
      const qos = Math.min(verdict.reasonCode, 2) as Qos; // [MQTT-3.8.4-7]
      this.#grant(session, request, qos, subscriptionId);
      granted.push({ request, options });
      return qos;
    });
    const properties = reasonString === undefined ? {} : { reasonString };
    answer({ type: 'suback', packetId: packet.packetId, reasonCodes, properties });
    for (const { request, options } of granted) this.#follow(session, request.filter, options);
  }

  /** One reason code per filter, in order [MQTT-3.11.3-2]. */
  unsubscribe(session: Subscriber<P>, { filters }: UnsubscribePacket): number[] {
    return filters.map((filter) => {
      if (!session.subscriptions.delete(filter)) return ReasonCode.noSubscriptionExisted;
      this.#bytes.giveBack(session.account, subscriptionBytes(filter));
      this.#remove(session, filter);
      return ReasonCode.success;
    });
  }

  /** The session is over; the application is told that, and no single filters. */
  forget(session: Subscriber<P>): void {
    const { application } = this.#options;
    for (const filter of session.subscriptions.keys()) {
      this.#bytes.giveBack(session.account, subscriptionBytes(filter));
      if (!application.reserves(filter)) this.#removeOrdinary(session, filter);
    }
    session.subscriptions.clear();
  }

  connected(session: Subscriber<P>): void {
    this.#options.shared.connected(session);
  }

  /** The session lives on. */
  disconnected(session: Subscriber<P>): void {
    this.#options.shared.disconnected(session);
  }

  #remove(session: Subscriber<P>, filter: string): void {
    const { application, report } = this.#options;
    if (!application.reserves(filter)) this.#removeOrdinary(session, filter);
    else
      try {
        application.unsubscribed(session, filter);
      } catch (error) {
        report(error);
      }
  }

  #addOrdinary(session: Subscriber<P>, filter: string, subscription: Subscription): void {
    const { tree, shared } = this.#options;
    if (isShared(filter)) shared.join(session, subscription);
    else tree.add(session, filter, subscription);
  }

  #removeOrdinary(session: Subscriber<P>, filter: string): void {
    const { tree, shared } = this.#options;
    if (isShared(filter)) shared.leave(session, filter);
    else tree.remove(session, filter);
  }

  /** What is shared is judged by the filter behind its share name, in 3.1.1 too, which says nothing of it. */
  #ask(session: Subscriber<P>, filter: string, options: SubscribeOptions): SubscribeAnswer {
    const { application, limits, report } = this.#options;
    const wanted = isShared(filter) ? parseShared(filter)?.filter : filter;
    if (wanted === undefined || !isTopicFilter(wanted) || isTooLong(filter, limits))
      return { reasonCode: ReasonCode.topicFilterInvalid };
    if (options.isNew && !this.#hasRoom(session, filter)) return tooMany;
    try {
      if (application.reserves(wanted))
        return isShared(filter) ? notShared : application.subscribe(session, filter, options);
      const allowed = application.authorize(session.principal, 'subscribe', wanted);
      return { reasonCode: allowed ? options.qos : ReasonCode.notAuthorized };
    } catch (error) {
      report(error);
      return failed;
    }
  }

  #hasRoom({ account, subscriptions }: Subscriber<P>, filter: string): boolean {
    const { subscriptionsPerSession } = this.#options.limits;
    return (
      subscriptions.size < subscriptionsPerSession && this.#bytes.fits(account, subscriptionBytes(filter))
    );
  }

  #grant(
    session: Subscriber<P>,
    request: SubscriptionRequest,
    qos: Qos,
    subscriptionId: number | undefined,
  ): void {
    const { application } = this.#options;
    const { filter, noLocal = false, retainAsPublished = false } = request;
    const subscription = { filter, qos, noLocal, retainAsPublished, subscriptionId };
    if (!session.subscriptions.has(filter)) this.#bytes.take(session.account, subscriptionBytes(filter));
    session.subscriptions.set(filter, subscription);
    if (!application.reserves(filter)) this.#addOrdinary(session, filter, subscription);
  }

  #follow(session: Subscriber<P>, filter: string, options: SubscribeOptions): void {
    const { application, report, shared } = this.#options;
    if (isShared(filter))
      shared.joined(session, filter); // retained messages are not sent (§3.8.3.1)
    else if (!application.reserves(filter)) this.#sendRetained(session, filter, options);
    else
      try {
        application.subscribed(session, filter, options);
      } catch (error) {
        report(error);
      }
  }

  /** [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]. */
  #sendRetained(session: Subscriber<P>, filter: string, { retainHandling, isNew }: SubscribeOptions): void {
    if (retainHandling === 2 || (retainHandling === 1 && !isNew)) return;
    const { retained, clock, receivePolicy } = this.#options;
    const subscription = session.subscriptions.get(filter);
    if (subscription === undefined) return;
    const { qos, subscriptionId } = subscription;
    const ids = subscriptionId === undefined ? undefined : [subscriptionId];
    retained.matching(filter, clock.now(), ({ publish, expiresAt }) => {
      if (receivePolicy?.mayReceive(session.principal, publish.topic) === false) return;
      session.deliver(
        new OrdinaryMessage(forward(publish, qos < publish.qos ? qos : publish.qos, true, ids), expiresAt),
      );
    });
  }
}

/** What one costs in memory at most, nodes of the tree and its group included. */
function subscriptionBytes(filter: string): number {
  let levels = 1;
  for (let at = filter.indexOf('/'); at >= 0; at = filter.indexOf('/', at + 1)) levels++;
  return (isShared(filter) ? 1500 : 300) + levels * 200 + filter.length;
}

function optionsOf({ qos, retainHandling = 0 }: SubscriptionRequest, isNew: boolean): SubscribeOptions {
  return { qos, retainHandling, isNew };
}
