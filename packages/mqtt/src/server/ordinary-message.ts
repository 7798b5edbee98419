// SPDX-License-Identifier: Apache-2.0
import type { Outgoing } from '../link/outgoing.ts';
import type { Publish, Qos } from '../packet.ts';

/** A rank for everything that is not the application's own. */
export const ordinaryRank = 0;

/** A message on its way to any number of sessions: it has no state of its own, so they share it. */
export class OrdinaryMessage implements Outgoing {
  readonly publish: Publish;
  readonly rank = ordinaryRank;
  readonly keepWhileOffline = true;
  readonly expiresAt?: number;

  constructor(publish: Publish, expiresAt: number | undefined) {
    this.publish = publish;
    if (expiresAt !== undefined) this.expiresAt = expiresAt;
  }

  settled(): void {
    // Nobody is owed an answer.
  }
}

/**
 * Everything of a message but what belongs to one connection; properties unaltered [MQTT-3.3.2-4], [MQTT-3.3.2-15],
 * [MQTT-3.3.2-16], [MQTT-3.3.2-17], [MQTT-3.3.2-20].
 */
export function forward(publish: Publish, qos: Qos, retain: boolean, ids: number[] | undefined): Publish {
  const { topic, payload, userProperties } = publish;
  const copy: Publish = { topic, payload, qos, retain, userProperties };
  if (publish.payloadFormat !== undefined) copy.payloadFormat = publish.payloadFormat;
  if (publish.contentType !== undefined) copy.contentType = publish.contentType;
  if (publish.responseTopic !== undefined) copy.responseTopic = publish.responseTopic;
  if (publish.correlationData !== undefined) copy.correlationData = publish.correlationData;
  if (ids !== undefined) copy.subscriptionIds = ids;
  return copy;
}
