// SPDX-License-Identifier: Apache-2.0
import { EventEmitter, once } from 'node:events';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { listenTcp } from '@sealpost/mqtt/node';
import type { Listener } from '@sealpost/mqtt/node';
import { createMqttServer } from '@sealpost/mqtt/server';
import type { Application, ConnectRequest, MqttServer, Outcome, Session } from '@sealpost/mqtt/server';

type Answer = (publish: Publish) => Acknowledgement | Promise<Acknowledgement>;

/** A server that does what a test tells it to: no storage, no rules of its own. */
export class FakeDomain implements Application<string> {
  readonly received: Publish[] = [];
  readonly filters: string[] = [];
  answer: Answer = () => ({ reasonCode: 0 });
  readonly #server: MqttServer<string>;
  readonly #events = new EventEmitter();
  readonly #connackProperties: readonly (readonly [string, string])[];
  #listener: Listener | undefined;

  constructor(connackProperties: readonly (readonly [string, string])[]) {
    this.#connackProperties = connackProperties;
    this.#server = createMqttServer({ application: this });
  }

  async listen(): Promise<number> {
    this.#listener = await listenTcp(this.#server, { host: '127.0.0.1', port: 0 });
    return this.#listener.port;
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.#listener?.close();
  }

  /** Publishes to whoever is subscribed and resolves with what became of it. */
  async offer(publish: Omit<Publish, 'qos' | 'retain'>): Promise<Outcome> {
    for (;;) {
      for (const session of this.#server.sessions()) {
        const match = session.matches(publish.topic);
        if (match === undefined) continue;
        return new Promise((settled) => {
          session.send({ publish: { ...publish, qos: match.qos, retain: false }, rank: 0, settled });
        });
      }
      await once(this.#events, 'subscribed');
    }
  }

  disconnectAll(): void {
    for (const session of this.#server.sessions()) session.disconnect(0x8b);
  }

  reserves(topicOrFilter: string): boolean {
    return topicOrFilter.startsWith('mail/');
  }

  async authenticate({ username = '', password }: ConnectRequest) {
    if (password !== undefined && Buffer.from(password).toString() === 'wrong')
      return { reasonCode: 0x86, userProperties: [['error', 'credentials-invalid'] as const] };
    return { principal: username, account: username, userProperties: this.#connackProperties };
  }

  authorize(): boolean {
    return true;
  }

  publish(_session: Session<string>, publish: Publish): Acknowledgement | Promise<Acknowledgement> {
    this.received.push({ ...publish, payload: publish.payload.slice() });
    return this.answer(publish);
  }

  subscribe(_session: Session<string>, _filter: string, { qos }: { qos: number }): { reasonCode: number } {
    return { reasonCode: Math.min(qos, 1) };
  }

  subscribed(_session: Session<string>, filter: string): void {
    this.filters.push(filter);
    this.#events.emit('subscribed');
  }

  unsubscribed(): void {
    // Nothing is kept.
  }

  opened(): void {
    // Nothing is kept.
  }

  closed(): void {
    // Nothing is kept.
  }

  ended(): void {
    // Nothing is kept.
  }
}
