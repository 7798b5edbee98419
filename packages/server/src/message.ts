// SPDX-License-Identifier: Apache-2.0
import type { TrustedCertificate } from '@sealpost/identity';
import type { Domain, Event, Seal } from '@sealpost/protocol';
import type { Position } from './schedule/feed.ts';

/** A message this domain has custody of, opened, with its content in memory. */
export interface LiveMessage extends Position {
  /** Whose queue it stands in: a mailbox of ours, or a peer (see holderOfPeer). */
  readonly holder: string;
  readonly seal: Seal;
  readonly body: Uint8Array;
  /** Absent when the certificate that the seal names cannot be had any more. */
  readonly certificate: TrustedCertificate | undefined;
  readonly attempts: number;
  /** Unix milliseconds before which it is not to be delivered (state 2). */
  readonly heldUntilMs: number;
}

/** The row's holder for messages that wait for a peer; no address begins with `@`. */
export function holderOfPeer(domain: Domain): string {
  return `@${domain}`;
}

/** A row that was just committed stands last in its lane until it is read back with its number. */
export const newest = Number.MAX_SAFE_INTEGER;

/** What decides which evidence the sender is told of. */
export interface Wishes {
  readonly ask: readonly Event[];
  readonly quiet: boolean;
}

export function wishesOf(seal: Seal): Wishes {
  const { ask, attempts } = seal.claims;
  return { ask, quiet: attempts?.onExpiry === 'discard' };
}
