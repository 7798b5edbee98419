// SPDX-License-Identifier: Apache-2.0
import { Event, accept, refuse, type Action, type MessageId, type Result } from '@sealpost/protocol';
import type { Principal } from '../accounts/sign-in.ts';
import type { CustodyReader } from '../custody/custody.ts';
import type { Outcomes } from './outcomes.ts';

const dispositions = {
  open: Event.opened,
  acknowledge: Event.acknowledged,
  decline: Event.declined,
} as const;

/** What a recipient does after hand-over (mail/act/…): attested by its domain, told to the sender [DELIV-9]. */
export class Dispositions {
  readonly #custody: CustodyReader;
  readonly #outcomes: Outcomes;

  constructor(custody: CustodyReader, outcomes: Outcomes) {
    this.#custody = custody;
    this.#outcomes = outcomes;
  }

  async act({ account, attestation }: Principal, id: MessageId, action: Action): Promise<Result<void>> {
    if (action !== 'open' && action !== 'acknowledge' && action !== 'decline')
      return refuse('not-allowed', `${action} is not offered here`);
    const row = await this.#custody.stored(account.address, id);
    if (row === undefined) return refuse('message-unknown');
    const result = await this.#outcomes.dispose(row, dispositions[action], attestation);
    switch (result.kind) {
      case 'applied':
      case 'duplicate':
        return accept();
      case 'refused':
        return refuse(result.code);
      default:
        return refuse('state-conflict', 'not handed over, or already answered otherwise');
    }
  }
}
