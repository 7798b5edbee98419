// SPDX-License-Identifier: Apache-2.0
import type { Outgoing } from '@sealpost/mqtt/link';
import type { Domain } from '@sealpost/protocol';

/** The sending half of a link to a peer, whichever side dialled. */
export interface Sink {
  send(outgoing: Outgoing): void;
  readonly queued: number;
  readonly queuedBytes: number;
}

/** Where a peer listens. Without an address it is not dialled: it dials us. */
export interface PeerAddress {
  readonly domain: Domain;
  readonly host: string;
  readonly port: number;
}

/** Clocks of two domains further apart than this do not work together [RELAY-4]. */
export const clockDifferenceMaxMs = 30_000;

/** `mail/relay/#`: the one filter a dialler subscribes to, so that one link carries both directions [RELAY-3]. */
export const relayFilter = 'mail/relay/#';

export function property(
  properties: readonly (readonly [string, string])[],
  name: string,
): string | undefined {
  return properties.find(([key]) => key === name)?.[1];
}
