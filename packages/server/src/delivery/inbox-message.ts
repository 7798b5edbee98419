// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer';
import type { Publish, Qos } from '@sealpost/mqtt';
import {
  copiesOf,
  formatTrust,
  inboxTopic,
  precedenceName,
  remainingSeconds,
  toBase64Url,
  toTopic,
  withChain,
  type SealClass,
} from '@sealpost/protocol';
import { chainFor } from '../evidence/chain.ts';
import type { LiveMessage } from '../message.ts';

interface Client {
  readonly maximumPacketSize: number | undefined;
}

/** How much of a message a client gets; each step is tried when the one before does not fit its Maximum Packet Size. */
export const Fit = { whole: 0, withoutChain: 1, withoutSeal: 2, stub: 3 } as const;
export type Fit = (typeof Fit)[keyof typeof Fit];

export function inboxTopicOf({ lane, seal }: LiveMessage): string {
  return inboxTopic(lane, seal.claims.issuer);
}

/** The PUBLISH that shows a message to one of its recipient's clients: body, seal, and the server's own words. */
export function inboxPublish(
  message: LiveMessage,
  match: { readonly qos: Qos; readonly subscriptionIds: number[] },
  client: Client,
  fit: Fit,
  nowSeconds: number,
): Publish {
  const { claims, contentType } = message.seal;
  const common = {
    topic: inboxTopicOf(message),
    retain: false,
    messageExpirySeconds: remainingSeconds(claims.expires, nowSeconds),
    subscriptionIds: match.subscriptionIds,
  };
  if (fit === Fit.stub)
    return { ...common, payload: new Uint8Array(0), qos: 0, userProperties: stubProperties(message) };
  // What its sender calls text is not sent as such unless it is: a strict client would close the connection.
  const isText = contentType.startsWith('text/') && isUtf8(message.body);
  return {
    ...common,
    payload: message.body,
    qos: match.qos,
    ...(isText ? { payloadFormat: 1 as const } : {}),
    contentType,
    responseTopic: toTopic(claims.issuer),
    correlationData: Buffer.from(claims.id),
    userProperties: properties(message, client, fit),
  };
}

function properties(message: LiveMessage, client: Client, fit: Fit): (readonly [string, string])[] {
  const { seal, certificate } = message;
  const all: (readonly [string, string])[] = [
    ['from', seal.claims.issuer],
    ...trustOf(message),
    ['lane', precedenceName(message.lane)],
    ['id', seal.claims.id],
    ...copiesOf(seal.claims).filter(([name]) => name !== 'id'),
  ];
  if (fit === Fit.withoutSeal) return all;
  const chain = fit === Fit.whole ? chainFor(client, certificate?.chain ?? []) : [];
  all.push(['seal', toBase64Url(withChain(seal.bytes, chain))]);
  return all;
}

/** What reaches a client that cannot take the message: who wrote, which message, and why it is not here [DELIV-8]. */
function stubProperties({ seal }: LiveMessage): (readonly [string, string])[] {
  return [
    ['from', seal.claims.issuer],
    ['id', seal.claims.id],
    ['error', 'packet-too-large'],
  ];
}

/** The label shown with a message; without the signer's certificate nothing is claimed, so there is none [TOPIC-10]. */
function trustOf({ seal, certificate }: LiveMessage): (readonly [string, string])[] {
  if (certificate === undefined) return [];
  const sealClass: SealClass = seal.claims.attestation === undefined ? 'origin' : 'domain';
  return [['trust', formatTrust({ sealClass, anchorProof: certificate.anchorProof })]];
}
