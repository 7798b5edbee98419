// SPDX-License-Identifier: Apache-2.0
import { newMessageId } from '@sealpost/protocol';
import type { MessageId } from '@sealpost/protocol';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { NotAcknowledged } from '@sealpost/mqtt/link';
import type { CloseInfo, Link, PublishOptions } from '@sealpost/mqtt/link';

interface Offered {
  readonly publish: Publish;
  readonly options: PublishOptions | undefined;
  answer(acknowledgement: Acknowledgement): void;
}

/** A link whose server is the test: nothing is answered by itself. */
export class FakeLink implements Link {
  readonly connack = {
    sessionPresent: false,
    userProperties: [],
    receiveMaximum: 64,
    properties: {},
  };
  readonly queued = 0;
  readonly queuedBytes = 0;
  readonly offered: Offered[] = [];
  readonly filters: string[] = [];
  readonly #denied: ReadonlySet<string>;
  readonly #closing = Promise.withResolvers<CloseInfo>();
  readonly closed = this.#closing.promise;
  readonly #waiting = new Set<(error: Error) => void>();
  #isLost = false;

  /** Filters that SUBACK denies. */
  constructor(denied: ReadonlySet<string> = new Set()) {
    this.#denied = denied;
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  send(): void {
    throw new Error('not used by the client');
  }

  publish(publish: Publish, options?: PublishOptions): Promise<Acknowledgement> {
    if (this.#isLost) return Promise.reject(new NotAcknowledged({ kind: 'lost', written: false }));
    const { promise, resolve, reject } = Promise.withResolvers<Acknowledgement>();
    this.#waiting.add(reject);
    const answer = (acknowledgement: Acknowledgement): void => {
      this.#waiting.delete(reject);
      resolve(acknowledgement);
    };
    this.offered.push({ publish, options, answer });
    return promise;
  }

  subscribe(subscriptions: readonly { readonly filter: string }[]): Promise<number[]> {
    this.filters.push(...subscriptions.map(({ filter }) => filter));
    return Promise.resolve(subscriptions.map(({ filter }) => (this.#denied.has(filter) ? 0x87 : 1)));
  }

  unsubscribe(filters: readonly string[]): Promise<number[]> {
    return Promise.resolve(filters.map(() => 0));
  }

  end(reasonCode = 0): void {
    this.lose({ byPeer: false, reasonCode });
  }

  lose(info: CloseInfo = { byPeer: true }): void {
    if (this.#isLost) return;
    this.#isLost = true;
    for (const reject of this.#waiting) reject(new NotAcknowledged({ kind: 'lost', written: true }));
    this.#waiting.clear();
    this.#closing.resolve(info);
  }
}

export function numberedId(number: number): MessageId {
  return newMessageId(Date.UTC(2026, 0, 1), new Uint8Array(10).fill(number));
}

/** Lets everything run that waits for nothing but its turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
