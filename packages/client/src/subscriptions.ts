// SPDX-License-Identifier: Apache-2.0
import type { Link } from '@sealpost/mqtt/link';
import { codeOf } from './acknowledgement.ts';
import { SealpostError, reaching } from './error.ts';

interface SubscriptionOptions {
  readonly qos: 0 | 1;
  /** Nothing that waited before the subscription: MQTT 5 Retain Handling 2. */
  readonly onlyNew?: boolean;
}

/** Subscribes and unsubscribes on one link. Both go to the wire at once, in the order of the calls. */
export class Subscriptions {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Rejects with SealpostError when the server does not grant the filter; never unhandled when nobody awaits it. */
  open(filter: string, { qos, onlyNew = false }: SubscriptionOptions): Promise<void> {
    const opened = this.#subscribe(filter, qos, onlyNew);
    opened.catch(() => undefined);
    return opened;
  }

  /** A server that does not answer an UNSUBSCRIBE has lost the link, which its owner hears of by other means. */
  close(filter: string): void {
    this.#link.unsubscribe([filter]).catch(() => undefined);
  }

  async #subscribe(filter: string, qos: 0 | 1, onlyNew: boolean): Promise<void> {
    const [granted = 0x80] = await reaching(
      this.#link.subscribe([{ filter, qos, retainHandling: onlyNew ? 2 : 0 }]),
    );
    if (granted >= 0x80) throw new SealpostError({ code: codeOf(granted), cause: `SUBACK ${granted}` });
  }
}
