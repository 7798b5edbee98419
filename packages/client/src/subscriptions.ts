// SPDX-License-Identifier: Apache-2.0
import { NotAcknowledged } from '@sealpost/mqtt/link';
import type { Link } from '@sealpost/mqtt/link';
import { codeOf } from './acknowledgement.ts';
import type { Connection } from './connection.ts';
import { SealpostError, reaching } from './error.ts';

interface SubscriptionOptions {
  readonly qos: 0 | 1;
  /** Nothing that waited before the subscription: MQTT 5 Retain Handling 2. */
  readonly onlyNew?: boolean;
  /** The server did not grant it again after the connection was lost. */
  refused?(error: SealpostError): void;
}

/**
 * What is subscribed to, on this link and on every later one. Both directions go to the wire at once, in the order of
 * the calls; after a new link, before anything else.
 */
export class Subscriptions {
  readonly #connection: Connection;
  readonly #open = new Map<string, SubscriptionOptions>();

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.join({ up: (link) => this.#again(link) });
  }

  /**
   * Resolves when the server has granted the filter, and at once while there is no link: it is subscribed to on the
   * next. Rejects with SealpostError when the server does not grant it, or when the connection is over; never unhandled when nobody awaits it.
   */
  open(filter: string, options: SubscriptionOptions): Promise<void> {
    const { end, link } = this.#connection;
    if (end === undefined) this.#open.set(filter, options);
    const opened = link === undefined ? this.#later(end) : this.#first(link, filter, options);
    opened.catch(() => undefined);
    return opened;
  }

  /** Nobody would ever end a stream that begins after the end. */
  async #later(end: SealpostError | undefined): Promise<void> {
    if (end !== undefined) throw end;
  }

  /** A server that does not answer an UNSUBSCRIBE has lost the link, which its owner hears of by other means. */
  close(filter: string): void {
    if (this.#open.delete(filter)) this.#connection.link?.unsubscribe([filter]).catch(() => undefined);
  }

  async #first(link: Link, filter: string, { qos, onlyNew }: SubscriptionOptions): Promise<void> {
    try {
      await subscribe(link, filter, qos, onlyNew === true);
    } catch (error) {
      this.#open.delete(filter);
      throw error;
    }
  }

  /** What came meanwhile is asked for too. */
  #again(link: Link): void {
    for (const [filter, { qos, refused }] of this.#open)
      subscribe(link, filter, qos, false).catch((error: unknown) => {
        if (!(error instanceof SealpostError) || !this.#open.delete(filter)) return;
        refused?.(error);
      });
  }
}

async function subscribe(link: Link, filter: string, qos: 0 | 1, onlyNew: boolean): Promise<void> {
  const subscribing = link.subscribe([{ filter, qos, retainHandling: onlyNew ? 2 : 0 }]);
  // Lost before the answer: the next link gets it too.
  const answered = subscribing.catch((error: unknown) => {
    if (error instanceof NotAcknowledged) return [qos];
    throw error;
  });
  const [granted = 0x80] = await reaching(answered);
  if (granted >= 0x80) throw new SealpostError({ code: codeOf(granted), cause: `SUBACK ${granted}` });
}
