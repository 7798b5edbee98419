// SPDX-License-Identifier: Apache-2.0
import { actTopic } from '@sealpost/protocol';
import type { Action, MessageId } from '@sealpost/protocol';
import type { Link } from '@sealpost/mqtt/link';
import { refusalOf } from './acknowledgement.ts';
import { SealpostError, reaching } from './error.ts';

/** What the owner of a mailbox does about a message in it: a PUBLISH to mail/act/<id>/<action>. */
export type Act = (id: MessageId, action: Action) => Promise<void>;

export function actOn(link: Link): Act {
  return async (id, action) => {
    const answer = await reaching(
      link.publish({
        topic: actTopic(id, action),
        payload: new Uint8Array(0),
        qos: 1,
        retain: false,
        userProperties: [],
      }),
    );
    const refusal = refusalOf(answer);
    if (refusal !== undefined) throw new SealpostError(refusal);
  };
}
