// SPDX-License-Identifier: Apache-2.0
import type { Publish } from '@sealpost/mqtt';
import {
  Precedence,
  accept,
  contentTypeDefault,
  isContentType,
  lifetimeDefaultSeconds,
  lifetimeMaxSeconds,
  refuse,
  utf8Text,
  type Address,
  type Claims,
  type MessageId,
  type Result,
  type SubmissionProperties,
} from '@sealpost/protocol';
import type { Principal } from '../accounts/sign-in.ts';

const bytesType = 'application/octet-stream';

/** Whether the body is what the PUBLISH says it is, and of which type [DELIV-1]. */
export function bodyType(publish: Publish): Result<string> {
  const isText = publish.payload.length === 0 || utf8Text(publish.payload) !== undefined;
  if (publish.payloadFormat === 1 && !isText) return refuse('body-format');
  const { contentType } = publish;
  if (contentType === undefined) return accept(isText ? contentTypeDefault : bytesType);
  return isContentType(contentType) ? accept(contentType) : refuse('content-type-invalid');
}

interface Composition {
  readonly principal: Principal;
  readonly to: Address;
  readonly publish: Publish;
  readonly properties: SubmissionProperties;
  /** From the topic, for clients without properties. */
  readonly topicPrecedence: Precedence | undefined;
  readonly id: MessageId;
  readonly inReplyTo: MessageId | undefined;
  readonly nowSeconds: number;
}

/** The claims a server makes for a client that does not seal, from what the client said in MQTT's own terms. */
export function composeClaims(composition: Composition): Result<Claims> {
  const { principal, properties, publish, nowSeconds, inReplyTo } = composition;
  const lifetime = publish.messageExpirySeconds ?? lifetimeDefaultSeconds;
  if (lifetime < 1 || lifetime > lifetimeMaxSeconds) return refuse('lifetime-invalid');
  const { precedence, subject, attempts, thread } = properties;
  const expires = nowSeconds + lifetime;
  // What a verifier would refuse is never sealed [MSG-9].
  if (attempts?.notBefore !== undefined && attempts.notBefore >= expires)
    return refuse('property-invalid', 'not-before is not before the end of the lifetime');
  if (
    precedence !== undefined &&
    composition.topicPrecedence !== undefined &&
    precedence !== composition.topicPrecedence
  )
    return refuse('copy-disagrees', 'topic and property name different precedences');
  return accept({
    issuer: principal.account.address,
    audience: composition.to,
    issuedAt: nowSeconds,
    expires,
    id: composition.id,
    precedence: precedence ?? composition.topicPrecedence ?? Precedence.routine,
    class: properties.class ?? 'ordinary',
    ask: properties.ask ?? [],
    attestation: principal.attestation,
    ...(subject === undefined ? {} : { subject }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(thread === undefined ? {} : { thread }),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
  });
}
