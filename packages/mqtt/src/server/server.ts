// SPDX-License-Identifier: Apache-2.0
import { repeat, systemClock, type Clock } from '../clock.ts';
import type { Codec } from '../codec.ts';
import { strictCodec } from '../codec/codec.ts';
import type { Admission } from '../link/incoming.ts';
import type { OutboxShare } from '../link/outbox.ts';
import { ReadingOrder } from '../link/reading-order.ts';
import type { Transport, TransportInfo } from '../link/transport.ts';
import type { Publish, Will } from '../packet.ts';
import { ReasonCode } from '../reason-code.ts';
import { Allotment } from './allotment.ts';
import type {
  Application,
  DeliveryObserver,
  EnhancedAuthentication,
  ReceivePolicy,
  Session,
} from './application.ts';
import { Handshake, type HandshakeHost } from './handshake.ts';
import { serverLimits, type ServerLimits } from './limits.ts';
import { RetainedStore } from './retained.ts';
import { Router } from './routing.ts';
import { ServerSession } from './session.ts';
import { SharedSubscriptions } from './shared.ts';
import type { Subscriber } from './subscriber.ts';
import { Subscribing } from './subscribing.ts';
import { SubscriptionTree } from './subscription-tree.ts';
import { willBytes } from './will.ts';

// In browsers and Node alike.
declare const crypto: { randomUUID(): string };

export interface MqttServerOptions<P> {
  readonly application: Application<P>;
  /** Default: no method is known. */
  readonly enhancedAuthentication?: EnhancedAuthentication<P>;
  /** Default: whoever subscribed receives. */
  readonly receivePolicy?: ReceivePolicy<P>;
  /** Default: they are only counted. */
  readonly deliveryObserver?: DeliveryObserver<P>;
  readonly limits?: Partial<ServerLimits>;
  readonly codec?: Codec;
  readonly clock?: Clock;
  /** From this rank on an Outgoing is urgent. Default: none is. */
  readonly urgentRank?: number;
  /** An exception of the application, or a bug. Default: ignored. */
  readonly report?: (error: unknown) => void;
}

export interface ServerStats {
  readonly connections: number;
  readonly handshakes: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retained: number;
  /** Ordinary messages dropped because a session's queue was full. */
  readonly dropped: number;
  /** Ordinary messages that were larger than a client's Maximum Packet Size. */
  readonly tooLarge: number;
  /** Waiting or in flight toward clients. */
  readonly outboxBytes: number;
}

export interface MqttServer<P> {
  /** Takes over a fresh transport; `established` is called when its handshake is over, however it ended. */
  accept(transport: Transport, info: TransportInfo, established?: () => void): void;
  sessions(): Iterable<Session<P>>;
  /**
   * Takes no new connections and reads no further; resolves when everything that was read has been answered, or when
   * the time is over. What a client sends meanwhile stays its own, unanswered. Only `close` may follow.
   */
  drain(withinMs: number): Promise<void>;
  /** Disconnects everybody with 0x8B, ends all sessions without their Wills, and resolves when the transports are closed. */
  close(): Promise<void>;
  readonly stats: ServerStats;
}

const tickMs = 250;
const drainTickMs = 20;

export function createMqttServer<P>(options: MqttServerOptions<P>): MqttServer<P> {
  return new Server(options);
}

class Server<P> implements MqttServer<P>, HandshakeHost<P> {
  readonly application: Application<P>;
  readonly enhancedAuthentication: EnhancedAuthentication<P> | undefined;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly urgentRank: number;
  readonly admission: Admission;
  readonly outboxShare: OutboxShare;
  readonly wills: Allotment;
  readonly readingOrder = new ReadingOrder();
  readonly router: Router<P>;
  readonly subscribing: Subscribing<P>;
  readonly report: (error: unknown) => void;
  readonly #tree = new SubscriptionTree<Subscriber<P>>();
  readonly #shared: SharedSubscriptions<P>;
  readonly #retained: RetainedStore;
  readonly #handshakes = new Set<Handshake<P>>();
  readonly #sessions = new Map<string, ServerSession<P>>();
  /** Each account's own, by when they were last opened. */
  readonly #sessionsOf = new Map<string, Set<ServerSession<P>>>();
  readonly #stopTicking: () => void;
  readonly #allClosed = Promise.withResolvers<void>();
  #transports = 0;
  readonly #deliveryObserver: DeliveryObserver<P> | undefined;
  #dropped = 0;
  #tooLarge = 0;
  #closing = false;
  #draining = false;

  constructor({
    application,
    enhancedAuthentication,
    receivePolicy,
    deliveryObserver,
    limits,
    codec,
    clock,
    urgentRank,
    report,
  }: MqttServerOptions<P>) {
    this.application = application;
    this.enhancedAuthentication = enhancedAuthentication;
    this.#deliveryObserver = deliveryObserver;
    this.limits = { ...serverLimits, ...limits };
    this.clock = clock ?? systemClock;
    this.codec = codec ?? strictCodec;
    this.urgentRank = urgentRank ?? Infinity;
    this.report = report ?? ((): void => undefined);
    this.admission = { unansweredBytes: 0, unansweredBytesMax: this.limits.admissionBytesMax };
    this.outboxShare = { bytes: 0, bytesMax: this.limits.outboxBytesMax };
    this.wills = new Allotment(this.limits.willBytesMax, this.limits.willBytesPerAccount);
    this.#retained = new RetainedStore(this.limits);
    this.#shared = new SharedSubscriptions({
      receivePolicy,
      tooLarge: (subscriber, publish) => this.tooLarge(subscriber, publish),
    });
    const parts = {
      application,
      receivePolicy,
      limits: this.limits,
      clock: this.clock,
      tree: this.#tree,
      shared: this.#shared,
      retained: this.#retained,
      report: this.report,
    };
    this.router = new Router(parts);
    this.subscribing = new Subscribing(parts);
    this.#stopTicking = repeat(this.clock, tickMs, () => this.#tick());
  }

  get stats(): ServerStats {
    return {
      connections: this.openConnections,
      handshakes: this.#handshakes.size,
      sessions: this.#sessions.size,
      subscriptions: this.#tree.size + this.#shared.size,
      retained: this.#retained.size,
      dropped: this.#dropped,
      tooLarge: this.#tooLarge,
      outboxBytes: this.outboxShare.bytes,
    };
  }

  get openConnections(): number {
    return this.#transports - this.#handshakes.size;
  }

  accept(transport: Transport, info: TransportInfo, established: () => void = () => undefined): void {
    if (this.#closing || this.#draining || this.#handshakes.size >= this.limits.handshakes) {
      transport.destroy();
      return;
    }
    this.#transports++;
    this.#handshakes.add(new Handshake(this, transport, info, established));
    const { onClose } = transport;
    transport.onClose = (error) => {
      this.#transports--;
      onClose(error);
      this.#checkClosed();
    };
  }

  sessions(): Iterable<Session<P>> {
    return this.#sessions.values();
  }

  drain(withinMs: number): Promise<void> {
    this.#draining = true;
    for (const handshake of this.#handshakes) handshake.abort();
    for (const session of this.#sessions.values()) session.hold();
    const untilMs = this.clock.now() + withinMs;
    return new Promise((resolve) => {
      const stop = repeat(this.clock, drainTickMs, () => {
        const isAnswered = this.admission.unansweredBytes === 0;
        if (!isAnswered && !this.#closing && this.clock.now() < untilMs) return;
        stop();
        resolve();
      });
    });
  }

  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#stopTicking();
      this.#shared.close();
      for (const handshake of this.#handshakes) handshake.abort();
      for (const session of this.#sessions.values()) session.shutDown();
      this.#checkClosed();
    }
    return this.#allClosed.promise;
  }

  newClientId(): string {
    return crypto.randomUUID();
  }

  sessionFor(
    account: string,
    clientId: string,
    cleanStart: boolean,
    principal: P,
    will: Will | undefined,
  ): { session: ServerSession<P>; present: boolean } | undefined {
    const key = keyOf(account, clientId);
    // The Will of the one before is sent, or replaced by this one.
    const replacedBytes = this.#sessions.get(key)?.willBytes ?? 0;
    if (!this.wills.fits(account, willBytes(will) - replacedBytes)) return undefined;
    // [MQTT-3.1.4-3]; if its session does not outlive the connection, it is gone after this.
    this.#sessions.get(key)?.disconnect(ReasonCode.sessionTakenOver);
    if (cleanStart) this.#sessions.get(key)?.finish(); // [MQTT-3.1.2-4]
    const present = this.#sessions.get(key);
    if (present === undefined && !this.#hasRoomFor(account)) return undefined;
    const session = present ?? new ServerSession(this, account, clientId, principal); // [MQTT-3.1.2-6]
    this.#sessions.set(key, session);
    const own = this.#sessionsOf.get(account) ?? new Set();
    this.#sessionsOf.set(account, own);
    own.delete(session);
    own.add(session);
    return { session, present: present !== undefined }; // [MQTT-3.1.2-5]
  }

  /** One account's sessions are never in the way of another's as long as there is room for all. */
  #hasRoomFor(account: string): boolean {
    const own = this.#sessionsOf.get(account);
    if (own !== undefined && own.size >= this.limits.sessionsPerAccount) {
      const oldest = [...own].find((session) => !session.connected);
      if (oldest === undefined) return false;
      oldest.finish();
    }
    return this.#sessions.size < this.limits.sessions;
  }

  handshakeOver(handshake: Handshake<P>): void {
    this.#handshakes.delete(handshake);
  }

  dropped(): void {
    this.#dropped++;
  }

  tooLarge(session: Subscriber<P>, publish: Publish): void {
    this.#tooLarge++;
    this.#deliveryObserver?.tooLarge(session, publish);
  }

  forget(session: ServerSession<P>): void {
    this.#sessions.delete(keyOf(session.account, session.clientId));
    const own = this.#sessionsOf.get(session.account);
    own?.delete(session);
    if (own?.size === 0) this.#sessionsOf.delete(session.account);
  }

  #tick(): void {
    const nowMs = this.clock.now();
    this.#retained.tick(nowMs);
    this.#shared.tick();
    for (const handshake of this.#handshakes) handshake.tick(nowMs);
    for (const session of this.#sessions.values()) session.tick(nowMs);
  }

  #checkClosed(): void {
    if (this.#closing && this.#transports === 0) this.#allClosed.resolve();
  }
}

/** A client id has no U+0000 [MQTT-1.5.4-2], so two pairs never share a key. */
function keyOf(account: string, clientId: string): string {
  return `${clientId}\0${account}`;
}
