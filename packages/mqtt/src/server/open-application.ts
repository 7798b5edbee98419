// SPDX-License-Identifier: Apache-2.0
import type { Acknowledgement } from '../packet.ts';
import { ReasonCode } from '../reason-code.ts';
import { topicMatches } from '../topic.ts';
import type { Application, Authenticated, SubscribeAnswer } from './application.ts';

/** Everybody alike, so that a client id alone names a session. */
const everybody: Authenticated<null> = { principal: null, account: '' };

/** A server for anybody: no account, nothing reserved, nothing refused but subscriptions that a filter names. */
export class OpenApplication implements Application<null> {
  readonly #deniedFilters: readonly string[];

  /** A subscription is refused if one of these filters, read as it stands, matches its filter. */
  constructor(deniedFilters: readonly string[] = []) {
    this.#deniedFilters = deniedFilters;
  }

  reserves(): boolean {
    return false;
  }

  authenticate(): Promise<Authenticated<null>> {
    return Promise.resolve(everybody);
  }

  authorize(_principal: null, action: 'publish' | 'subscribe', topicOrFilter: string): boolean {
    return action === 'publish' || !this.#deniedFilters.some((denied) => topicMatches(denied, topicOrFilter));
  }

  publish(): Acknowledgement {
    return { reasonCode: ReasonCode.success };
  }

  subscribe(): SubscribeAnswer {
    return { reasonCode: ReasonCode.success };
  }

  subscribed(): void {}

  unsubscribed(): void {}

  opened(): void {}

  closed(): void {}

  ended(): void {}
}
