// SPDX-License-Identifier: Apache-2.0
import type { Transport } from '../link/transport.ts';
import { StandardWebSocketTransport, type StandardWebSocket } from './transport.ts';

interface OpeningWebSocket extends StandardWebSocket {
  binaryType: 'arraybuffer' | 'blob';
}

// Neither DOM nor Node types are assumed.
declare const WebSocket: new (url: string, protocols: readonly string[]) => OpeningWebSocket;
declare function setTimeout(run: () => void, delayMs: number): object;
declare function clearTimeout(timer: object): void;

export interface ConnectWebSocketOptions {
  /** `wss://mail.example/mqtt`; `ws:` where the browser allows it, on the same machine. */
  readonly url: string;
  /** Default 10 s, for the whole of it. */
  readonly timeoutMs?: number;
}

const timeoutMsDefault = 10_000;

/**
 * Over the standard WebSocket of browsers, and of Node. Rejects when it does not open; why it did not, browsers keep to
 * themselves (HTML §10.5: a page must not learn what listens where).
 */
export function connectWebSocket({
  url,
  timeoutMs = timeoutMsDefault,
}: ConnectWebSocketOptions): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const webSocket = new WebSocket(url, ['mqtt']);
    webSocket.binaryType = 'arraybuffer';
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => {
      webSocket.close();
      fail(new Error('connection timed out'));
    }, timeoutMs);
    webSocket.addEventListener('error', () => fail(new Error(`no WebSocket connection to ${url}`)));
    webSocket.addEventListener('close', () => fail(new Error('connection closed')));
    webSocket.addEventListener('open', () => {
      clearTimeout(timer);
      resolve(new StandardWebSocketTransport(webSocket));
    });
  });
}
