// SPDX-License-Identifier: Apache-2.0
import { staticAnchors } from '@sealpost/identity';
import { decodePem, pinnedAnchor, webCrypto } from '@sealpost/identity/web';
import { connectWebSocket } from '@sealpost/mqtt/web';
import type { Client } from '../client.ts';
import { connect } from '../connect.ts';
import type { ConnectOptions } from '../connect.ts';
import { SealpostError } from '../error.ts';

/** A domain and whom it is known by. */
export interface WebAnchor {
  readonly domain: string;
  /** PEM certificates of the authorities that certify its accounts and seals. */
  readonly authorities: string;
}

export interface ConnectWebOptions extends Omit<ConnectOptions, 'dial' | 'crypto' | 'anchors'> {
  /** `wss://mail.example/mqtt`. The server has to know the page's origin. */
  readonly url: string;
  readonly anchors: readonly WebAnchor[];
}

/** Signs in over WebSocket, with WebCrypto. Rejects with SealpostError, as `connect` does. */
export async function connectWeb({ url, anchors, ...rest }: ConnectWebOptions): Promise<Client> {
  const pinned = anchors.map(({ domain, authorities }) => {
    const anchor = pinnedAnchor(domain, decodePem(authorities, 'CERTIFICATE'));
    if (!anchor.ok) throw new SealpostError(anchor.refusal);
    return anchor.value;
  });
  return connect({
    ...rest,
    dial: () => connectWebSocket({ url }),
    crypto: webCrypto,
    anchors: staticAnchors(pinned),
  });
}
