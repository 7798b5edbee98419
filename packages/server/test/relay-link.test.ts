// SPDX-License-Identifier: Apache-2.0
// The relay listener of one domain, spoken to by a peer that does as it likes.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { staticAnchors } from '@sealpost/identity';
import {
  createAuthority,
  createTlsAuthority,
  encodePem,
  nodeCrypto,
  nodeSigner,
  type Authority,
  type Credential,
} from '@sealpost/identity/node';
import type { Acknowledgement } from '@sealpost/mqtt';
import { ConnectRefused, connectLink, type Link } from '@sealpost/mqtt/link';
import { connectTls } from '@sealpost/mqtt/node';
import {
  Event,
  decodeEvidence,
  encodeCbor,
  fromBase64Url,
  makeEvidence,
  makeSeal,
  newMessageId,
  toBase64Url,
  withChain,
  type Address,
  type Claims,
  type Domain,
  type Seal,
  type Signer,
} from '@sealpost/protocol';
import { accountsOf, openDomain, type RunningDomain, type TlsMaterial } from '@sealpost/server';

const home = 'home.test' as Domain;
const fire = 'fire.test' as Domain;
const alarm = 'kitchen-alarm@home.test' as Address;
const desk = 'desk@fire.test' as Address;
const body = Buffer.from('Smoke in the kitchen');

interface Scene {
  readonly victim: RunningDomain;
  readonly authority: Authority;
  readonly signer: Signer;
  readonly link: Credential;
  readonly victimSigner: Signer;
}

function material({ chain, privateKey }: Credential): TlsMaterial {
  return { certificate: encodePem(chain), key: privateKey };
}

function signerOf(credential: Credential): Signer {
  return nodeSigner({ ...credential, certificateDer: credential.certificate });
}

/** fire.test as it runs, and the keys of home.test in the hands of the test. */
async function scene(t: TestContext): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-relay-'));
  const [authority, victimAuthority, tls] = [
    await createAuthority(home),
    await createAuthority(fire),
    await createTlsAuthority(),
  ];
  const at = { host: '127.0.0.1', port: 0 };
  const victimSigner = signerOf(await victimAuthority.issueDomainSeal());
  const victim = await openDomain({
    domain: fire,
    directory,
    signer: victimSigner,
    anchors: staticAnchors([authority.anchor, victimAuthority.anchor]),
    accounts: accountsOf([{ address: desk, kind: 'role', ceiling: 4, grants: [] }]),
    link: material(await victimAuthority.issueDomainLink()),
    tls: material(await tls.issueServerCertificate()),
    listen: { mqtt: at, mqtts: at, relay: at },
    peers: [{ domain: home }],
    report: () => {},
  });
  t.after(async () => {
    await victim.close();
    await rm(directory, { recursive: true, force: true });
  });
  const signer = signerOf(await authority.issueDomainSeal());
  return { victim, authority, signer, link: await authority.issueDomainLink(), victimSigner };
}

interface Dial {
  readonly credential?: Credential;
  readonly clientId?: string;
  readonly time?: number;
  readonly domainSeal?: string;
  readonly listener?: 'relay' | 'mqtts';
  onPublish?(): Acknowledgement;
}

async function dial(t: TestContext, { victim, link: own, signer }: Scene, options: Dial = {}): Promise<Link> {
  const { privateKey, chain } = options.credential ?? own;
  const transport = await connectTls({
    ...victim[options.listener ?? 'relay'],
    tls: { cert: encodePem(chain), key: privateKey, rejectUnauthorized: false },
  });
  const link = await connectLink(transport, {
    clientId: options.clientId ?? home,
    cleanStart: true,
    keepAliveSeconds: 30,
    userProperties: [
      ['time', String(options.time ?? Date.now())],
      ['domain-seal', options.domainSeal ?? signer.chain.map(toBase64Url).join('.')],
    ],
    onPublish: options.onPublish ?? ((): Acknowledgement => ({ reasonCode: 0 })),
  });
  t.after(() => link.end());
  return link;
}

function claims(changes: Partial<Claims> = {}): Claims {
  const now = Math.floor(Date.now() / 1000);
  return {
    issuer: alarm,
    audience: desk,
    issuedAt: now,
    expires: now + 600,
    id: newMessageId(Date.now(), nodeCrypto.randomBytes(10)),
    precedence: 0,
    class: 'ordinary',
    ask: [],
    attestation: { kind: 'device', method: 'password', credential: new Uint8Array(32) },
    ...changes,
  };
}

function seal(signer: Signer, changes: Partial<Claims> = {}): Promise<Seal> {
  return makeSeal({
    claims: claims(changes),
    contentType: 'text/plain;charset=utf-8',
    body,
    signer,
    crypto: nodeCrypto,
  });
}

function say(link: Link, what: string, payload: Uint8Array, sealed?: Uint8Array): Promise<Acknowledgement> {
  return link.publish({
    topic: `mail/relay/${what}`,
    payload,
    qos: 1,
    retain: false,
    userProperties: sealed === undefined ? [] : [['seal', toBase64Url(sealed)]],
  });
}

function property({ userProperties = [] }: Acknowledgement, name: string): string | undefined {
  return userProperties.find(([key]) => key === name)?.[1];
}

function eventsIn(answer: Acknowledgement): readonly number[] {
  const decoded = decodeEvidence(fromBase64Url(property(answer, 'evidence') ?? '') ?? new Uint8Array(0));
  return decoded.ok ? decoded.value.statement.events : [];
}

test('[RELAY-6] [RELAY-8] the answer carries B.1 and D.1, and a repeat gets the same bytes', async (t) => {
  const at = await scene(t);
  const link = await dial(t, at);
  const { bytes } = await seal(at.signer);
  const first = await say(link, 'message', body, bytes);
  assert.equal(first.reasonCode, 0);
  assert.deepEqual(eventsIn(first), [Event.relayed, Event.delivered]);
  const again = await say(link, 'message', body, bytes);
  assert.equal(property(again, 'evidence'), property(first, 'evidence'));
});

test('[RELAY-8] the same id with other bytes is refused', async (t) => {
  const at = await scene(t);
  const link = await dial(t, at);
  const one = await seal(at.signer);
  await say(link, 'message', body, one.bytes);
  const other = await seal(at.signer, { id: one.claims.id, subject: 'another' });
  assert.equal(property(await say(link, 'message', body, other.bytes), 'error'), 'id-conflict');
});

test('[RELAY-1] a peer relays only its own messages, and only to recipients here', async (t) => {
  const at = await scene(t);
  const link = await dial(t, at);
  const foreign = await seal(at.signer, { issuer: 'alice@evil.example' as Address });
  const transit = await seal(at.signer, { audience: 'bob@elsewhere.test' as Address });
  for (const { bytes } of [foreign, transit])
    assert.equal(property(await say(link, 'message', body, bytes), 'error'), 'not-direct');
});

test('[RELAY-2] the relay listener takes link certificates only, and nothing but relay topics', async (t) => {
  const at = await scene(t);
  const credential = await at.authority.issueAccount({ address: alarm, kind: 'device' });
  await assert.rejects(dial(t, at, { credential }), ConnectRefused);
  await assert.rejects(dial(t, at, { clientId: 'evil.example' }), ConnectRefused);
  const link = await dial(t, at);
  const answer = await link.publish({
    topic: `mail/to/${desk}`,
    payload: body,
    qos: 1,
    retain: false,
    userProperties: [],
  });
  assert.equal(property(answer, 'error'), 'not-allowed');
});

test('[RELAY-2] the account listener takes no link certificate', async (t) => {
  const at = await scene(t);
  await assert.rejects(dial(t, at, { listener: 'mqtts' }), ConnectRefused);
});

test('[RELAY-3] the one filter is mail/relay/#', async (t) => {
  const at = await scene(t);
  const link = await dial(t, at);
  const codes = await link.subscribe(
    ['mail/#', '#', 'mail/inbox/#', 'mail/relay/#'].map((filter) => ({ filter, qos: 1 as const })),
  );
  assert.deepEqual(
    codes.map((code) => code < 0x80),
    [false, false, false, true],
  );
});

test('[RELAY-4] clocks more than 30 seconds apart do not work together', async (t) => {
  const at = await scene(t);
  const refusal = await dial(t, at, { time: Date.now() - 31_000 }).catch((error: unknown) => error);
  assert.ok(refusal instanceof ConnectRefused);
  assert.equal(refusal.reasonCode, 0x97);
  assert.deepEqual(refusal.userProperties, [['error', 'clock']]);
});

test('[RELAY-5] the seal certificate that a peer announces leads to its anchor', async (t) => {
  const at = await scene(t);
  const other = signerOf(await (await createAuthority(home)).issueDomainSeal());
  const domainSeal = other.chain.map(toBase64Url).join('.');
  await assert.rejects(dial(t, at, { domainSeal }), ConnectRefused);
  await assert.rejects(dial(t, at, { domainSeal: '' }), ConnectRefused);
});

test('[RELAY-7] an unknown certificate is asked for, and once is enough', async (t) => {
  const at = await scene(t);
  const link = await dial(t, at);
  const signer = signerOf(await at.authority.issueAccount({ address: alarm, kind: 'device' }));
  const origin = async (): Promise<Seal> => {
    const { attestation: _, ...own } = claims();
    const contentType = 'text/plain;charset=utf-8';
    return makeSeal({ claims: own, contentType, body, signer, crypto: nodeCrypto });
  };
  const first = await origin();
  assert.equal(property(await say(link, 'message', body, first.bytes), 'error'), 'certificate-needed');
  const offered = await say(link, 'message', body, withChain(first.bytes, signer.chain));
  assert.equal(offered.reasonCode, 0);
  assert.equal((await say(link, 'message', body, (await origin()).bytes)).reasonCode, 0);
});

test('[RELAY-9] a permanent refusal is signed', async (t) => {
  const at = await scene(t);
  const link = await dial(t, at);
  const { bytes } = await seal(at.signer, { audience: 'nobody@fire.test' as Address });
  const answer = await say(link, 'message', body, bytes);
  assert.equal(property(answer, 'error'), 'mailbox-unknown');
  assert.deepEqual(eventsIn(answer), [Event.relayRefused]);
  const tampered = await seal(at.signer);
  const refused = await say(link, 'message', Buffer.from('Fire'), tampered.bytes);
  assert.equal(property(refused, 'error'), 'body-mismatch');
});

test('[RELAY-10] a status question gets the first answer, or a final word after the lifetime', async (t) => {
  const at = await scene(t);
  const link = await dial(t, at);
  const taken = await seal(at.signer);
  const first = await say(link, 'message', body, taken.bytes);
  const nothing = new Uint8Array(0);
  const asked = await say(link, 'status', nothing, taken.bytes);
  assert.equal(property(asked, 'evidence'), property(first, 'evidence'));
  const unknown = await seal(at.signer);
  assert.equal(property(await say(link, 'status', nothing, unknown.bytes), 'error'), 'undecided');
  const now = Math.floor(Date.now() / 1000);
  const over = await seal(at.signer, { issuedAt: now - 100, expires: now - 10 });
  assert.deepEqual(eventsIn(await say(link, 'status', nothing, over.bytes)), [Event.relayRefused]);
});

test('[RELAY-11] [RELAY-14] a statement about nothing that was sent is left out, a batch that is none is refused', async (t) => {
  const at = await scene(t);
  const link = await dial(t, at);
  const { signer } = at;
  const statement = {
    events: [Event.fetched],
    digest: new Uint8Array(32),
    id: newMessageId(Date.now(), nodeCrypto.randomBytes(10)),
    recipient: alarm,
    observedAt: Math.floor(Date.now() / 1000),
    nonce: nodeCrypto.randomBytes(16),
  };
  const { bytes } = await makeEvidence({ statement, signer });
  assert.equal((await say(link, 'evidence', encodeCbor([bytes]))).reasonCode, 0);
  for (const payload of [encodeCbor(['text']), encodeCbor(Array.from({ length: 65 }, () => bytes)), body])
    assert.ok((await say(link, 'evidence', payload)).reasonCode >= 0x80);
});
