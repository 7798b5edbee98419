// SPDX-License-Identifier: Apache-2.0
import { ReasonCode } from '@sealpost/mqtt';
import type { Clock } from '@sealpost/mqtt';
import { NotAcknowledged } from '@sealpost/mqtt/link';
import type { CloseInfo, Link } from '@sealpost/mqtt/link';
import { orAborted } from './cancellation.ts';
import { StateLine } from './client-state.ts';
import { SealpostError, lostLink, reaching } from './error.ts';
import { retryDelayMs } from './retry-delay.ts';

export interface ConnectionOptions {
  /** One attempt. Rejects with SealpostError. */
  open(signal: AbortSignal): Promise<Link>;
  /** False: what is lost is lost. */
  readonly reconnects: boolean;
  readonly clock: Clock;
  /** 0 up to 1. */
  random(): number;
}

/** Who lives on the connection. Told in the order in which they came. */
export interface ConnectionUser {
  up?(link: Link): void;
  /** `up` may follow. */
  down?(): void;
  /** Nothing follows. Streams then end, and throw unless it was on purpose; whatever awaits an answer rejects. */
  over?(error: SealpostError, isOnPurpose: boolean): void;
}

/** A link that lasted this long was a good one: the next failure is the first again. */
const steadyMs = 10_000;

/**
 * The one link to the own domain, dialled again when it is lost. Each link is a clean MQTT session: the server's
 * sessions are in its memory and the mailbox is not, so its users subscribe again and are offered what is still there.
 */
export class Connection {
  readonly line = new StateLine();
  /** Resolves when it is over: undefined after `close`, otherwise why. */
  readonly closed: Promise<SealpostError | undefined>;
  readonly #options: ConnectionOptions;
  readonly #users: ConnectionUser[] = [];
  readonly #ending = new AbortController();
  readonly #closed = Promise.withResolvers<SealpostError | undefined>();
  #link: Link | undefined;
  /** Resolves when everybody knows that the present link is lost. */
  #lost: Promise<void> = Promise.resolve();
  #failures = 0;
  #cancelRetry: (() => void) | undefined;
  #end: SealpostError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.closed = this.#closed.promise;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  /** Why there is no link and none will come; undefined as long as one may. */
  get end(): SealpostError | undefined {
    return this.#end;
  }

  join(user: ConnectionUser): void {
    this.#users.push(user);
  }

  /** The first attempt, which is the only one when it fails. */
  async start(signal?: AbortSignal): Promise<void> {
    const opening = this.#options.open(this.#ending.signal);
    try {
      this.#up(await orAborted(opening, signal));
    } catch (error) {
      const reason = asSealpostError(error);
      this.#over(reason, false);
      // Aborted at the very moment of success.
      opening.then(
        (link) => link.end(),
        () => undefined,
      );
      throw reason;
    }
  }

  /** Attempts until one succeeds or is refused for good; `line` tells. */
  startOffline(): void {
    void this.#attempt();
  }

  /** The present link, or the next one. Rejects when there will be none, and with `undecided` when `signal` fires. */
  async linked(signal?: AbortSignal): Promise<Link> {
    for (;;) {
      if (this.#link !== undefined) return this.#link;
      if (this.#end !== undefined) throw this.#end;
      await orAborted(this.line.changed, signal);
    }
  }

  /** What may be done twice: when the link is lost before the answer, it is done again on the next one. */
  async perform<T>(action: (link: Link) => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (;;) {
      const link = await this.linked(signal);
      try {
        return await orAborted(action(link), signal);
      } catch (error) {
        if (!(error instanceof NotAcknowledged) || error.outcome.kind !== 'lost')
          return await reaching(Promise.reject(error));
        await this.#lost;
      }
    }
  }

  async close(): Promise<void> {
    const link = this.#link;
    this.#cancelRetry?.();
    this.#ending.abort();
    if (link === undefined) this.#over(new SealpostError({ code: 'unreachable', cause: closedByUser }), true);
    else link.end();
    await this.closed;
  }

  #up(link: Link): void {
    if (this.#ending.signal.aborted) {
      link.end();
      return;
    }
    this.#link = link;
    this.#lost = this.#watch(link, this.#options.clock.now());
    for (const user of this.#users) user.up?.(link);
    this.line.set({ kind: 'connected' });
  }

  async #watch(link: Link, sinceMs: number): Promise<void> {
    const info = await link.closed;
    this.#link = undefined;
    if (this.#options.clock.now() - sinceMs >= steadyMs) this.#failures = 0;
    for (const user of this.#users) user.down?.();
    if (this.#ending.signal.aborted)
      this.#over(new SealpostError({ code: 'unreachable', cause: closedByUser }), true);
    else if (info.reasonCode === ReasonCode.sessionTakenOver)
      // Coming back would take it over again, and so on.
      this.#over(
        new SealpostError({ code: 'not-allowed', cause: 'another client has this client id' }),
        false,
      );
    else this.#retry(lostLink(causeOf(info)));
  }

  #retry(reason: SealpostError): void {
    const { clock, random, reconnects } = this.#options;
    if (this.#ending.signal.aborted) return;
    if (!reconnects || reason.permanent) {
      this.#over(reason, false);
      return;
    }
    this.#failures += 1;
    const delayMs = retryDelayMs(this.#failures, random(), reason.retryAfterSeconds);
    this.#cancelRetry = clock.after(delayMs, () => void this.#attempt());
    this.line.set({ kind: 'reconnecting', reason, retryAtMs: clock.now() + delayMs });
  }

  async #attempt(): Promise<void> {
    try {
      this.#up(await this.#options.open(this.#ending.signal));
    } catch (error) {
      this.#retry(asSealpostError(error));
    }
  }

  #over(reason: SealpostError, isOnPurpose: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.#ending.abort();
    for (const user of this.#users) user.over?.(reason, isOnPurpose);
    this.line.set({ kind: 'closed', ...(isOnPurpose ? {} : { reason }) });
    this.#closed.resolve(isOnPurpose ? undefined : reason);
  }
}

const closedByUser = 'the client was closed';

function causeOf({ reasonCode, reasonString, error }: CloseInfo): string {
  const code = reasonCode === undefined ? undefined : `0x${reasonCode.toString(16)}`;
  return reasonString ?? error?.message ?? code ?? 'the connection ended';
}

function asSealpostError(error: unknown): SealpostError {
  return error instanceof SealpostError ? error : lostLink(String(error));
}
