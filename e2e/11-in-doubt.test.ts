// SPDX-License-Identifier: Apache-2.0
// A sender whose peer is silent, away, confused or lying: nothing is lost, nothing is assumed, nothing ends twice.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createServer } from 'node:tls';
import { createAuthority, encodePem, nodeCrypto } from '@sealpost/identity/node';
import { AccountKind, Event, decodeSeal, eventWord, fromBase64Url, type Seal } from '@sealpost/protocol';
import { JsClient, temporaryDirectory } from './_harness.ts';
import { Home, Peer, account, answerWith, estate, propertyOf, sign, type Offer } from './_peer.ts';
import { claimsOf, originSignerOf, sealOf, sealText, signerFrom } from './_seals.ts';

const alarm = 'alarm@home.test';
const desk = 'desk@home.test';
const bob = 'bob@evil.test';
const toBob = `mail/to/${bob}`;
const evil = await estate('evil.test');
const homeEstate = await estate('home.test');
const accounts = await Promise.all([account(alarm, AccountKind.device), account(desk, AccountKind.role)]);
const taken = [Event.relayed, Event.delivered];
const undecided = { reasonCode: 0x97, userProperties: [['error', 'undecided']] } as const;
/** Seconds: long enough to be offered on a busy machine before it is over. */
const brief = 4;
/** Offers in this lane are repeated within a second. */
const flash = { precedence: 'flash', ask: 'relayed,delivered,fetched' };

interface Scene {
  readonly at: Home;
  readonly sender: JsClient;
}

async function scene(t: TestContext): Promise<Scene> {
  const at = await Home.open(t, [evil], accounts, { own: homeEstate });
  return { at, sender: await evidenceReader(t, at) };
}

async function evidenceReader(t: TestContext, at: Home): Promise<JsClient> {
  const sender = await JsClient.connect(t, at, alarm);
  await sender.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  return sender;
}

async function send(sender: JsClient, lifeSeconds = 120, text = 'text'): Promise<string> {
  const answer = await sender.publish(toBob, text, flash, { messageExpiryInterval: lifeSeconds });
  assert.equal(answer.reasonCode, 0, String(answer.properties['error']));
  return String(answer.properties['id']);
}

function sealIn({ publish }: Offer): Seal {
  const bytes = fromBase64Url(propertyOf(publish, 'seal') ?? '');
  assert.ok(bytes);
  const seal = decodeSeal(bytes, nodeCrypto);
  assert.ok(seal.ok);
  return seal.value;
}

/** What the domain asks after a message's lifetime; offers before it are left undecided. */
async function nextStatus(peer: Peer): Promise<Offer> {
  for (;;) {
    const offer = await peer.next();
    if (offer.publish.topic === 'mail/relay/status') return offer;
    offer.answer(undecided);
  }
}

async function take(peer: Peer, offer: Offer): Promise<void> {
  offer.answer(answerWith(await peer.says(sealIn(offer), taken)));
}

async function assertTold(sender: JsClient, id: string, ...events: readonly Event[]): Promise<void> {
  const expected = new Set(events.map((event) => `mail/evidence/${id}/${eventWord(event)}`));
  const told = new Set<string>();
  while (told.size < expected.size) told.add((await sender.next()).topic);
  assert.deepEqual(told, expected);
}

interface Traced {
  readonly state: string;
  readonly outcome?: string;
}

async function trace(t: TestContext, at: Home, id: string): Promise<Traced> {
  const client = await JsClient.connect(t, at, alarm);
  await client.client.subscribeAsync('mail/mailbox/answer/#', { qos: 1 });
  const query = JSON.stringify({ op: 'trace', id });
  await client.publish('mail/mailbox/query', query, {}, { responseTopic: 'mail/mailbox/answer/1' });
  const { state, outcome } = JSON.parse((await client.next()).text) as Traced;
  return outcome === undefined ? { state } : { state, outcome };
}

// ---- answers that say nothing

test('[RELAY-6] [RELAY-12] an offer whose answer is lost with the link is made again on the next one, at once', async (t) => {
  const { at, sender } = await scene(t);
  const first = await Peer.linked(t, evil, at);
  const id = await send(sender);
  const lost = await first.next();
  await first.end();
  assert.deepEqual(await trace(t, at, id), { state: 'in doubt' });
  const second = await Peer.linked(t, evil, at);
  const offer = await second.next();
  assert.deepEqual(sealIn(offer).bytes, sealIn(lost).bytes);
  await take(second, offer);
  await assertTold(sender, id, ...taken);
  assert.equal(sender.unread.length, 0);
});

const silentAnswers: Record<string, (peer: Peer, offer: Offer) => Promise<void>> = {
  'an acceptance without evidence': async (_peer, offer) => offer.answer({ reasonCode: 0 }),
  'evidence that is none': async (_peer, offer) =>
    offer.answer({ reasonCode: 0, userProperties: [['evidence', 'AAAA']] }),
  'evidence of a rogue key': async (_peer, offer) => {
    const rogue = signerFrom(await (await createAuthority(evil.domain)).issueDomainSeal());
    offer.answer(answerWith(await sign(rogue, sealIn(offer), taken), 0, rogue.chain));
  },
  'evidence of the link key': async (_peer, offer) =>
    offer.answer(answerWith(await sign(signerFrom(evil.link), sealIn(offer), taken))),
  'evidence with another digest': async (peer, offer) =>
    offer.answer(answerWith(await peer.says(sealIn(offer), taken, { digest: new Uint8Array(32) }))),
  'evidence that does not say it was taken': async (peer, offer) =>
    offer.answer(answerWith(await peer.says(sealIn(offer), [Event.fetched]))),
  'evidence of what the sender’s domain alone may say': async (peer, offer) =>
    offer.answer(answerWith(await peer.says(sealIn(offer), [Event.accepted, ...taken]))),
  undecided: async (_peer, offer) => offer.answer(undecided),
  'a refusal without a name': async (_peer, offer) => offer.answer({ reasonCode: 0x80 }),
  'a temporary refusal without a name': async (_peer, offer) => offer.answer({ reasonCode: 0x97 }),
};

for (const [name, answer] of Object.entries(silentAnswers))
  test(`[RELAY-6] in doubt stays in doubt, and on offer: ${name}`, async (t) => {
    const { at, sender } = await scene(t);
    const peer = await Peer.linked(t, evil, at);
    const id = await send(sender);
    await answer(peer, await peer.next());
    // The next offer says that the answer was understood as none.
    const again = await peer.next();
    assert.deepEqual(await trace(t, at, id), { state: 'in doubt' });
    await take(peer, again);
    for (;;) if ((await sender.next()).topic === `mail/evidence/${id}/delivered`) break;
    assert.deepEqual(await trace(t, at, id), { state: 'relayed', outcome: 'delivered' });
  });

test('evidence about one message is no answer to the offer of another', async (t) => {
  const { at, sender } = await scene(t);
  const peer = await Peer.linked(t, evil, at);
  const first = await send(sender, 120, 'one');
  const one = await peer.next();
  const second = await send(sender, 120, 'two');
  const two = await peer.next();
  // Acknowledgements keep the order of the offers.
  one.answer(undecided);
  two.answer(answerWith(await peer.says(sealIn(one), taken)));
  await assertTold(sender, first, ...taken);
  const again = await peer.next();
  assert.equal(sealIn(again).claims.id, second);
  await take(peer, again);
  await assertTold(sender, second, ...taken);
});

test('a temporary refusal says that it was not taken: due, and offered again', async (t) => {
  const { at, sender } = await scene(t);
  const peer = await Peer.linked(t, evil, at);
  const id = await send(sender);
  for (const code of ['overloaded', 'storage-full'])
    (await peer.next()).answer({ reasonCode: 0x97, userProperties: [['error', code]] });
  const third = await peer.next();
  await take(peer, third);
  await assertTold(sender, id, ...taken);
});

test('[RELAY-7] certificates are sent once more when asked for, and then not again and again', async (t) => {
  const { at, sender } = await scene(t);
  const key = await originSignerOf(homeEstate.authority, alarm, AccountKind.device);
  const peer = await Peer.linked(t, evil, at);
  const claims = (): ReturnType<typeof claimsOf> => claimsOf(alarm, bob, { ask: taken });
  const seals = await Promise.all([1, 2].map((n) => sealOf(claims(), key, `text ${n}`)));
  for (const [n, seal] of seals.entries()) {
    const answer = await sender.publish(toBob, `text ${n + 1}`, { seal: sealText(seal, key.chain) });
    assert.equal(answer.reasonCode, 0);
    const offer = await peer.next();
    // The first comes with its certificates; the peer has them from then on, and may forget them.
    assert.equal(sealIn(offer).chain.length, n === 0 ? 2 : 0);
    if (n === 0) {
      await take(peer, offer);
      await assertTold(sender, seal.claims.id, ...taken);
      continue;
    }
    offer.answer({ reasonCode: 0x97, userProperties: [['error', 'certificate-needed']] });
    const withChain = await peer.next();
    assert.equal(sealIn(withChain).chain.length, 2);
    await take(peer, withChain);
  }
});

test('a permanent refusal without a statement ends the message with one of our own', async (t) => {
  const { at, sender } = await scene(t);
  const peer = await Peer.linked(t, evil, at);
  const id = await send(sender);
  (await peer.next()).answer({ reasonCode: 0x87, userProperties: [['error', 'not-direct']] });
  const told = await sender.next();
  assert.equal(told.topic, `mail/evidence/${id}/relay-failed`);
  assert.match(told.text, /not-direct/);
  assert.deepEqual(await trace(t, at, id), { state: 'ended', outcome: 'relay-failed' });
});

test('[RELAY-10] but what may have been taken at an earlier offer does not fail by such a refusal', async (t) => {
  const { at, sender } = await scene(t);
  const first = await Peer.linked(t, evil, at);
  const id = await send(sender);
  await first.next();
  await first.end();
  const peer = await Peer.linked(t, evil, at);
  (await peer.next()).answer({ reasonCode: 0x87, userProperties: [['error', 'not-direct']] });
  await take(peer, await peer.next());
  await assertTold(sender, id, ...taken);
});

// ---- peers that are away

test('[RELAY-12] a peer that comes back is offered what waited, at once', async (t) => {
  const { at, sender } = await scene(t);
  const id = await send(sender);
  assert.deepEqual(await trace(t, at, id), { state: 'due' });
  const peer = await Peer.linked(t, evil, at);
  await take(peer, await peer.next());
  await assertTold(sender, id, ...taken);
});

test('what was never offered expires here, and its sender is told', async (t) => {
  const { at, sender } = await scene(t);
  const id = await send(sender, 1);
  const told = await sender.next();
  assert.equal(told.topic, `mail/evidence/${id}/relay-failed`);
  assert.match(told.text, /expired/);
  assert.deepEqual(await trace(t, at, id), { state: 'ended', outcome: 'relay-failed' });
  const peer = await Peer.linked(t, evil, at);
  await send(sender, 120, 'next');
  assert.equal(Buffer.from((await peer.next()).publish.payload).toString(), 'next');
});

test('[RELAY-10] in doubt at the end of its lifetime: the peer is asked, and its word is the outcome', async (t) => {
  const cases = {
    'it was taken': async (peer: Peer, seal: Seal) => answerWith(await peer.says(seal, taken)),
    'it was never taken': async (peer: Peer, seal: Seal) =>
      answerWith(await peer.says(seal, [Event.relayRefused], { reason: 'never-taken' })),
  };
  for (const [name, answer] of Object.entries(cases))
    await t.test(name, async (t) => {
      const { at, sender } = await scene(t);
      const peer = await Peer.linked(t, evil, at);
      const id = await send(sender, brief);
      const question = await nextStatus(peer);
      assert.equal(question.publish.payload.length, 0);
      assert.equal(sealIn(question).claims.id, id);
      question.answer(await answer(peer, sealIn(question)));
      const outcome = name === 'it was taken' ? 'delivered' : 'relay-refused';
      for (;;) if ((await sender.next()).topic === `mail/evidence/${id}/${outcome}`) break;
      assert.equal((await trace(t, at, id)).outcome, outcome);
    });
});

test('[RELAY-10] asked and undecided, it stays in doubt and is asked again', async (t) => {
  const { at, sender } = await scene(t);
  const peer = await Peer.linked(t, evil, at);
  const id = await send(sender, brief);
  const question = await nextStatus(peer);
  question.answer(undecided);
  at.clock.shiftMs = 6_000;
  const again = await nextStatus(peer);
  assert.deepEqual(await trace(t, at, id), { state: 'in doubt' });
  again.answer(answerWith(await peer.says(sealIn(again), taken)));
  await assertTold(sender, id, ...taken);
});

test('a peer that leaves the question unanswered holds up no other message', async (t) => {
  const { at, sender } = await scene(t);
  const peer = await Peer.linked(t, evil, at);
  await send(sender, brief);
  await nextStatus(peer);
  const answer = await sender.publish(`mail/to/${desk}`, 'brief', {}, { messageExpiryInterval: 1 });
  assert.equal((await sender.next()).topic, `mail/evidence/${String(answer.properties['id'])}/lapsed`);
});

test('[RELAY-13] silence for 72 hours makes a message unconfirmed, and the peer’s word replaces that', async (t) => {
  const { at, sender } = await scene(t);
  const first = await Peer.linked(t, evil, at);
  const id = await send(sender, brief);
  await nextStatus(first);
  await first.end();
  await sender.client.endAsync();
  at.clock.shiftMs = 73 * 3_600_000;
  const listener = await evidenceReader(t, at);
  await assertTold(listener, id, Event.unconfirmed);
  assert.deepEqual(await trace(t, at, id), { state: 'ended', outcome: 'unconfirmed' });
  const peer = await Peer.linked(t, evil, at);
  const question = await nextStatus(peer);
  question.answer(answerWith(await peer.says(sealIn(question), taken)));
  for (;;) if ((await listener.next()).topic === `mail/evidence/${id}/delivered`) break;
  assert.equal((await trace(t, at, id)).outcome, 'delivered');
});

test('everything owed survives a restart of the sender’s domain', async (t) => {
  const directory = await temporaryDirectory();
  const at = await Home.open(t, [evil], accounts, { own: homeEstate, directory });
  const sender = await evidenceReader(t, at);
  const first = await Peer.linked(t, evil, at);
  const doubtful = await send(sender, 120, 'doubtful');
  await first.next();
  await first.end();
  const due = await send(sender, 120, 'due');
  await at.running.close();
  const again = await Home.open(t, [evil], accounts, { own: homeEstate, directory });
  const listener = await evidenceReader(t, again);
  const peer = await Peer.linked(t, evil, again);
  const offers = [await peer.next(), await peer.next()];
  assert.deepEqual(new Set(offers.map((offer) => sealIn(offer).claims.id)), new Set([doubtful, due]));
  for (const offer of offers) await take(peer, offer);
  const told = new Set<string>();
  while (told.size < 4) told.add((await listener.next()).topic);
  assert.ok(told.has(`mail/evidence/${doubtful}/delivered`) && told.has(`mail/evidence/${due}/delivered`));
});

// ---- evidence that is owed

test('[RELAY-11] what a reader did is reported until the peer has acknowledged it', async (t) => {
  const { at } = await scene(t);
  const first = await Peer.linked(t, evil, at);
  const seal = await sealOf(
    claimsOf(bob, desk, {
      attestation: { kind: AccountKind.person, method: 'password', credential: new Uint8Array(32) },
    }),
    evil.seal,
    'text',
  );
  assert.equal((await first.relay(sealText(seal, []), 'text')).reasonCode, 0);
  const reader = await JsClient.connect(t, at, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  await reader.next();
  const report = await first.next();
  assert.equal(report.publish.topic, 'mail/relay/evidence');
  await first.end();
  const second = await Peer.linked(t, evil, at);
  const again = await second.next();
  assert.deepEqual(again.publish.payload, report.publish.payload);
  again.answer({ reasonCode: 0x97, userProperties: [['error', 'overloaded']] });
  const third = await second.next();
  assert.deepEqual(third.publish.payload, report.publish.payload);
  third.answer({ reasonCode: 0 });
  await reader.publish(`mail/act/${seal.claims.id}/acknowledge`, '');
  const act = await second.next();
  assert.notDeepEqual(act.publish.payload, report.publish.payload);
  assert.equal(second.unread.length, 0);
});

// ---- the dialling side

test('[RELAY-5] a domain that dials relays nothing to whoever does not prove to be the peer', async (t) => {
  const other = await Home.open(t, [homeEstate], [], { own: evil });
  const at = await Home.open(t, [evil], accounts, { own: homeEstate });
  const sender = await evidenceReader(t, at);
  // Evil.test listens where third.test is expected.
  const third = await estate('third.test');
  at.running.dial({ domain: third.domain, ...other.running.relay });
  const id = await send(sender);
  await assertFault(at, /did not prove to be third\.test/);
  assert.deepEqual(await trace(t, at, id), { state: 'due' });
  at.running.dial({ domain: evil.domain, ...other.running.relay });
  const told = await sender.next();
  assert.equal(told.topic, `mail/evidence/${id}/relay-refused`);
});

/** Reports come from timers of their own; a turn of the event loop at a time. */
async function assertFault(at: Home, pattern: RegExp): Promise<void> {
  while (!at.faults.some((fault) => pattern.test(fault))) await new Promise(setImmediate);
}

test(
  'a dialler whose peer says nothing ends when it is told to, without waiting for the peer',
  { timeout: 60_000 },
  async (t) => {
    // A listener that knows TLS and nothing else: it takes the connection and says nothing.
    const server = createServer(
      {
        cert: encodePem(evil.link.chain),
        key: evil.link.privateKey,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (socket) => socket.on('error', () => {}).resume(),
    );
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const dialled = new Promise((resolve) => server.once('secureConnection', resolve));
    const at = await Home.open(t, [evil], accounts, { own: homeEstate });
    const { port } = server.address() as { port: number };
    // No time limit ends the wait for the peer's introduction: only being told to does.
    at.clock.after = () => () => {};
    at.running.dial({ domain: evil.domain, host: '127.0.0.1', port });
    await dialled;
    await at.running.close();
  },
);
