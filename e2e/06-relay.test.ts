// SPDX-License-Identifier: Apache-2.0
// The relay listener against peers that are clumsy or worse: who is let in, and what is taken from whom.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { createAuthority, encodePem, nodeCrypto } from '@sealpost/identity/node';
import { ConnectRefused, type Acknowledgement } from '@sealpost/mqtt/link';
import {
  AccountKind,
  Event,
  Precedence,
  decodeSeal,
  describeError,
  fromBase64Url,
  isErrorCode,
  withChain,
  type Attestation,
  type Claims,
  type Seal,
  type Signer,
} from '@sealpost/protocol';
import { JsClient } from './_harness.ts';
import {
  Home,
  Peer,
  account,
  answerWith,
  estate,
  introductionOf,
  propertyOf,
  sign,
  statementOf,
  type Estate,
  type Introduction,
  type Offer,
} from './_peer.ts';
import { claimsOf, sealOf, sealText, signerFrom } from './_seals.ts';

const alarm = 'alarm@home.test';
const desk = 'desk@home.test';
const mallory = 'mallory@evil.test';
const evil = await estate('evil.test');
const third = await estate('third.test');
const homeEstate = await estate('home.test');
const accounts = await Promise.all([
  account(alarm, AccountKind.device),
  account(desk, AccountKind.role, { grants: [{ upTo: Precedence.flash, kind: AccountKind.device }] }),
]);

function home(t: TestContext): Promise<Home> {
  return Home.open(t, [evil, third], accounts, { own: homeEstate });
}

/** A key of mallory's own, which nobody has seen. */
async function newKey(kind: AccountKind = AccountKind.person, of: Estate = evil): Promise<Signer> {
  const { issuer } = claimsOf(`mallory@${of.domain}`, desk);
  return signerFrom(await of.authority.issueAccount({ address: issuer, kind }));
}

const attestation: Attestation = {
  kind: AccountKind.person,
  method: 'password',
  credential: new Uint8Array(32),
};

/** As the peer's domain seals for a stock client: its certificate was introduced with the link. */
function domainSeal(body: string, more: Partial<Claims> = {}): Promise<Seal> {
  return sealOf(claimsOf(mallory, desk, { attestation, ...more }), evil.seal, body);
}

async function reader(t: TestContext, at: Home, address: string, filter: string): Promise<JsClient> {
  const client = await JsClient.connect(t, at, address);
  await client.client.subscribeAsync(filter, { qos: 1 });
  return client;
}

function assertCode(answer: Acknowledgement, code: string): void {
  assert.equal(propertyOf(answer, 'error'), code);
  assert.ok(isErrorCode(code));
  assert.equal(answer.reasonCode, describeError(code).mqtt);
}

// ---- who is let in

async function refusedAs(t: TestContext, at: Home, as: Introduction): Promise<string | undefined> {
  try {
    await Peer.connect(t, evil, at, as);
  } catch (error) {
    assert.ok(error instanceof ConnectRefused, String(error));
    return propertyOf(error, 'error');
  }
  return undefined;
}

test('[RELAY-2] nobody is a peer without the link certificate of the domain it names', async (t) => {
  const at = await home(t);
  const rogue = await (await createAuthority(evil.domain)).issueDomainLink();
  const person = await evil.authority.issueAccount({
    address: claimsOf(mallory, desk).issuer,
    kind: AccountKind.person,
  });
  const sealing = await evil.authority.issueDomainSeal();
  const cases: Record<string, Introduction> = {
    'no certificate': { link: null },
    'the certificate of another domain': { link: third.link },
    'one’s own certificate under another domain’s name': { clientId: 'third.test' },
    'an authority that nobody anchored': { link: rogue },
    'the certificate of an account': { link: person },
    'the certificate that seals': { link: sealing },
    'the name of the listener itself': { clientId: 'home.test', link: homeEstate.link },
    'another spelling of the name': { clientId: 'EVIL.test' },
    'a name that is no domain': { clientId: 'mallory' },
  };
  for (const [name, as] of Object.entries(cases))
    await t.test(name, async () => assert.equal(await refusedAs(t, at, as), 'link-untrusted'));
  await t.test('a domain without an anchor: that may change', async () => {
    const stranger = await estate('stranger.test');
    assert.equal(
      await refusedAs(t, at, { clientId: 'stranger.test', link: stranger.link }),
      'anchor-unknown',
    );
  });
  await t.test('and then the right one', async () => assert.equal(await refusedAs(t, at, {}), undefined));
});

test('[RELAY-2] the account listener takes no link certificate, and nothing of the relay', async (t) => {
  const at = await home(t);
  const { chain, privateKey } = evil.link;
  const { port } = at.running.mqtts;
  await assert.rejects(
    connectAsync({
      protocol: 'mqtts',
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      cert: encodePem(chain),
      key: privateKey,
      clientId: 'evil.test',
      protocolVersion: 5,
      reconnectPeriod: 0,
    }),
  );
  const client = await JsClient.connect(t, at, alarm);
  for (const what of ['message', 'evidence', 'status']) {
    const answer = await client.publish(`mail/relay/${what}`, 'x');
    assert.equal(answer.properties['error'], 'not-allowed');
  }
  await assert.rejects(client.client.subscribeAsync('mail/relay/#', { qos: 1 }));
});

test('[RELAY-4] clocks more than 30 seconds apart do not work together', async (t) => {
  const at = await home(t);
  const now = Date.now();
  for (const time of [now - 31_000, now + 31_000]) {
    assert.equal(await refusedAs(t, at, { time: String(time) }), 'clock');
  }
  for (const time of ['', 'now', 'NaN', 'Infinity'])
    assert.equal(await refusedAs(t, at, { time }), 'clock', time);
  assert.equal(await refusedAs(t, at, { time: String(now + 25_000) }), undefined);
  const peer = await Peer.connect(t, evil, at);
  const theirs = Number(propertyOf(peer.link.connack, 'time'));
  assert.ok(Math.abs(theirs - Date.now()) < 5_000);
});

test('[RELAY-5] a peer introduces its own seal certificate, and so does the listener', async (t) => {
  const at = await home(t);
  const rogue = signerFrom(await (await createAuthority(evil.domain)).issueDomainSeal());
  const cases: Record<string, string> = {
    nothing: '',
    'no base64url': '!!',
    'another domain’s': introductionOf(third),
    'its own link certificate': introductionOf({ seal: signerFrom(evil.link) }),
    'a rogue one': introductionOf({ seal: rogue }),
    'too many certificates': Array(5).fill(introductionOf(evil)).join('.'),
    'thousands of nothing': '.'.repeat(20_000),
  };
  for (const [name, domainSealText] of Object.entries(cases))
    await t.test(name, async () => {
      const code = await refusedAs(t, at, { domainSeal: domainSealText });
      assert.ok(code !== undefined && code.startsWith('certificate-'), code);
    });
  const peer = await Peer.connect(t, evil, at);
  assert.equal(propertyOf(peer.link.connack, 'domain-seal'), introductionOf(homeEstate));
});

test('[RELAY-3] one filter, no session, and nothing is sent before the subscription', async (t) => {
  const at = await home(t);
  const client = await JsClient.connect(t, at, alarm);
  assert.equal((await client.publish(`mail/to/${mallory}`, 'waiting')).reasonCode, 0);
  const peer = await Peer.connect(t, evil, at, { sessionExpirySeconds: 3_600 });
  assert.equal(peer.link.connack.properties.sessionExpirySeconds, 0);
  const filters = ['#', '+/relay/#', 'mail/#', 'mail/relay/message', 'mail/relay/+', 'house/#'];
  for (const filter of filters)
    assert.deepEqual(await peer.link.subscribe([{ filter, qos: 1 }]), [0x8f], filter);
  // Not subscribed, it is answered like anybody else.
  const seal = await domainSeal('early');
  assert.equal((await peer.relay(sealText(seal, []), 'early')).reasonCode, 0);
  assert.equal(peer.unread.length, 0);
  await peer.link.subscribe([{ filter: 'mail/relay/#', qos: 1 }]);
  const offer = await peer.next();
  assert.equal(offer.publish.topic, 'mail/relay/message');
  assert.equal(Buffer.from(offer.publish.payload).toString(), 'waiting');
});

test('[RELAY-2] the relay listener takes nothing but mail/relay', async (t) => {
  const at = await home(t);
  const peer = await Peer.linked(t, evil, at);
  for (const topic of [
    `mail/to/${desk}`,
    `mail/inbox/flash/${mallory}`,
    'mail/mailbox/query',
    'house/door',
  ]) {
    const answer = await peer.publish(topic, 'x');
    assert.ok(answer.reasonCode >= 0x80, topic);
    assert.ok(isErrorCode(propertyOf(answer, 'error') ?? ''), topic);
  }
  // The link survives.
  assert.equal((await peer.relay(sealText(await domainSeal('x'), []), 'x')).reasonCode, 0);
});

// ---- messages

test('[RELAY-6] [RELAY-8] a message is answered with evidence, and a repeat with the same bytes', async (t) => {
  const at = await home(t);
  const inbox = await reader(t, at, desk, 'mail/inbox/#');
  const peer = await Peer.linked(t, evil, at);
  const seal = await domainSeal('hello');
  const first = await peer.relay(sealText(seal, []), 'hello');
  assert.equal(first.reasonCode, 0);
  const statement = await statementOf(first, at, evil.domain);
  assert.deepEqual(statement.events, [Event.relayed, Event.delivered]);
  assert.equal(statement.id, seal.claims.id);
  assert.deepEqual(statement.digest, new Uint8Array(seal.digest));
  const arrived = await inbox.next();
  assert.equal(arrived.properties['trust'], 'domain; anchor=static');
  const again = await peer.relay(sealText(seal, []), 'hello');
  assert.equal(propertyOf(again, 'evidence'), propertyOf(first, 'evidence'));
  await peer.end();
  const later = await Peer.linked(t, evil, at);
  const onNewLink = await later.relay(sealText(seal, []), 'hello');
  assert.equal(propertyOf(onNewLink, 'evidence'), propertyOf(first, 'evidence'));
  // Long after its lifetime, and with a body that is gone: it was taken, and that is the answer.
  at.clock.shiftMs = 3_600_000;
  const expired = await later.relay(sealText(seal, []), 'hello');
  assert.equal(propertyOf(expired, 'evidence'), propertyOf(first, 'evidence'));
  assert.equal(inbox.unread.length, 0);
});

test('[RELAY-8] one message twice at the same time is one message', async (t) => {
  const at = await home(t);
  const inbox = await reader(t, at, desk, 'mail/inbox/#');
  const peer = await Peer.linked(t, evil, at);
  const seal = sealText(await domainSeal('twin'), []);
  const answers = await Promise.all([1, 2, 3, 4].map(() => peer.relay(seal, 'twin')));
  const taken = answers.filter(({ reasonCode }) => reasonCode === 0);
  assert.ok(taken.length >= 1);
  assert.equal(new Set(taken.map((answer) => propertyOf(answer, 'evidence'))).size, 1);
  for (const answer of answers) if (answer.reasonCode !== 0) assertCode(answer, 'undecided');
  assert.equal((await inbox.next()).text, 'twin');
  await peer.relay(sealText(await domainSeal('next'), []), 'next');
  assert.equal((await inbox.next()).text, 'next');
});

test('[RELAY-8] [RELAY-9] another message under the same id is refused, with evidence', async (t) => {
  const at = await home(t);
  const peer = await Peer.linked(t, evil, at);
  const seal = await domainSeal('one');
  await peer.relay(sealText(seal, []), 'one');
  const other = await domainSeal('two', { id: seal.claims.id });
  const answer = await peer.relay(sealText(other, []), 'two');
  assertCode(answer, 'id-conflict');
  const statement = await statementOf(answer, at, evil.domain);
  assert.deepEqual(statement.events, [Event.relayRefused]);
  assert.equal(statement.reason, 'id-conflict');
  assert.deepEqual(statement.digest, new Uint8Array(other.digest));
});

test('[RELAY-1] there is no transit, and no statement about it', async (t) => {
  const at = await home(t);
  const inbox = await reader(t, at, desk, 'mail/inbox/#');
  const peer = await Peer.linked(t, evil, at);
  const foreign = await sealOf(claimsOf('eve@third.test', desk, { attestation }), third.seal, 'x');
  const onward = await sealOf(claimsOf(mallory, 'eve@third.test', { attestation }), evil.seal, 'x');
  const ours = await sealOf(claimsOf(alarm, desk, { attestation }), evil.seal, 'x');
  const stolen = await sealOf(claimsOf(alarm, desk, { attestation }), homeEstate.seal, 'x');
  for (const [seal, chain] of [
    [foreign, third.seal.chain],
    [onward, []],
    [ours, []],
    [stolen, []],
  ] as const) {
    const answer = await peer.relay(sealText(seal, chain), 'x');
    assertCode(answer, 'not-direct');
    assert.equal(propertyOf(answer, 'evidence'), undefined);
    assertCode(await peer.status(sealText(seal, chain)), 'not-direct');
  }
  await peer.relay(sealText(await domainSeal('own'), []), 'own');
  assert.equal((await inbox.next()).text, 'own');
});

test('[RELAY-9] what is refused for good is refused with evidence of the code', async (t) => {
  const at = await home(t);
  const inbox = await reader(t, at, desk, 'mail/inbox/#');
  const peer = await Peer.linked(t, evil, at);
  const key = await newKey();
  const own = await newKey();
  const long = 30 * 86_400 + 2;
  const { issuedAt } = claimsOf(mallory, desk);
  const rogue = signerFrom(
    await (
      await createAuthority(evil.domain)
    ).issueAccount({ address: claimsOf(mallory, desk).issuer, kind: AccountKind.device }),
  );
  const flipped = await domainSeal('text');
  const signatureGone = Uint8Array.from(flipped.bytes);
  signatureGone[signatureGone.length - 1] = (signatureGone.at(-1) ?? 0) ^ 1;
  const cases: readonly [string, string, Seal, readonly Uint8Array[], string?][] = [
    [
      'an unknown mailbox',
      'mailbox-unknown',
      await sealOf(claimsOf(mallory, 'nobody@home.test', { attestation }), evil.seal, 'text'),
      [],
    ],
    ['a tampered body', 'body-mismatch', await domainSeal('text'), [], 'Text'],
    ['expired', 'expired', await domainSeal('text', { issuedAt: issuedAt - 9, expires: issuedAt - 1 }), []],
    ['too long a lifetime', 'lifetime-invalid', await domainSeal('text', { expires: issuedAt + long }), []],
    [
      'a rogue certificate',
      'certificate-untrusted',
      await sealOf(claimsOf(mallory, desk), rogue, 'text'),
      rogue.chain,
    ],
    [
      'a certificate of another domain',
      'certificate-wrong-domain',
      await sealOf(claimsOf(mallory, desk), third.seal, 'text'),
      third.seal.chain,
    ],
    [
      'another account of the peer',
      'issuer-mismatch',
      await sealOf(claimsOf('eve@evil.test', desk), key, 'text'),
      key.chain,
    ],
    [
      'an attestation in an origin seal',
      'claims-invalid',
      await sealOf(claimsOf(mallory, desk, { attestation }), own, 'text'),
      own.chain,
    ],
    [
      'a domain seal without attestation',
      'claims-invalid',
      await sealOf(claimsOf(mallory, desk), evil.seal, 'text'),
      [],
    ],
    ['a signature that is wrong', 'signature-invalid', decoded(signatureGone), []],
  ];
  for (const [name, code, seal, chain, body = 'text'] of cases)
    await t.test(name, async () => {
      const answer = await peer.relay(sealText(seal, chain), body);
      assertCode(answer, code);
      const statement = await statementOf(answer, at, evil.domain);
      assert.deepEqual(statement.events, [Event.relayRefused]);
      assert.equal(statement.reason, code);
      assert.equal(statement.recipient, seal.claims.audience);
    });
  await peer.relay(sealText(await domainSeal('good'), []), 'good');
  assert.equal((await inbox.next()).text, 'good');
});

function decoded(bytes: Uint8Array): Seal {
  const seal = decodeSeal(bytes, nodeCrypto);
  assert.ok(seal.ok);
  return seal.value;
}

test('what is no message of the peer at all is refused without a statement', async (t) => {
  const at = await home(t);
  const peer = await Peer.linked(t, evil, at);
  const seal = sealText(await domainSeal('x'), []);
  assertCode(await peer.publish('mail/relay/message', 'x'), 'seal-missing');
  assertCode(await peer.relay('AAAA', 'x'), 'cbor-invalid');
  assertCode(await peer.relay('not base64url!', 'x'), 'seal-invalid');
  assertCode(await peer.relay(seal, Buffer.alloc(65_537)), 'body-too-large');
  assertCode(await peer.status('AAAA'), 'cbor-invalid');
  assertCode(await peer.publish('mail/relay/status', 'x'), 'seal-missing');
  assert.deepEqual(at.faults, []);
});

test('[RELAY-7] a certificate is asked for once, and then known', async (t) => {
  const at = await home(t);
  const inbox = await reader(t, at, desk, 'mail/inbox/#');
  const peer = await Peer.linked(t, evil, at);
  const key = await newKey(AccountKind.device);
  const claims = claimsOf(mallory, desk, { precedence: Precedence.flash });
  const seal = await sealOf(claims, key, 'text');
  const asked = await peer.relay(sealText(seal, []), 'text');
  assertCode(asked, 'certificate-needed');
  assert.equal(propertyOf(asked, 'evidence'), undefined);
  assert.equal((await peer.relay(sealText(seal, key.chain), 'text')).reasonCode, 0);
  const arrived = await inbox.next();
  assert.equal(arrived.properties['trust'], 'origin; anchor=static');
  assert.equal(arrived.properties['lane'], 'flash');
  const next = await sealOf(claimsOf(mallory, desk), key, 'known');
  assert.equal((await peer.relay(sealText(next, []), 'known')).reasonCode, 0);
  assert.equal((await inbox.next()).text, 'known');
});

test('[DELIV-4] a precedence that the recipient did not grant is lowered, and the evidence says so', async (t) => {
  const at = await home(t);
  const peer = await Peer.linked(t, evil, at);
  const answer = await peer.relay(
    sealText(await domainSeal('hurry', { precedence: Precedence.flash }), []),
    'hurry',
  );
  assert.equal((await statementOf(answer, at, evil.domain)).lane, Precedence.priority);
});

// ---- status

test('[RELAY-10] the question after a message: undecided in its lifetime, never-taken after it, and the first answer if it was taken', async (t) => {
  const at = await home(t);
  const peer = await Peer.linked(t, evil, at);
  const unknown = await domainSeal('lost');
  const asked = await peer.status(sealText(unknown, []));
  assertCode(asked, 'undecided');
  assert.equal(propertyOf(asked, 'evidence'), undefined);
  const taken = await domainSeal('taken');
  const first = await peer.relay(sealText(taken, []), 'taken');
  assert.equal(propertyOf(await peer.status(sealText(taken, [])), 'evidence'), propertyOf(first, 'evidence'));
  at.clock.shiftMs = 200_000;
  assert.equal(propertyOf(await peer.status(sealText(taken, [])), 'evidence'), propertyOf(first, 'evidence'));
  const never = await peer.status(sealText(unknown, []));
  assert.equal(never.reasonCode, 0);
  const statement = await statementOf(never, at, evil.domain);
  assert.deepEqual(statement.events, [Event.relayRefused]);
  assert.equal(statement.reason, 'never-taken');
  // And so it stays.
  assertCode(await peer.relay(sealText(unknown, []), 'lost'), 'expired');
});

// ---- evidence

interface Sent {
  readonly at: Home;
  readonly sender: JsClient;
  readonly peer: Peer;
  readonly seal: Seal;
  readonly id: string;
}

function sealIn({ publish }: Offer): Seal {
  const bytes = fromBase64Url(propertyOf(publish, 'seal') ?? '');
  assert.ok(bytes);
  return decoded(bytes);
}

const everything = 'relayed,delivered,fetched,lapsed,opened,acknowledged,declined';

/** A message of ours that evil.test has taken and consigned; its sender has been told both. */
async function taken(t: TestContext): Promise<Sent> {
  const at = await home(t);
  const sender = await reader(t, at, alarm, 'mail/evidence/#');
  const peer = await Peer.linked(t, evil, at);
  const answer = await sender.publish(`mail/to/${mallory}`, 'text', { ask: everything });
  const offer = await peer.next();
  const seal = sealIn(offer);
  offer.answer(answerWith(await peer.says(seal, [Event.relayed, Event.delivered])));
  const told = new Set([(await sender.next()).topic, (await sender.next()).topic]);
  const id = String(answer.properties['id']);
  assert.deepEqual(told, new Set(['relayed', 'delivered'].map((event) => `mail/evidence/${id}/${event}`)));
  return { at, sender, peer, seal, id };
}

async function assertToldNext({ sender, id }: Sent, event: string): Promise<void> {
  assert.equal((await sender.next()).topic, `mail/evidence/${id}/${event}`);
}

test('[RELAY-14] only the recipient’s domain is believed, and only about this very message', async (t) => {
  const sent = await taken(t);
  const { at, peer, seal } = sent;
  const key = await newKey();
  const mine = await newKey();
  const unknown = await domainSeal('never sent by home');
  const wrong: readonly Uint8Array[] = [
    await peer.says(unknown, [Event.fetched]),
    await peer.says(seal, [Event.fetched], { digest: new Uint8Array(32) }),
    await peer.says(seal, [Event.fetched], { recipient: claimsOf(mallory, 'eve@evil.test').audience }),
    await sign(homeEstate.seal, seal, [Event.fetched]),
    await peer.says(seal, [Event.accepted]),
    await peer.says(seal, [Event.unconfirmed]),
    await peer.says(seal, [Event.relayFailed]),
    await peer.says(seal, [Event.acknowledged]),
  ];
  // [RELAY-11] All of them and a good one.
  const fetched = await peer.says(seal, [Event.fetched]);
  assert.equal((await peer.evidence(...wrong, fetched)).reasonCode, 0);
  await assertToldNext(sent, 'fetched');
  assert.equal(at.faults.length, wrong.length);
  // Keys that were never introduced, with their certificates.
  const strange = [third.seal, signerFrom(evil.link), key, mine];
  for (const signer of strange) {
    const statement = await sign(signer, seal, [Event.lapsed]);
    assert.equal((await peer.evidence(withChain(statement, signer.chain))).reasonCode, 0);
  }
  const attested = await sign(mine, seal, [Event.acknowledged], { attestation });
  assert.equal((await peer.evidence(attested)).reasonCode, 0);
  await peer.evidence(await peer.says(seal, [Event.acknowledged], { attestation }));
  await assertToldNext(sent, 'acknowledged');
  assert.equal(sent.sender.unread.length, 0);
});

test('[RELAY-14] another peer has nothing to say about it', async (t) => {
  const sent = await taken(t);
  const other = await Peer.linked(t, third, sent.at);
  assert.equal((await other.evidence(await other.says(sent.seal, [Event.fetched]))).reasonCode, 0);
  // Not even the true words of the right one.
  assert.equal((await other.evidence(await sent.peer.says(sent.seal, [Event.lapsed]))).reasonCode, 0);
  await sent.peer.evidence(await sent.peer.says(sent.seal, [Event.fetched]));
  await assertToldNext(sent, 'fetched');
});

test('[RELAY-14] the first terminal word wins; a second one is kept, flagged, and told to nobody', async (t) => {
  const sent = await taken(t);
  const { peer, seal, sender, id } = sent;
  await peer.evidence(await peer.says(seal, [Event.fetched]));
  await assertToldNext(sent, 'fetched');
  for (const event of [Event.lapsed, Event.notDeliverable, Event.relayRefused, Event.expired])
    assert.equal((await peer.evidence(await peer.says(seal, [event]))).reasonCode, 0);
  // A repeat, signed anew: nothing happens.
  await peer.evidence(await peer.says(seal, [Event.fetched]));
  await peer.evidence(await peer.says(seal, [Event.opened], { attestation }));
  await assertToldNext(sent, 'opened');
  const known = await trace(sender, id);
  assert.equal(known.outcome, 'delivered');
  assert.equal(known.handover, 'fetched');
  assert.equal(known.evidence.filter(({ contradiction }) => contradiction === true).length, 4);
});

interface Traced {
  readonly state: string;
  readonly outcome?: string;
  readonly handover?: string;
  readonly evidence: readonly { readonly events: readonly string[]; readonly contradiction?: boolean }[];
}

async function trace(client: JsClient, id: string): Promise<Traced> {
  await client.client.subscribeAsync('mail/mailbox/answer/#', { qos: 1 });
  await client.publish(
    'mail/mailbox/query',
    JSON.stringify({ op: 'trace', id }),
    {},
    { responseTopic: 'mail/mailbox/answer/1' },
  );
  return JSON.parse((await client.next()).text) as Traced;
}

test('[RELAY-11] batches that are none, or too large', async (t) => {
  const sent = await taken(t);
  const { peer, seal } = sent;
  const fetched = await peer.says(seal, [Event.fetched]);
  assertCode(await peer.publish('mail/relay/evidence', Buffer.from('garbage')), 'cbor-invalid');
  assertCode(await peer.publish('mail/relay/evidence', ''), 'cbor-invalid');
  assertCode(await peer.publish('mail/relay/evidence', Uint8Array.of(0xa0)), 'evidence-invalid');
  assertCode(await peer.publish('mail/relay/evidence', Uint8Array.of(0x81, 0x01)), 'evidence-invalid');
  assertCode(await peer.evidence(...Array<Uint8Array>(65).fill(fetched)), 'evidence-invalid');
  assert.equal((await peer.evidence(new Uint8Array(10_000))).reasonCode, 0);
  assert.equal((await peer.evidence()).reasonCode, 0);
  assert.equal((await peer.evidence(...Array<Uint8Array>(64).fill(fetched))).reasonCode, 0);
  await assertToldNext(sent, 'fetched');
  assert.equal(sent.sender.unread.length, 0);
});

test('two accounts that use one id for different peers hear each of their own', async (t) => {
  const at = await home(t);
  const first = await reader(t, at, alarm, 'mail/evidence/#');
  const second = await reader(t, at, desk, 'mail/evidence/#');
  const peer = await Peer.linked(t, evil, at);
  const other = await Peer.linked(t, third, at);
  const id = '01890000-0000-7000-8000-00000000000a';
  await first.publish(`mail/to/${mallory}`, 'to evil', { id, ask: 'delivered' });
  const offer = await peer.next();
  await second.publish('mail/to/eve@third.test', 'to third', { id, ask: 'delivered' });
  const otherOffer = await other.next();
  const says = [Event.relayed, Event.delivered];
  offer.answer(answerWith(await peer.says(sealIn(offer), says)));
  otherOffer.answer(answerWith(await other.says(sealIn(otherOffer), says)));
  assert.match((await first.next()).text, /mallory@evil\.test/);
  assert.match((await second.next()).text, /eve@third\.test/);
  assert.deepEqual(at.faults, []);
});
