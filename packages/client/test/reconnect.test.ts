// SPDX-License-Identifier: Apache-2.0
// What a client does when its connection goes away under it and comes back.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { connectTcp } from '@sealpost/mqtt/node';
import { Event, toHex, utf8Text } from '@sealpost/protocol';
import type { Acknowledgement } from '@sealpost/mqtt';
import type { Client, EvidenceNotice, Message } from '../src/index.ts';
import { acceptSealed, delivery, desk, evidencePublish, evidenceText, openWorld, sealIn } from './world.ts';
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

async function reached(client: Client, kind: 'connected' | 'reconnecting'): Promise<void> {
  for await (const state of client.states()) if (state.kind === kind) return;
  assert.fail(`it was never ${kind}`);
}

/** Loses the connection and has it again. */
async function interrupted(client: Client): Promise<void> {
  const lost = reached(client, 'reconnecting');
  world.domain.disconnectAll();
  await lost;
  await reached(client, 'connected');
}

function codeOf(outcome: Awaited<ReturnType<World['domain']['offer']>>): number {
  return outcome.kind === 'acknowledged' ? outcome.acknowledgement.reasonCode : -1;
}

test('a message that was taken is not shown again, and one that was not yet shown is not lost', async () => {
  const client = await world.connect();
  const messages = client.messages();
  const first = await delivery(world.fireSeal, { body: 'first' });
  const second = await delivery(world.fireSeal, { body: 'second' });
  const waiting = next<Message>(messages);
  void world.domain.offer(first);
  const message = await waiting;
  const lostSecond = world.domain.offer(second);
  await interrupted(client);
  assert.equal((await lostSecond).kind, 'lost');
  message.taken();
  const following = next<Message>(messages);
  assert.equal(codeOf(await world.domain.offer(first)), 0);
  void world.domain.offer(second);
  assert.equal((await following).text, 'second');
  await messages.return();
  await client.close();
});

test('a message in hand when the connection goes is not shown again when it is offered again', async () => {
  const client = await world.connect();
  const messages = client.messages();
  const first = await delivery(world.fireSeal, { body: 'first' });
  const waiting = next<Message>(messages);
  void world.domain.offer(first);
  assert.equal((await waiting).text, 'first');
  await interrupted(client);
  const again = world.domain.offer(first);
  const following = next<Message>(messages);
  assert.equal(codeOf(await again), 0);
  void world.domain.offer(await delivery(world.fireSeal, { body: 'second' }));
  assert.equal((await following).text, 'second');
  await messages.return();
  await client.close();
});

test('what is only looked at is shown once, however often it is offered', async () => {
  const client = await world.connect();
  const messages = client.messages({ handOver: false });
  const first = await delivery(world.fireSeal, { body: 'first' });
  const waiting = next<Message>(messages);
  await world.domain.offer(first);
  assert.equal((await waiting).text, 'first');
  await interrupted(client);
  const following = next<Message>(messages);
  await world.domain.offer(first);
  await world.domain.offer(await delivery(world.fireSeal, { body: 'second' }));
  assert.equal((await following).text, 'second');
  await messages.return();
  await client.close();
});

test('a loop ends with its signal, and quietly when the client is closed', async () => {
  const client = await world.connect();
  const abort = new AbortController();
  const messages = client.messages({ signal: abort.signal });
  const none = messages.next();
  abort.abort();
  assert.equal((await none).done, true);
  const evidence = client.evidence({ signal: AbortSignal.abort() });
  assert.equal((await evidence.next()).done, true);
  await assert.rejects(client.waiting({ signal: AbortSignal.abort() }), { code: 'undecided' });
  const open = [client.messages().next(), client.evidence().next()];
  await client.close();
  assert.deepEqual(
    (await Promise.all(open)).map(({ done }) => done),
    [true, true],
  );
  assert.equal(client.state.kind, 'closed');
});

test('evidence goes on, each statement is shown once, and who waits for it gets it', async () => {
  const client = await world.connect();
  const stream = client.evidence();
  const first = next<EvidenceNotice>(stream);
  const sent = await client.send({ to: desk, body: 'x', ask: ['delivered', 'fetched'] });
  const { claims, digest } = sealIn(world.domain.received[0]!);
  const about = { id: claims.id, digest, recipient: claims.audience };
  const delivered = evidencePublish(
    sent.id,
    Event.delivered,
    await evidenceText(world.fireSeal, [Event.delivered], about),
  );
  await world.domain.offer(delivered);
  assert.equal((await first).word, 'delivered');
  const fetched = sent.until('fetched');
  await interrupted(client);
  const second = next<EvidenceNotice>(stream);
  assert.equal(codeOf(await world.domain.offer(delivered)), 0);
  await world.domain.offer(
    evidencePublish(sent.id, Event.fetched, await evidenceText(world.fireSeal, [Event.fetched], about)),
  );
  assert.equal((await second).word, 'fetched');
  assert.deepEqual((await fetched).words, ['fetched']);
  await stream.return();
  await client.close();
});

test('evidence for one message alone is subscribed to again, with what came meanwhile', async () => {
  const client = await world.connect();
  const sent = await client.send({ to: desk, body: 'x', ask: ['delivered'] });
  await interrupted(client);
  const { claims, digest } = sealIn(world.domain.received[0]!);
  const about = { id: claims.id, digest, recipient: claims.audience };
  const evidence = await evidenceText(world.fireSeal, [Event.delivered], about);
  await world.domain.offer(evidencePublish(sent.id, Event.delivered, evidence));
  assert.equal((await sent.until('delivered')).digestChecked, true);
  assert.deepEqual(world.domain.filters, [`mail/evidence/${sent.id}/#`, `mail/evidence/${sent.id}/#`]);
  await client.close();
});

test('a message whose answer was lost goes out again as the same message', async () => {
  const client = await world.connect();
  const first = Promise.withResolvers<void>();
  world.domain.answer = () => {
    first.resolve();
    return new Promise<Acknowledgement>(() => undefined);
  };
  const sending = client.send({ to: desk, body: 'once' });
  await first.promise;
  assert.equal(client.unsent, 1);
  world.domain.answer = (publish) => acceptSealed(publish, world.homeSeal);
  await interrupted(client);
  const sent = await sending;
  assert.ok(sent.accepted);
  assert.equal(client.unsent, 0);
  const [one, two] = world.domain.received.map((publish) => toHex(sealIn(publish).bytes));
  assert.equal(world.domain.received.length, 2);
  assert.equal(one, two);
  await client.close();
});

test('what is sent while there is no connection leaves when there is one, urgent first, with the time it has left', async () => {
  const client = await world.connect();
  const lost = reached(client, 'reconnecting');
  world.domain.disconnectAll();
  await lost;
  const sending = [
    client.send({ to: desk, body: 'routine', lifetimeSeconds: 100 }),
    client.send({ to: desk, body: 'flash', precedence: 'flash', lifetimeSeconds: 100 }),
  ];
  const abort = new AbortController();
  const cancelled = client.send({ to: desk, body: 'cancelled' }, { signal: abort.signal });
  abort.abort();
  await assert.rejects(cancelled, { code: 'undecided', isInDoubt: false });
  await Promise.all(sending);
  const bodies = world.domain.received.map(({ payload }) => utf8Text(payload));
  assert.deepEqual(bodies, ['flash', 'routine']);
  for (const publish of world.domain.received) {
    const { claims } = sealIn(publish);
    assert.equal(claims.expires - claims.issuedAt, 100);
    assert.ok((publish.messageExpirySeconds ?? 0) <= 100);
  }
  await client.close();
});

test('a client that starts offline seals by the server’s clock when it knows it', async () => {
  let attempts = 0;
  const client = await world.connect({
    startOffline: true,
    random: () => 0,
    dial() {
      attempts += 1;
      return attempts === 1
        ? Promise.reject(new Error('no network'))
        : connectTcp({ host: '127.0.0.1', port: world.port });
    },
  });
  assert.equal(client.state.kind, 'connecting');
  const sent = await client.send({ to: desk, body: 'early' });
  assert.equal(attempts, 2);
  const { claims } = sealIn(world.domain.received[0]!);
  assert.equal(claims.id, sent.id);
  assert.ok(Math.abs(claims.issuedAt * 1000 - Date.now() - 60_000) < 10_000);
  await client.close();
});

test('a question whose answer was lost is asked again', async () => {
  const client = await world.connect();
  const asked = Promise.withResolvers<void>();
  world.domain.answer = () => {
    asked.resolve();
    return { reasonCode: 0 };
  };
  const tracing = assert.rejects(client.trace('0192a3b4-5c6d-7e8f-9012-3456789abcde'), {
    code: 'message-unknown',
  });
  await asked.promise;
  world.domain.answer = (publish) => {
    void world.domain.offer({
      topic: publish.responseTopic ?? '',
      payload: Buffer.from(JSON.stringify({ ok: false, error: 'message-unknown' })),
      userProperties: [],
      ...(publish.correlationData === undefined ? {} : { correlationData: publish.correlationData }),
    });
    return { reasonCode: 0 };
  };
  await interrupted(client);
  await tracing;
  await client.close();
});

test('a password that is no longer right ends the client and everything that waits, once', async () => {
  const refused = await world.connect({ startOffline: true, password: 'wrong' });
  const waiting = [
    assert.rejects(refused.messages().next(), { code: 'credentials-invalid' }),
    assert.rejects(refused.send({ to: desk, body: 'x' }), { code: 'credentials-invalid', isInDoubt: false }),
    assert.rejects(refused.trace('0192a3b4-5c6d-7e8f-9012-3456789abcde'), { code: 'credentials-invalid' }),
  ];
  assert.equal((await refused.closed)?.code, 'credentials-invalid');
  await Promise.all(waiting);
  await assert.rejects(refused.send({ to: desk, body: 'x' }), { code: 'credentials-invalid' });
});

test('connecting can be given up, while it dials and while the server does not answer', async () => {
  for (const dial of [
    () => new Promise<never>(() => undefined),
    () => connectTcp({ host: '127.0.0.1', port: world.port }),
  ]) {
    const abort = new AbortController();
    const connecting = world.connect({ dial, signal: abort.signal });
    abort.abort();
    await assert.rejects(connecting, { code: 'undecided' });
  }
});

test('a lifetime that is shorter than what the server’s clock may be off by is refused with `clock`', async () => {
  let lateMs = 0;
  const client = await world.connect({
    clock: { now: () => Date.now() + lateMs, after: () => () => undefined },
    async dial() {
      const transport = await connectTcp({ host: '127.0.0.1', port: world.port });
      const send = transport.send.bind(transport);
      transport.send = (bytes) => {
        // The answer to CONNECT takes twenty seconds.
        lateMs = 20_000;
        send(bytes);
      };
      return transport;
    },
  });
  await assert.rejects(client.send({ to: desk, body: 'x', lifetimeSeconds: 1 }), { code: 'clock' });
  assert.ok(await client.send({ to: desk, body: 'x', lifetimeSeconds: 12 }));
  await client.close();
});

test('a stream that begins when the connection is over ends at once, with the reason', async () => {
  const client = await world.connect();
  await client.close();
  await assert.rejects(client.messages().next(), { code: 'unreachable' });
  await assert.rejects(client.evidence().next(), { code: 'unreachable' });
});

test('sending when the connection is over is refused, and nothing is left unhandled', async (t) => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  const client = await world.connect();
  await client.close();
  await assert.rejects(client.send({ to: desk, body: 'x', ask: ['delivered'] }), { code: 'unreachable' });
  await new Promise(setImmediate);
  assert.deepEqual(unhandled, []);
});

test('who waits for evidence of a message still gets it when the stream of all evidence has ended', async () => {
  const client = await world.connect();
  const stream = client.evidence();
  const first = next<EvidenceNotice>(stream);
  const sent = await client.send({ to: desk, body: 'x', ask: ['delivered', 'fetched'] });
  const { claims, digest } = sealIn(world.domain.received[0]!);
  const about = { id: claims.id, digest, recipient: claims.audience };
  const delivered = await evidenceText(world.fireSeal, [Event.delivered], about);
  await world.domain.offer(evidencePublish(sent.id, Event.delivered, delivered));
  await first;
  await stream.return();
  // By its answer the server has heard of the end.
  await client.send({ to: desk, body: 'y' });
  const fetched = await evidenceText(world.fireSeal, [Event.fetched], about);
  await world.domain.offer(evidencePublish(sent.id, Event.fetched, fetched));
  assert.deepEqual((await sent.until('fetched')).words, ['fetched']);
  await client.close();
});
