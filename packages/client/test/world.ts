// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { connectTcp } from '@sealpost/mqtt/node';
import type { Acknowledgement, Publish } from '@sealpost/mqtt';
import { staticAnchors } from '@sealpost/identity';
import { createAuthority, nodeCrypto, nodeSigner } from '@sealpost/identity/node';
import type { Authority, Credential } from '@sealpost/identity/node';
import {
  Event,
  Precedence,
  copiesOf,
  decodeSeal,
  evidenceTopic,
  fromBase64Url,
  inboxTopic,
  makeEvidence,
  makeSeal,
  newMessageId,
  parseAddress,
  parseDomain,
  toBase64Url,
  utf8,
  withChain,
} from '@sealpost/protocol';
import type { Address, Claims, MessageId, Result, Seal, Signer, Statement } from '@sealpost/protocol';
import { connect } from '../src/index.ts';
import type { Client, ConnectOptions } from '../src/index.ts';
import { FakeDomain } from './fake-domain.ts';

export function valueOf<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : result.refusal.code);
  return result.value;
}

export const alarm: Address = valueOf(parseAddress('alarm@home.test'));
export const desk: Address = valueOf(parseAddress('desk@fire.test'));

function signerOf({ certificate, chain, privateKey }: Credential): Signer {
  return nodeSigner({ certificateDer: certificate, chain, privateKey });
}

/** Two authorities, the keys they certified, and a server that says what a test wants said. */
export class World {
  readonly home: Authority;
  readonly fire: Authority;
  readonly homeSeal: Signer;
  readonly fireSeal: Signer;
  readonly alarmKey: Signer;
  readonly domain: FakeDomain;
  readonly port: number;
  readonly #clients: Client[] = [];

  constructor(
    parts: Pick<World, 'home' | 'fire' | 'homeSeal' | 'fireSeal' | 'alarmKey' | 'domain' | 'port'>,
  ) {
    this.home = parts.home;
    this.fire = parts.fire;
    this.homeSeal = parts.homeSeal;
    this.fireSeal = parts.fireSeal;
    this.alarmKey = parts.alarmKey;
    this.domain = parts.domain;
    this.port = parts.port;
  }

  connect(change: Partial<ConnectOptions> = {}): Promise<Client> {
    return this.connectStock({ signer: this.alarmKey, ...change });
  }

  /** Without a key of its own. */
  async connectStock(change: Partial<ConnectOptions> = {}): Promise<Client> {
    const client = await connect({
      account: alarm,
      dial: () => connectTcp({ host: '127.0.0.1', port: this.port }),
      crypto: nodeCrypto,
      anchors: staticAnchors([this.home.anchor, this.fire.anchor]),
      password: 'right',
      ...change,
    });
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.domain.close();
  }
}

export async function openWorld(): Promise<World> {
  const home = await createAuthority(valueOf(parseDomain('home.test')));
  const fire = await createAuthority(valueOf(parseDomain('fire.test')));
  const homeSeal = signerOf(await home.issueDomainSeal());
  const domain = new FakeDomain([
    ['time', String(Date.now() + 60_000)],
    ['domain-seal', homeSeal.chain.map(toBase64Url).join('.')],
  ]);
  return new World({
    home,
    fire,
    homeSeal,
    fireSeal: signerOf(await fire.issueDomainSeal()),
    alarmKey: signerOf(await home.issueAccount({ address: alarm, kind: 'device' })),
    domain,
    port: await domain.listen(),
  });
}

export function sealIn(publish: Publish): Seal {
  const text = publish.userProperties.find(([name]) => name === 'seal')?.[1] ?? '';
  return valueOf(decodeSeal(fromBase64Url(text) ?? new Uint8Array(0), nodeCrypto));
}

type About = Pick<Statement, 'id' | 'digest' | 'recipient'>;

export async function evidenceText(
  signer: Signer,
  events: readonly Event[],
  about: About,
  more: Partial<Statement> = {},
): Promise<string> {
  const statement: Statement = {
    ...about,
    events,
    observedAt: Math.floor(Date.now() / 1000),
    nonce: nodeCrypto.randomBytes(16),
    ...more,
  };
  const evidence = await makeEvidence({ statement, signer });
  return toBase64Url(withChain(evidence.bytes, signer.chain));
}

/** Takes every submission that has an origin seal, with signed evidence of that. */
export async function acceptSealed(publish: Publish, signer: Signer): Promise<Acknowledgement> {
  const { claims, digest } = sealIn(publish);
  const about = { id: claims.id, digest, recipient: claims.audience };
  const evidence = await evidenceText(signer, [Event.accepted], about);
  return {
    reasonCode: 0,
    userProperties: [
      ['id', claims.id],
      ['evidence', evidence],
    ],
  };
}

export function evidencePublish(
  id: MessageId,
  event: Event,
  evidence: string,
): Omit<Publish, 'qos' | 'retain'> {
  return {
    topic: evidenceTopic(id, event),
    payload: utf8('one line'),
    userProperties: [['evidence', evidence]],
  };
}

interface DeliveryChange {
  readonly claims?: Partial<Claims>;
  readonly body?: string;
  readonly delivered?: string;
  readonly properties?: readonly (readonly [string, string])[];
}

/** A message from the desk to the alarm, as the alarm's server would deliver it. */
export async function delivery(
  signer: Signer,
  { claims: change, body = 'On our way', delivered = body, properties = [] }: DeliveryChange = {},
): Promise<Omit<Publish, 'qos' | 'retain'> & { readonly id: MessageId }> {
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims: Claims = {
    issuer: desk,
    audience: alarm,
    issuedAt,
    expires: issuedAt + 3_600,
    id: newMessageId(Date.now(), nodeCrypto.randomBytes(10)),
    precedence: Precedence.routine,
    class: 'ordinary',
    ask: [],
    subject: 'Your alarm',
    attestation: { kind: 'role', method: 'password', credential: new Uint8Array(32) },
    ...change,
  };
  const seal = await makeSeal({
    claims,
    contentType: 'text/plain;charset=utf-8',
    body: utf8(body),
    signer,
    crypto: nodeCrypto,
  });
  return {
    id: claims.id,
    topic: inboxTopic(Precedence.routine, desk),
    payload: utf8(delivered),
    payloadFormat: 1,
    contentType: 'text/plain;charset=utf-8',
    correlationData: utf8(claims.id),
    userProperties: [
      ['from', desk],
      ['trust', 'domain; anchor=static'],
      ['lane', 'routine'],
      ...copiesOf(claims),
      ['seal', toBase64Url(withChain(seal.bytes, signer.chain))],
      ...properties,
    ],
  };
}
