// SPDX-License-Identifier: Apache-2.0
import { actTopic } from '@sealpost/protocol';
import type { Action, MessageId } from '@sealpost/protocol';
import { refusalOf } from './acknowledgement.ts';
import type { Connection } from './connection.ts';
import { SealpostError } from './error.ts';

/** What the owner of a mailbox does about a message in it: a PUBLISH to mail/act/<id>/<action>. */
export type Act = (id: MessageId, action: Action, signal?: AbortSignal) => Promise<void>;

/** The same action twice is one, so it is done again when the link is lost before the answer. */
export function actOn(connection: Connection): Act {
  return async (id, action, signal) => {
    const publish = {
      topic: actTopic(id, action),
      payload: new Uint8Array(0),
      qos: 1,
      retain: false,
      userProperties: [],
    } as const;
    const answer = await connection.perform((link) => link.publish(publish), signal);
    const refusal = refusalOf(answer);
    if (refusal !== undefined) throw new SealpostError(refusal);
  };
}
