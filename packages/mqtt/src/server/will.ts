// SPDX-License-Identifier: Apache-2.0
import { messageBytes } from '../link/outgoing.ts';
import type { Publish, Will } from '../packet.ts';

/** The message a Will becomes when it fires. */
export function willPublish({ topic, payload, qos, retain, properties }: Will): Publish {
  const publish: Publish = {
    topic,
    payload,
    qos,
    retain,
    userProperties: properties.userProperties ?? [],
  };
  if (properties.payloadFormat !== undefined) publish.payloadFormat = properties.payloadFormat === 1 ? 1 : 0;
  if (properties.messageExpirySeconds !== undefined)
    publish.messageExpirySeconds = properties.messageExpirySeconds;
  if (properties.contentType !== undefined) publish.contentType = properties.contentType;
  if (properties.responseTopic !== undefined) publish.responseTopic = properties.responseTopic;
  if (properties.correlationData !== undefined) publish.correlationData = properties.correlationData;
  return publish;
}

/** What it costs in memory while it is kept; none costs nothing. */
export function willBytes(will: Will | undefined): number {
  return will === undefined ? 0 : objectBytes + messageBytes(willPublish(will));
}

const objectBytes = 200;
