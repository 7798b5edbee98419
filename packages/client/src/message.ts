// SPDX-License-Identifier: Apache-2.0
import type { AccountKind, Action, Address, Claims, Lane } from '@sealpost/protocol';
import type { MessageId, Result, SealClass } from '@sealpost/protocol';
import type { Anchor } from '@sealpost/identity';
import type { Act } from './acting.ts';

/** What the check of a seal proved. */
export interface VerifiedSeal {
  /** `origin`: the sender's own key. `domain`: the sender's domain vouches for how it knew the sender. */
  readonly sealClass: SealClass;
  readonly senderKind: AccountKind;
  readonly anchorProof: Anchor['proof'];
}

/** What arrived, as far as it could be checked. */
export interface Received {
  readonly id: MessageId;
  /** The server's word; the same as the sealed issuer when `verified.ok`. */
  readonly from: Address;
  readonly lane: Lane;
  readonly body: Uint8Array;
  /** The body as text, when it is declared to be text and is. */
  readonly text: string | undefined;
  readonly contentType: string | undefined;
  /** Only from a seal that verified: what is not sealed is nobody's word. */
  readonly claims: Claims | undefined;
  readonly verified: Result<VerifiedSeal>;
}

/** How a message reaches back to the connection that it came by. */
export interface MessagePort {
  readonly act: Act;
  /** Acknowledges the PUBLISH: the hand-over. Repeats do nothing. */
  taken(): void;
  /** Refuses the PUBLISH, so that the message stays in the mailbox. Nothing after `taken`. */
  leave(): void;
}

/** One message of the own mailbox. */
export class Message implements Received {
  readonly id: MessageId;
  readonly from: Address;
  readonly lane: Lane;
  readonly body: Uint8Array;
  readonly text: string | undefined;
  readonly contentType: string | undefined;
  readonly claims: Claims | undefined;
  readonly verified: Result<VerifiedSeal>;
  readonly #port: MessagePort;

  constructor(received: Received, port: MessagePort) {
    this.id = received.id;
    this.from = received.from;
    this.lane = received.lane;
    this.body = received.body;
    this.text = received.text;
    this.contentType = received.contentType;
    this.claims = received.claims;
    this.verified = received.verified;
    this.#port = port;
  }

  get subject(): string | undefined {
    return this.claims?.subject;
  }

  get sealClass(): SealClass | undefined {
    return this.verified.ok ? this.verified.value.sealClass : undefined;
  }

  /** Hands the message over now, instead of after the loop body that reads it. */
  taken(): void {
    this.#port.taken();
  }

  /** Leaves the message in the mailbox for another client; this connection is not offered it again. */
  leave(): void {
    this.#port.leave();
  }

  /** Tells the sender, by signed evidence, that this was understood and is acted upon. Hands the message over. */
  acknowledge(): Promise<void> {
    return this.#act('acknowledge');
  }

  /** Shares with the sender that it was opened. Hands the message over. */
  open(): Promise<void> {
    return this.#act('open');
  }

  /** Tells the sender that nobody here will act upon it. Hands the message over. */
  decline(): Promise<void> {
    return this.#act('decline');
  }

  async #act(action: Action): Promise<void> {
    this.#port.taken();
    // [DELIV-9] The hand-over has to be on the wire first.
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
    await this.#port.act(this.id, action);
  }
}
