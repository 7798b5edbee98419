// SPDX-License-Identifier: Apache-2.0
import type { SealpostError } from './error.ts';

/** How a client stands with its server. */
export type ClientState =
  /** Not connected yet: after `startOffline` only. */
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  /** The connection is lost, or none came about; it is tried again at `retryAtMs`, Unix milliseconds by the local clock. */
  | { readonly kind: 'reconnecting'; readonly reason: SealpostError; readonly retryAtMs: number }
  /** For good: by `close`, or for a `reason` that no repetition mends. */
  | { readonly kind: 'closed'; readonly reason?: SealpostError };

/** The state now, and the next ones for whoever waits for them. Nothing is kept for those who are slow. */
export class StateLine {
  #state: ClientState = { kind: 'connecting' };
  #next = Promise.withResolvers<void>();

  get state(): ClientState {
    return this.#state;
  }

  /** Resolves when the state has been set again. */
  get changed(): Promise<void> {
    return this.#next.promise;
  }

  set(state: ClientState): void {
    this.#state = state;
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve();
  }

  /** The present state, then what it has become whenever the reader asks; ends after `closed`, or when `signal` fires. */
  async *states(signal?: AbortSignal): AsyncGenerator<ClientState, void, undefined> {
    const aborted = Promise.withResolvers<void>();
    const abort = (): void => aborted.resolve();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      let shown: ClientState | undefined;
      for (;;) {
        if (signal?.aborted === true || shown?.kind === 'closed') return;
        if (shown === this.#state) await Promise.race([this.changed, aborted.promise]);
        else yield (shown = this.#state);
      }
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}
