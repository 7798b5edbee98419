// SPDX-License-Identifier: Apache-2.0
// More than a domain takes: who is refused, what is lowered, and who is not to notice.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { ConnectRefused, connectLink } from '@sealpost/mqtt/link';
import { connectTcp } from '@sealpost/mqtt/node';
import { AccountKind, Precedence } from '@sealpost/protocol';
import { domainLimits, type DomainOptions } from '@sealpost/server';
import { JsClient, MosquittoSub } from './_harness.ts';
import { Home, Peer, account, estate, password, propertyOf } from './_peer.ts';
import { claimsOf, sealOf, sealText } from './_seals.ts';

const alarm = 'alarm@home.test';
const desk = 'desk@home.test';
const ann = 'ann@home.test';
const toDesk = `mail/to/${desk}`;
const accounts = await Promise.all([
  account(alarm, AccountKind.device),
  account(ann, AccountKind.person),
  account(desk, AccountKind.role, { grants: [{ upTo: Precedence.flash }] }),
]);

function home(t: TestContext, limits: DomainOptions['limits']): Promise<Home> {
  return Home.open(t, [], accounts, limits === undefined ? {} : { limits });
}

test('when there is no room, the less urgent are told when to come back, and flash is taken', async (t) => {
  const at = await home(t, { roomMessagesMax: 20 });
  const sender = await JsClient.connect(t, at, alarm);
  const reader = await JsClient.connect(t, at, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const sent = Array.from({ length: 60 }, (_, n) => {
    const precedence = n % 10 === 9 ? 'flash' : 'routine';
    return sender
      .publish(toDesk, `${precedence} ${n}`, { precedence })
      .then((answer) => ({ precedence, answer }));
  });
  const answers = await Promise.all(sent);
  const refused = answers.filter(({ answer }) => answer.reasonCode !== 0);
  assert.ok(refused.length > 0, 'everything found room');
  for (const { precedence, answer } of refused) {
    assert.equal(precedence, 'routine');
    assert.deepEqual([answer.reasonCode, answer.properties['error']], [0x97, 'overloaded']);
    assert.match(String(answer.properties['retry-after']), /^[1-9][0-9]?$/);
  }
  const arrived = new Set<string>();
  while (arrived.size < answers.length - refused.length) arrived.add((await reader.next()).text);
  for (const n of [9, 19, 29, 39, 49, 59]) assert.ok(arrived.has(`flash ${n}`));
  // It recovers by itself.
  assert.equal((await sender.publish(toDesk, 'afterwards')).reasonCode, 0);
});

test('[DELIV-4] what one account sends too much of is lowered, then refused, and said; another does not notice', async (t) => {
  const few = { perSecond: 0.001, burst: 2 };
  const at = await home(t, {
    accountRates: { total: { perSecond: 0.001, burst: 4 }, lanes: new Map([[Precedence.flash, few]]) },
  });
  const sender = await JsClient.connect(t, at, alarm);
  const reader = await JsClient.connect(t, at, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const lanes: string[] = [];
  for (let n = 0; n < 4; n += 1) {
    assert.equal((await sender.publish(toDesk, 'smoke', { precedence: 'flash' })).reasonCode, 0);
    lanes.push((await reader.next()).topic.split('/')[2] ?? '');
  }
  assert.deepEqual(lanes, ['flash', 'flash', 'immediate', 'immediate']);
  const refused = await sender.publish(toDesk, 'smoke', { precedence: 'flash' });
  assert.deepEqual([refused.reasonCode, refused.properties['error']], [0x97, 'rate-limited']);
  assert.ok(Number(refused.properties['retry-after']) > 0);
  const other = await JsClient.connect(t, at, ann);
  assert.equal((await other.publish(toDesk, 'hello')).reasonCode, 0);
});

test('asking for a mailbox again and again counts among what an account may ask; ordinary topics do not', async (t) => {
  const at = await home(t, { accountRates: { total: { perSecond: 0.001, burst: 3 }, lanes: new Map() } });
  const { host, port } = at.running.mqtt;
  const link = await connectLink(await connectTcp({ host, port }), {
    clientId: 'eager',
    username: ann,
    password: Buffer.from(password),
    cleanStart: true,
    keepAliveSeconds: 60,
    onPublish: () => ({ reasonCode: 0 }),
  });
  t.after(() => link.end());
  const granted: number[] = [];
  for (let n = 0; n < 4; n += 1)
    granted.push(...(await link.subscribe([{ filter: 'mail/inbox/#', qos: 1 }])));
  assert.deepEqual(granted, [1, 1, 1, 0x97]);
  assert.deepEqual(await link.subscribe([{ filter: 'kitchen/#', qos: 1 }]), [1]);
  const reader = await JsClient.connect(t, at, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
});

test('above its rate a client of MQTT 3.1.1 is disconnected, and of what was sent at QoS 0 nothing is said', async (t) => {
  const at = await home(t, { accountRates: { total: { perSecond: 0.001, burst: 2 }, lanes: new Map() } });
  const reader = await JsClient.connect(t, at, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const old = await JsClient.connect(t, at, alarm, { protocolVersion: 4 });
  const closed = new Promise<void>((resolve) => old.client.once('close', () => resolve()));
  for (const body of ['one', 'two', 'three']) old.client.publish(toDesk, body, { qos: 1 });
  await closed;
  const taken = [(await reader.next()).text, (await reader.next()).text];
  assert.deepEqual(taken.sort(), ['one', 'two']);

  const quick = await JsClient.connect(t, at, ann);
  await quick.client.subscribeAsync('mail/evidence/#', { qos: 1 });
  await quick.client.publishAsync(toDesk, 'three', { qos: 0 });
  await quick.client.publishAsync(toDesk, 'too many', { qos: 0 });
  assert.equal((await reader.next()).text, 'three');
  assert.equal((await quick.publish(toDesk, 'and now')).properties['error'], 'rate-limited');
  assert.deepEqual(quick.unread, []);
});

/** One of ann's clients: takes what it is sent and never acknowledges it. */
async function stuckReader(
  t: TestContext,
  at: Home,
  clientId: string,
  receiveMaximum: number,
): Promise<void> {
  const { host, port } = at.running.mqtt;
  const link = await connectLink(await connectTcp({ host, port }), {
    clientId,
    username: ann,
    password: Buffer.from(password),
    cleanStart: true,
    keepAliveSeconds: 60,
    receiveMaximum,
    onPublish: () => new Promise(() => {}),
  });
  t.after(() => link.end());
  await link.subscribe([{ filter: 'mail/inbox/#', qos: 1 }]);
}

test('a reader that never acknowledges, and one that is slow, keep nobody else’s mail', async (t) => {
  const at = await home(t, undefined);
  await stuckReader(t, at, 'stuck', 2);
  const reader = await JsClient.connect(t, at, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const sender = await JsClient.connect(t, at, alarm);
  const count = 60;
  for (let n = 0; n < count; n += 1) {
    assert.equal((await sender.publish(`mail/to/${ann}`, `for ann ${n}`)).reasonCode, 0);
    assert.equal((await sender.publish(toDesk, `for the desk ${n}`)).reasonCode, 0);
  }
  const texts = new Set<string>();
  while (texts.size < count) texts.add((await reader.next()).text);
  assert.deepEqual(at.faults, []);
});

test('many readers that take nothing are held to what all of them may hold; who takes its mail does not notice', async (t) => {
  const outboxBytesMax = 64 * 1024;
  const at = await home(t, { outboxBytesMax });
  const bodyBytes = 8 * 1024;
  const stuck = 12;
  for (let n = 0; n < stuck; n += 1) await stuckReader(t, at, `stuck-${n}`, 1000);
  const reader = await JsClient.connect(t, at, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const sender = await JsClient.connect(t, at, alarm);
  const count = 20;
  const texts = new Set<string>();
  for (let n = 0; n < count; n += 1) {
    const body = `${n} `.padEnd(bodyBytes, '.');
    assert.equal((await sender.publish(`mail/to/${ann}`, body)).reasonCode, 0);
    assert.equal((await sender.publish(toDesk, body)).reasonCode, 0);
    texts.add((await reader.next()).text);
  }
  assert.equal(texts.size, count);
  // Each may have one more; with its properties a message is somewhat larger than its body.
  const { outboxBytes } = at.running.gauges.accounts();
  assert.ok(outboxBytes > outboxBytesMax / 2, `${outboxBytes} bytes: the readers were not offered anything`);
  assert.ok(outboxBytes <= outboxBytesMax + (stuck + 2) * bodyBytes * 1.5, `${outboxBytes} bytes`);
  // What one of them leaves is there for a reader that takes it.
  const second = await JsClient.connect(t, at, ann);
  await second.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const taken = new Set<string>();
  while (taken.size < count) taken.add((await second.next()).text);
  assert.deepEqual(at.faults, []);
});

test('a client that is stopped keeps nobody waiting, and has its mail when it goes on', async (t) => {
  const at = await home(t, undefined);
  const stopped = await MosquittoSub.start(t, at, ann, '-V 5 -q 1 -t mail/inbox/# -F %p');
  const reader = await JsClient.connect(t, at, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const sender = await JsClient.connect(t, at, alarm);
  stopped.signal('SIGSTOP');
  const count = 40;
  for (let n = 0; n < count; n += 1) {
    assert.equal((await sender.publish(`mail/to/${ann}`, `${n} `.padEnd(20_000, '.'))).reasonCode, 0);
    assert.equal((await sender.publish(toDesk, `${n}`)).reasonCode, 0);
    assert.equal((await reader.next()).text, `${n}`);
  }
  stopped.signal('SIGCONT');
  const taken = new Set<string>();
  while (taken.size < count) taken.add((await stopped.next()).split(' ')[0] ?? '');
});

test('of a storm of connections all come in or are told when to come back, and who is in does not notice', async (t) => {
  const at = await home(t, undefined);
  const reader = await JsClient.connect(t, at, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const sender = await JsClient.connect(t, at, alarm);
  const { host, port } = at.running.mqtt;
  let [entered, toldLater] = [0, 0];
  const storm = Array.from({ length: 300 }, async (_, n) => {
    const options = {
      clientId: `storm-${n}`,
      username: ann,
      password: Buffer.from(password),
      cleanStart: true,
      keepAliveSeconds: 60,
      connectMs: 60_000,
      onPublish: () => ({ reasonCode: 0 }),
    };
    try {
      const link = await connectLink(await connectTcp({ host, port }), options);
      entered += 1;
      link.end();
    } catch (error) {
      assert.ok(error instanceof ConnectRefused, String(error));
      assert.equal(error.reasonCode, 0x97);
      assert.ok(Number(propertyOf(error, 'retry-after')) > 0);
      toldLater += 1;
    }
  });
  const during = (async () => {
    for (let n = 0; n < 20; n += 1) {
      assert.equal((await sender.publish(toDesk, `${n}`, { precedence: 'flash' })).reasonCode, 0);
      assert.equal((await reader.next()).text, `${n}`);
    }
  })();
  await Promise.all([...storm, during]);
  assert.equal(entered + toldLater, storm.length);
  assert.ok(entered > 0 && toldLater > 0, `${entered} came in, ${toldLater} are to come later`);
  const after = await JsClient.connect(t, at, ann);
  assert.equal((await after.publish(toDesk, 'afterwards')).reasonCode, 0);
});

async function ended(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  socket.resume();
  if (!socket.destroyed) await once(socket, 'close');
}

test('an address has so many connections, and who only opens them keeps nobody else out', async (t) => {
  const at = await home(t, { isLoopbackExempt: false, handshakesPerAddressMax: 3 });
  const { port } = at.running.mqtt;
  // The first bytes of a CONNECT, and never the rest.
  const slow = Array.from({ length: 3 }, () =>
    connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' }),
  );
  t.after(() => slow.forEach((socket) => socket.destroy()));
  for (const socket of slow) {
    await once(socket, 'connect');
    socket.write(Buffer.from([0x10, 0x20, 0x00]));
  }
  const fourth = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
  await ended(fourth);
  const client = await JsClient.connect(t, at, ann);
  assert.equal((await client.publish(toDesk, 'through')).reasonCode, 0);
  // One that leaves makes room for the next.
  slow[0]?.destroy();
  const again = await JsClient.connect(t, at, desk, { localAddress: '127.0.0.2' } as object);
  assert.equal((await again.publish(toDesk, 'through too')).reasonCode, 0);
});

test('who crowds the account listeners keeps no peer out', async (t) => {
  const fire = await estate('fire.test');
  const at = await Home.open(t, [fire], accounts, { limits: { handshakesMax: 3 } });
  const { host, port } = at.running.mqtt;
  const idle = Array.from({ length: 3 }, () => connect({ host, port }));
  t.after(() => idle.forEach((socket) => socket.destroy()));
  await Promise.all(idle.map((socket) => once(socket, 'connect')));
  await ended(connect({ host, port }));
  await Peer.linked(t, fire, at);
});

test('what a peer asks and reports counts among what it may send; another does not notice', async (t) => {
  const [fire, third] = await Promise.all([estate('fire.test'), estate('third.test')]);
  const peerRates = { total: { perSecond: 0.001, burst: 3 }, lanes: new Map() };
  const at = await Home.open(t, [fire, third], accounts, { limits: { peerRates } });
  const peer = await Peer.linked(t, fire, at);
  const attestation = {
    kind: AccountKind.person,
    method: 'password',
    credential: new Uint8Array(32),
  } as const;
  const claims = claimsOf('chief@fire.test', desk, { attestation });
  const seal = sealText(await sealOf(claims, fire.seal, 'hello'), fire.seal.chain);
  const answers = [
    await peer.status(seal),
    await peer.evidence(),
    await peer.relay(seal, 'hello'),
    await peer.status(seal),
    await peer.evidence(),
    await peer.relay(seal, 'hello'),
  ];
  assert.deepEqual(
    answers.map((answer) => propertyOf(answer, 'error')),
    ['undecided', undefined, undefined, 'rate-limited', 'rate-limited', 'rate-limited'],
  );
  const other = await Peer.linked(t, third, at);
  assert.equal((await other.evidence()).reasonCode, 0);
});

test('the default limits let through what they are written down to', () => {
  assert.equal(domainLimits.roomBytesMax, 64 * 1024 * 1024);
  for (const rates of [domainLimits.accountRates, domainLimits.peerRates]) {
    const perSecond = [...rates.lanes].toSorted(([a], [b]) => a - b).map(([, rate]) => rate.perSecond);
    assert.deepEqual(
      perSecond,
      perSecond.toSorted((a, b) => b - a),
      'stricter upward',
    );
  }
});
