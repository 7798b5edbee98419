// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Event, toHex, utf8Text } from '@sealpost/protocol';
import type { MessageId } from '@sealpost/protocol';
import type { Client, EvidenceNotice, Message, Sent } from '../src/index.ts';
import {
  acceptSealed,
  alarm,
  delivery,
  desk,
  evidencePublish,
  evidenceText,
  openWorld,
  sealIn,
} from './world.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.close());
beforeEach(() => {
  world.domain.received.length = 0;
  world.domain.filters.length = 0;
  world.domain.answer = (publish) => acceptSealed(publish, world.homeSeal);
});

async function next<T>(stream: AsyncIterator<T, void>): Promise<T> {
  const result = await stream.next();
  assert.ok(result.done !== true);
  return result.value;
}

test('a message leaves with an origin seal, by the server’s clock, and comes back accepted', async () => {
  const client = await world.connect();
  assert.ok(Math.abs(client.clockOffsetMs - 60_000) < 10_000);
  const sent = await client.send({
    to: desk,
    body: 'Smoke',
    subject: 'Kitchen',
    precedence: 'flash',
    lifetimeSeconds: 120,
  });
  const [publish] = world.domain.received;
  assert.ok(publish);
  const { claims } = sealIn(publish);
  assert.equal(publish.topic, 'mail/to/desk@fire.test');
  assert.equal(utf8Text(publish.payload), 'Smoke');
  assert.ok([119, 120].includes(publish.messageExpirySeconds ?? 0));
  assert.equal(claims.issuer, alarm);
  assert.equal(claims.subject, 'Kitchen');
  assert.equal(claims.attestation, undefined);
  assert.equal(claims.expires - claims.issuedAt, 120);
  assert.ok(Math.abs(claims.issuedAt * 1000 - Date.now() - 60_000) < 10_000);
  assert.equal(sent.accepted?.signer.domain, 'home.test');
  assert.equal(sent.accepted?.digestChecked, true);
});

test('certificates travel until the server knows them, and again when it has forgotten them', async () => {
  const client = await world.connect();
  await client.send({ to: desk, body: 'first' });
  await client.send({ to: desk, body: 'second' });
  world.domain.answer = (publish) =>
    sealIn(publish).chain.length > 0
      ? acceptSealed(publish, world.homeSeal)
      : { reasonCode: 0x97, userProperties: [['error', 'certificate-needed']] };
  const sent = await client.send({ to: desk, body: 'third' });
  assert.ok(sent.accepted);
  const chains = world.domain.received.map((publish) => sealIn(publish).chain.length);
  assert.deepEqual(chains, [2, 0, 0, 2]);
  const [third, again] = world.domain.received.slice(2);
  assert.ok(third && again);
  assert.equal(toHex(sealIn(third).bytes), toHex(sealIn(again).bytes));
});

test('without a key the claims go as properties, and the domain’s acceptance fixes the bytes', async () => {
  const client = await world.connectStock();
  const digest = new Uint8Array(32).fill(7);
  world.domain.answer = async (publish) => {
    const id = publish.userProperties.find(([name]) => name === 'id')?.[1] as MessageId;
    const evidence = await evidenceText(world.homeSeal, [Event.accepted], { id, digest, recipient: desk });
    return {
      reasonCode: 0,
      userProperties: [
        ['id', id],
        ['evidence', evidence],
      ],
    };
  };
  const sent = await client.send({ to: desk, body: 'x', ask: ['delivered'], attempts: { max: 1 } });
  const properties = Object.fromEntries(world.domain.received[0]?.userProperties ?? []);
  assert.deepEqual(properties, { id: sent.id, precedence: 'routine', ask: 'delivered', attempts: 'max=1' });
  const other = { id: sent.id, digest: new Uint8Array(32), recipient: desk };
  const waiting = assert.rejects(sent.until('delivered'), { code: 'evidence-unexpected' });
  await world.domain.offer(
    evidencePublish(sent.id, Event.delivered, await evidenceText(world.fireSeal, [Event.delivered], other)),
  );
  await waiting;
});

test('a refusal keeps its code and its time', async () => {
  const client = await world.connect({ failFast: true });
  world.domain.answer = () => ({
    reasonCode: 0x97,
    reasonString: 'private',
    userProperties: [
      ['error', 'overloaded'],
      ['retry-after', '7'],
    ],
  });
  await assert.rejects(client.send({ to: desk, body: 'x' }), {
    name: 'SealpostError',
    code: 'overloaded',
    permanent: false,
    retryAfterSeconds: 7,
    message: 'The server has too much to do at the moment.',
  });
  await assert.rejects(client.send({ to: 'desk', body: 'x' }), { code: 'address-invalid' });
  await assert.rejects(world.connect({ password: 'wrong' }), { code: 'credentials-invalid' });
});

async function sentAsking(client: Client): Promise<Sent> {
  return client.send({ to: desk, body: 'Smoke', ask: ['delivered', 'fetched'] });
}

function aboutLast() {
  const publish = world.domain.received.at(-1);
  assert.ok(publish);
  const { claims, digest } = sealIn(publish);
  return { id: claims.id, digest, recipient: claims.audience };
}

test('[EVID-4] until resolves only with evidence whose signer, subject and bytes are right', async () => {
  const client = await world.connect();
  const cases: readonly [string, (about: ReturnType<typeof aboutLast>) => Promise<string>, string][] = [
    [
      'the sender’s domain cannot say delivered',
      (about) => evidenceText(world.homeSeal, [Event.delivered], about),
      'evidence-wrong-signer',
    ],
    [
      'other bytes',
      (about) => evidenceText(world.fireSeal, [Event.delivered], { ...about, digest: new Uint8Array(32) }),
      'evidence-unexpected',
    ],
    [
      'another recipient',
      (about) => evidenceText(world.fireSeal, [Event.delivered], { ...about, recipient: alarm }),
      'evidence-unexpected',
    ],
    ['another event', (about) => evidenceText(world.fireSeal, [Event.fetched], about), 'evidence-unexpected'],
    ['not evidence', () => Promise.resolve('AAAA'), 'cbor-invalid'],
  ];
  for (const [name, make, code] of cases) {
    const sent = await sentAsking(client);
    const waiting = assert.rejects(sent.until('delivered'), { code }, name);
    await world.domain.offer(evidencePublish(sent.id, Event.delivered, await make(aboutLast())));
    await waiting;
  }
  const sent = await sentAsking(client);
  const genuine = await evidenceText(world.fireSeal, [Event.relayed, Event.delivered], aboutLast());
  const outcome = await world.domain.offer(evidencePublish(sent.id, Event.delivered, genuine));
  assert.ok(outcome.kind === 'acknowledged' && outcome.acknowledgement.reasonCode === 0);
  const evidence = await sent.until('delivered');
  assert.deepEqual(evidence.words, ['relayed', 'delivered']);
  assert.equal(evidence.signer.domain, 'fire.test');
  assert.equal(evidence.digestChecked, true);
});

test('evidence is asked for before the message leaves, only about this message, and no longer than needed', async () => {
  const client = await world.connect();
  const sent = await sentAsking(client);
  assert.deepEqual(world.domain.filters, [`mail/evidence/${sent.id}/#`]);
  const reading = (async () => {
    const words: string[] = [];
    for await (const { word, verified } of sent.evidence()) words.push(verified.ok ? word : '?');
    return words;
  })();
  for (const event of [Event.delivered, Event.fetched])
    await world.domain.offer(
      evidencePublish(sent.id, event, await evidenceText(world.fireSeal, [event], aboutLast())),
    );
  assert.deepEqual(await reading, ['accepted', 'delivered', 'fetched']);
  await client.send({ to: desk, body: 'nothing asked' });
  assert.equal(world.domain.filters.length, 1);
});

test('[DELIV-12] all evidence of the account can be read in one stream', async () => {
  const client = await world.connect();
  const stream = client.evidence();
  const first = next<EvidenceNotice>(stream);
  const sent = await client.send({ to: desk, body: 'x' });
  await world.domain.offer(
    evidencePublish(
      sent.id,
      Event.delivered,
      await evidenceText(world.fireSeal, [Event.delivered], aboutLast()),
    ),
  );
  const { id, word, text, verified } = await first;
  assert.deepEqual([id, word, text, verified.ok], [sent.id, 'delivered', 'one line', true]);
  await stream.return();
});

test('a message is handed over when the loop asks for the next one, not before', async () => {
  const client = await world.connect();
  const messages = client.messages();
  const first = next<Message>(messages);
  const offered = world.domain.offer(await delivery(world.fireSeal));
  const message = await first;
  assert.equal(message.text, 'On our way');
  assert.equal(message.subject, 'Your alarm');
  assert.equal(message.from, desk);
  assert.equal(message.sealClass, 'domain');
  assert.ok(message.verified.ok && message.verified.value.senderKind === 'role');
  const second = next<Message>(messages);
  const outcome = await offered;
  assert.ok(outcome.kind === 'acknowledged' && outcome.acknowledgement.reasonCode === 0);
  const again = world.domain.offer(await delivery(world.fireSeal, { body: 'two' }));
  const left = await second;
  left.leave();
  const refused = await again;
  assert.ok(refused.kind === 'acknowledged' && refused.acknowledgement.reasonCode >= 0x80);
  const third = world.domain.offer(await delivery(world.fireSeal, { body: 'three' }));
  assert.equal((await next<Message>(messages)).text, 'three');
  await messages.return();
  const abandoned = await third;
  assert.ok(abandoned.kind === 'acknowledged' && abandoned.acknowledgement.reasonCode >= 0x80);
});

test('the same message again is answered alike and not shown twice', async () => {
  const client = await world.connect();
  const messages = client.messages();
  const publish = await delivery(world.fireSeal);
  const first = next<Message>(messages);
  const offered = world.domain.offer(publish);
  (await first).taken();
  await offered;
  const following = next<Message>(messages);
  const repeated = await world.domain.offer(publish);
  assert.ok(repeated.kind === 'acknowledged' && repeated.acknowledgement.reasonCode === 0);
  void world.domain.offer(await delivery(world.fireSeal, { body: 'new' }));
  assert.equal((await following).text, 'new');
  await messages.return();
});

test('a loop that is slow gives back what it does not reach, and asks for it again when it is idle', async (t) => {
  const client = await world.connect();
  const messages = client.messages();
  const waiting = next<Message>(messages);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const first = world.domain.offer(await delivery(world.fireSeal, { body: 'first' }));
  assert.equal((await waiting).text, 'first');
  const publish = await delivery(world.fireSeal, { body: 'second' });
  const second = world.domain.offer(publish);
  // A later answer on the same connection: what was sent before it has arrived.
  await client.send({ to: desk, body: 'meanwhile' });
  t.mock.timers.tick(3_000);
  const outcomes = await Promise.all([first, second]);
  t.mock.timers.reset();
  const codes = outcomes.map(
    (outcome) => outcome.kind === 'acknowledged' && outcome.acknowledgement.reasonCode,
  );
  assert.deepEqual(codes, [0, 0x97]);
  world.domain.filters.length = 0;
  const again = next<Message>(messages);
  void world.domain.offer(publish);
  assert.equal((await again).text, 'second');
  assert.deepEqual(world.domain.filters, ['mail/inbox/#']);
  await messages.return();
});

test('what does not verify is shown as such, and nothing in it is the sender’s word', async (t) => {
  const client = await world.connect();
  const messages = client.messages();
  const hour = Math.floor(Date.now() / 1000) + 3_600;
  const cases: readonly [string, Parameters<typeof delivery>[1], string][] = [
    ['tampered body', { delivered: 'Stay where you are' }, 'body-mismatch'],
    ['another audience', { claims: { audience: desk } }, 'audience-mismatch'],
    [
      'a copy that disagrees',
      { properties: [['thread', '0192a3b4-5c6d-7e8f-9012-3456789abcde']] },
      'copy-disagrees',
    ],
    ['a sender of another domain', { claims: { issuer: alarm } }, 'issuer-mismatch'],
    ['issued in the future', { claims: { issuedAt: hour, expires: hour + 60 } }, 'issued-in-future'],
  ];
  for (const [name, change, code] of cases)
    await t.test(name, async () => {
      const waiting = next<Message>(messages);
      void world.domain.offer(await delivery(world.fireSeal, change));
      const { verified, claims, subject } = await waiting;
      assert.equal(verified.ok ? 'verified' : verified.refusal.code, code);
      assert.deepEqual([claims, subject], [undefined, undefined]);
    });
  await t.test('sealed by a domain that is not the sender’s', async () => {
    const waiting = next<Message>(messages);
    void world.domain.offer(await delivery(world.homeSeal));
    const { verified } = await waiting;
    assert.equal(verified.ok, false);
  });
  await messages.return();
});

test('a message whose life ended on the way is dropped, not shown', async () => {
  const client = await world.connect();
  const messages = client.messages();
  const waiting = next<Message>(messages);
  const past = Math.floor(Date.now() / 1000) - 100;
  const outcome = await world.domain.offer(
    await delivery(world.fireSeal, { claims: { issuedAt: past, expires: past + 120 } }),
  );
  assert.ok(outcome.kind === 'acknowledged' && outcome.acknowledgement.reasonCode >= 0x80);
  void world.domain.offer(await delivery(world.fireSeal, { body: 'alive' }));
  assert.equal((await waiting).text, 'alive');
  await messages.return();
});

test('[DELIV-9] acting hands over first, then tells the domain', async () => {
  const client = await world.connect();
  const messages = client.messages();
  const waiting = next<Message>(messages);
  const offered = world.domain.offer(await delivery(world.fireSeal));
  const message = await waiting;
  world.domain.answer = () => ({ reasonCode: 0 });
  await Promise.all([message.acknowledge(), offered]);
  assert.equal(world.domain.received.at(-1)?.topic, `mail/act/${message.id}/acknowledge`);
  world.domain.answer = () => ({ reasonCode: 0x83, userProperties: [['error', 'state-conflict']] });
  await assert.rejects(message.decline(), { code: 'state-conflict' });
  await messages.return();
});

test('[DELIV-14] a trace is answered to who asked, with its evidence checked', async () => {
  const client = await world.connect();
  const sent = await client.send({ to: desk, body: 'x' });
  const about = aboutLast();
  const evidence = [
    { events: ['accepted'], at: 1, signed: await evidenceText(world.homeSeal, [Event.accepted], about) },
    { events: ['delivered'], at: 2, signed: await evidenceText(world.homeSeal, [Event.delivered], about) },
  ];
  const answers = [
    { ok: true, id: sent.id, recipient: desk, state: 'relayed', outcome: 'delivered', evidence },
    { ok: false, error: 'message-unknown' },
  ];
  world.domain.answer = (publish) => {
    void world.domain.offer({
      topic: publish.responseTopic ?? '',
      payload: Buffer.from(JSON.stringify(answers.shift())),
      userProperties: [],
      ...(publish.correlationData === undefined ? {} : { correlationData: publish.correlationData }),
    });
    return { reasonCode: 0 };
  };
  const trace = await client.trace(sent.id);
  assert.equal(trace.outcome, 'delivered');
  assert.deepEqual(
    trace.evidence.map(({ words, verified }) => [words[0], verified.ok ? 'ok' : verified.refusal.code]),
    [
      ['accepted', 'ok'],
      ['delivered', 'evidence-wrong-signer'],
    ],
  );
  await assert.rejects(client.trace(sent.id), { code: 'message-unknown' });
  world.domain.answer = () => ({ reasonCode: 0 });
  await assert.rejects(client.trace(sent.id, { signal: AbortSignal.timeout(20) }), { code: 'undecided' });
});

test('what waits is listed without being taken, and the list ends', async () => {
  const client = await world.connect();
  const listing = client.waiting({ idleMs: 100 });
  const outcome = await world.domain.offer(await delivery(world.fireSeal));
  assert.equal(outcome.kind, 'sent');
  assert.deepEqual(
    (await listing).map(({ text }) => text),
    ['On our way'],
  );
});

test('a lost connection ends everything that waits, with a reason, in a client that fails fast', async () => {
  const client = await world.connect({ failFast: true });
  const sent = await sentAsking(client);
  const waiting = [
    assert.rejects(sent.until('fetched'), { code: 'unreachable' }),
    assert.rejects(next<Message>(client.messages()), { code: 'unreachable' }),
    assert.rejects(next<EvidenceNotice>(client.evidence()), { code: 'unreachable' }),
  ];
  world.domain.disconnectAll();
  await Promise.all(waiting);
  assert.equal((await client.closed)?.code, 'unreachable');
  await assert.rejects(client.send({ to: desk, body: 'x' }), { code: 'unreachable' });
});

test('a client that was closed says so to nobody as an error', async () => {
  const client = await world.connect();
  await client.close();
  assert.equal(await client.closed, undefined);
});
