// SPDX-License-Identifier: Apache-2.0
// What an account and a peer may say to a domain: words with a meaning, and seals that are genuine.
import { nodeCrypto } from '@sealpost/identity/node';
import {
  encodeCbor,
  makeSeal,
  newMessageId,
  toBase64Url,
  withChain,
  type Claims,
  type Signer,
} from '@sealpost/protocol';
import { addressOf, desk, mallory } from './live-domain.ts';
import type { Words } from './mqtt-packets.ts';
import { bytesOf } from './vectors.ts';

const id = '01a20b03-7b6b-7d4a-8e18-620a6ceca901';

async function sealText(
  signer: Signer,
  from: string,
  to: string,
  body: Uint8Array,
  more: Partial<Claims> = {},
): Promise<string> {
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims: Claims = {
    issuer: addressOf(from),
    audience: addressOf(to),
    issuedAt,
    expires: issuedAt + 7 * 86_400,
    id: newMessageId(Date.now(), nodeCrypto.randomBytes(10)),
    precedence: 4,
    class: 'ordinary',
    ask: [],
    ...more,
  };
  const seal = await makeSeal({
    claims,
    contentType: 'text/plain;charset=utf-8',
    body,
    signer,
    crypto: nodeCrypto,
  });
  return toBase64Url(withChain(seal.bytes, signer.chain));
}

const sealedBody = bytesOf('sealed');
const query = bytesOf(`{"op":"trace","id":"${id}"}`);

export async function accountWords(signer: Signer): Promise<Words> {
  const sealed = await Promise.all(
    [desk, 'chief@fire.test'].map((to) => sealText(signer, mallory, to, sealedBody)),
  );
  return {
    topics: [
      'mail/to/desk@home.test',
      'mail/to/desk@home.test/flash',
      'mail/to/mallory@home.test',
      'mail/to/chief@fire.test',
      'mail/to/x@evil.test',
      'mail/to/nobody@home.test',
      'mail/to/x@nowhere.test',
      `mail/act/${id}/acknowledge`,
      `mail/act/${id}/decline`,
      'mail/mailbox/query',
      'mail/inbox/flash/a@b',
      'mail/relay/message',
      'a/b',
      'account/mallory/x',
      'account/desk/x',
      '$SYS/x',
      'mail',
    ],
    filters: [
      '#',
      '+/b',
      'mail/#',
      'mail/inbox/#',
      'mail/evidence/#',
      'mail/mailbox/answer/#',
      '$share/g/mail/#',
      'account/#',
      'mail/+/+/+',
      'a/#',
    ],
    properties: [
      ...sealed.map((text) => ['seal', text] as const),
      ['precedence', 'flash'],
      ['precedence', 'override'],
      ['ask', 'delivered,fetched'],
      ['ask', 'acknowledged'],
      ['class', 'registered'],
      ['attempts', 'max=1;on-expiry=discard'],
      ['attempts', 'not-before=2000000000'],
      ['subject', 'Hi'],
      ['id', id],
      ['in-reply-to', id],
      ['thread', id],
      ['from', mallory],
      ['from', desk],
      ['trust', 'origin; anchor=static'],
      ['evidence', 'AA'],
      ['retry-after', '1'],
    ],
    bodies: [
      new Uint8Array(0),
      bytesOf('text'),
      sealedBody,
      query,
      bytesOf('{"op":"trace"'),
      bytesOf('[]'),
      new Uint8Array(6000),
    ],
  };
}

export async function peerWords(signer: Signer): Promise<Words> {
  const attestation = { kind: 'person', method: 'password', credential: new Uint8Array(32) } as const;
  const sealed = await Promise.all(
    [desk, 'nobody@home.test', 'chief@fire.test'].map((to) =>
      sealText(signer, 'x@evil.test', to, sealedBody, { attestation }),
    ),
  );
  return {
    topics: [
      'mail/relay/message',
      'mail/relay/message',
      'mail/relay/evidence',
      'mail/relay/status',
      'mail/to/desk@home.test',
      'a/b',
    ],
    filters: ['mail/relay/#', '#', 'mail/#'],
    properties: [
      ...sealed.map((text) => ['seal', text] as const),
      ['seal', 'AA'],
      ['evidence', 'AA'],
      ['time', '0'],
      ['domain-seal', 'AA'],
    ],
    bodies: [
      sealedBody,
      encodeCbor([]),
      encodeCbor([new Uint8Array(3)]),
      encodeCbor(['a']),
      new Uint8Array(0),
      new Uint8Array(6000),
    ],
  };
}
