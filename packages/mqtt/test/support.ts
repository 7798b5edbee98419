// SPDX-License-Identifier: Apache-2.0
import type { TestContext } from 'node:test';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { connectLink, type Link, type LinkOptions } from '@sealpost/mqtt/link';
import { connectTcp, listenTcp, type Listener } from '@sealpost/mqtt/node';
import {
  createMqttServer,
  type Application,
  type MqttServer,
  type MqttServerOptions,
  type Session,
} from '@sealpost/mqtt/server';

export interface Principal {
  readonly name: string;
}

/** Everybody may do everything; `held/` is reserved and answered by whoever runs the test. */
export class OpenApplication implements Application<Principal> {
  readonly log: string[] = [];
  readonly published: Publish[] = [];
  readonly sessions = new Map<string, Session<Principal>>();
  onPublish: (publish: Publish, session: Session<Principal>) => Acknowledgement | Promise<Acknowledgement> =
    () => ({
      reasonCode: 0,
    });

  reserves(topicOrFilter: string): boolean {
    return topicOrFilter === 'held' || topicOrFilter.startsWith('held/');
  }

  authenticate: Application<Principal>['authenticate'] = async (request) => {
    if (request.username === 'mallory')
      return { reasonCode: 0x86, reasonString: 'wrong password', userProperties: [['error', 'sign-in']] };
    const name = request.username ?? 'nobody';
    return { principal: { name }, account: name, userProperties: [['time', '1']] };
  };

  authorize(_principal: Principal, _action: 'publish' | 'subscribe', topicOrFilter: string): boolean {
    return !topicOrFilter.startsWith('secret/');
  }

  publish(session: Session<Principal>, publish: Publish): Acknowledgement | Promise<Acknowledgement> {
    this.published.push({ ...publish, payload: publish.payload.slice() });
    return this.onPublish(publish, session);
  }

  subscribe(_session: Session<Principal>, filter: string): { reasonCode: number; reasonString?: string } {
    return filter === 'held/no' ? { reasonCode: 0x87, reasonString: 'not yours' } : { reasonCode: 1 };
  }

  subscribed(session: Session<Principal>, filter: string, { isNew }: { isNew: boolean }): void {
    this.log.push(`subscribed ${session.clientId} ${filter} ${isNew ? 'new' : 'again'}`);
  }

  unsubscribed(session: Session<Principal>, filter: string): void {
    this.log.push(`unsubscribed ${session.clientId} ${filter}`);
  }

  opened(session: Session<Principal>): void {
    this.sessions.set(session.clientId, session);
    this.log.push(`opened ${session.clientId}`);
  }

  closed(session: Session<Principal>): void {
    this.log.push(`closed ${session.clientId}`);
  }

  ended(session: Session<Principal>): void {
    this.log.push(`ended ${session.clientId}`);
  }
}

export interface Running {
  readonly application: OpenApplication;
  readonly server: MqttServer<Principal>;
  readonly listener: Listener;
  readonly port: number;
  readonly errors: unknown[];
}

/** A server on a free port of loopback, closed when the test ends. */
export async function run(
  t: TestContext,
  options: Partial<MqttServerOptions<Principal>> = {},
  application = new OpenApplication(),
): Promise<Running> {
  const errors: unknown[] = [];
  const report = (error: unknown): void => void errors.push(error);
  const server = createMqttServer({ application, report, urgentRank: 2, ...options });
  const listener = await listenTcp(server, { host: '127.0.0.1', port: 0 });
  t.after(async () => {
    const closing = listener.close();
    await server.close();
    await closing;
  });
  return { application, server, listener, port: listener.port, errors };
}

export interface TestLink extends Link {
  readonly received: Publish[];
  /** Resolves when that many were received. */
  count(messages: number): Promise<Publish[]>;
}

export async function dial(port: number, options: Partial<LinkOptions> = {}): Promise<TestLink> {
  const received: Publish[] = [];
  const waiting: { messages: number; resolve: (received: Publish[]) => void }[] = [];
  const { onPublish } = options;
  const transport = await connectTcp({ host: '127.0.0.1', port });
  const link = await connectLink(transport, {
    clientId: '',
    cleanStart: true,
    keepAliveSeconds: 60,
    ...options,
    onPublish(publish) {
      received.push({ ...publish, payload: publish.payload.slice() });
      for (const { messages, resolve } of waiting) if (received.length >= messages) resolve(received);
      return onPublish?.(publish) ?? { reasonCode: 0 };
    },
  });
  return Object.assign(link, {
    received,
    count: (messages: number): Promise<Publish[]> =>
      new Promise((resolve) => {
        if (received.length >= messages) resolve(received);
        else waiting.push({ messages, resolve });
      }),
  });
}

export function message(topic: string, text = '', more: Partial<Publish> = {}): Publish {
  return {
    topic,
    payload: new TextEncoder().encode(text),
    qos: 1,
    retain: false,
    userProperties: [],
    ...more,
  };
}

export function textOf({ payload }: Publish): string {
  return new TextDecoder().decode(payload);
}
