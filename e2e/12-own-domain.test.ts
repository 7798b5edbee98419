// SPDX-License-Identifier: Apache-2.0
// Two domains as their operators run them: each prepared by itself, started by itself, told of the other by its anchor.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { connectProfile, readProfile } from '@sealpost/client/node';
import { makeServerCertificate, requireTool } from '@sealpost/testing';
import { connectAsync, type IDisconnectPacket, type MqttClient } from 'mqtt';
import { run, sealpost, temporaryDirectory, words } from './_harness.ts';
import { Prepared, Served, done, password, type Place } from './_served.ts';

const alarm = 'alarm@home.test';
const desk = 'desk@fire.test';

/** Fire.test listens, home.test dials it; each knows the other by the hash that its operator was given. */
async function pair(
  t: TestContext,
): Promise<{ home: Prepared; fire: Prepared; atHome: Served; atFire: Served }> {
  const [home, fire] = await Promise.all([Prepared.init('home.test'), Prepared.init('fire.test')]);
  await fire.addPeer(home);
  const atFire = await Served.start(t, fire);
  await home.addPeer(fire, atFire.ready.relay);
  return { home, fire, atFire, atHome: await Served.start(t, home) };
}

function reach({ port }: Place): string {
  return `localhost:${port}`;
}

function overTls(address: string, { caFile }: Prepared, { port }: Place): string[] {
  return [
    '-V',
    '5',
    '-h',
    'localhost',
    '-p',
    String(port),
    '--cafile',
    caFile,
    '-u',
    address,
    '-P',
    password,
  ];
}

async function client(t: TestContext, served: Served, address: string): Promise<MqttClient> {
  const made = await connectAsync({
    ...served.ready.mqtt,
    username: address,
    password,
    protocolVersion: 5,
    reconnectPeriod: 0,
    clientId: 'js',
  });
  made.on('error', () => {});
  t.after(() => made.endAsync(true));
  return made;
}

function byNumber(left: number, right: number): number {
  return left - right;
}

function disconnected(of: MqttClient): Promise<IDisconnectPacket> {
  return new Promise((resolve) => of.once('disconnect', resolve));
}

/** The text of the first message in the mailbox. */
async function firstIn(reader: MqttClient): Promise<string> {
  const arrived = new Promise<string>((resolve) =>
    reader.once('message', (_topic, payload) => resolve(payload.toString())),
  );
  await reader.subscribeAsync('mail/inbox/#', { qos: 1 });
  return arrived;
}

test('two domains that were started separately exchange mail over TLS, with stock clients and with ours', async (t) => {
  if (!requireTool(t, 'mosquitto_pub', 'mosquitto-clients')) return;
  const { home, fire, atHome, atFire } = await pair(t);
  const folder = await temporaryDirectory();
  const profile = join(folder, 'alarm.json');
  await home.person(alarm, '--kind', 'device', '--ceiling', 'flash');
  await fire.person(desk, '--kind', 'role', '--grant', 'flash,device');
  const keys = ['--certificate', join(folder, 'keys'), '--profile', profile];
  await home.account('credential', 'add', alarm, ...keys, '--reach', reach(atHome.ready.mqtts));

  const subscribing = run('mosquitto_sub', [
    ...overTls(desk, fire, atFire.ready.mqtts),
    ...words("-q 1 -c -i desk1 -t mail/inbox/# -F '%t %p' -C 1 -W 30"),
  ]);
  const published = await run('mosquitto_pub', [
    ...overTls(alarm, home, atHome.ready.mqtts),
    ...words(`-q 1 -t mail/to/${desk} -m Smoke -D publish user-property precedence flash`),
  ]);
  assert.equal(published.code, 0, published.stderr);
  assert.equal((await subscribing).stdout, `mail/inbox/flash/${alarm} Smoke\n`);

  const deskProfile = join(folder, 'desk.json');
  await fire.account(
    'credential',
    'add',
    desk,
    '--generate-password',
    '--profile',
    deskProfile,
    '--reach',
    reach(atFire.ready.mqtts),
  );
  // The running domain follows within about a second: the sign-in is repeated until it has.
  while ((await sealpost(['inbox', '--profile', deskProfile])).code !== 0);
  const sent = await done(['send', desk, 'Sealed', '--profile', profile, '--wait', 'delivered', '--json']);
  const { id, evidence } = JSON.parse(sent) as { id: string; evidence: { verified: boolean }[] };
  assert.ok(evidence.length > 0 && evidence.every(({ verified }) => verified), sent);
  const watched = JSON.parse(
    await done(['watch', '--profile', deskProfile, '--count', '1', '--json']),
  ) as Record<string, unknown>;
  assert.deepEqual(
    [watched['id'], watched['text'], watched['seal'], watched['verified']],
    [id, 'Sealed', 'origin', true],
  );
  const credentials = await fire.account('credential', 'list', desk);
  assert.match(credentials, /used \d{4}-/, 'the sign-in was noted');
});

test('over WebSocket and TLS an account signs in and gets its mail; a page of another origin is turned away', async (t) => {
  const home = await Prepared.init('home.test');
  await home.person('ann@home.test');
  const page = 'https://mail.home.test';
  const listen = ['--set', 'listen.wss=127.0.0.1:0', '--set', `listen.origins=${page}`];
  const served = await Served.start(t, home, ...listen);
  const { host, port } = served.ready.wss ?? assert.fail('serve names no wss');
  const ca = await readFile(home.caFile);
  const ann = await connectAsync(`wss://${host}:${port}/mqtt`, {
    ca,
    servername: 'localhost',
    wsOptions: { headers: { origin: page } },
    username: 'ann@home.test',
    password,
    protocolVersion: 5,
    reconnectPeriod: 0,
  });
  t.after(() => ann.endAsync(true));
  const arrived = firstIn(ann);
  await ann.publishAsync('mail/to/ann@home.test', 'To myself', { qos: 1 });
  assert.equal(await arrived, 'To myself');
  const elsewhere = request({
    host,
    port,
    path: '/mqtt',
    ca,
    servername: 'localhost',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      origin: 'https://elsewhere.test',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': 'mqtt',
    },
  }).end();
  const [answer] = (await once(elsewhere, 'response')) as [IncomingMessage];
  answer.resume();
  assert.equal(answer.statusCode, 403);
});

test('SIGTERM: what was received is stored and answered, the client hears 0x8B, and the process ends with 0', async (t) => {
  const home = await Prepared.init('home.test');
  await home.person(alarm);
  await home.person('ann@home.test');
  const served = await Served.start(t, home);
  const sender = await client(t, served, alarm);
  const goodbye = disconnected(sender);
  const answered: number[] = [];
  const underWay = Promise.withResolvers<void>();
  let number = 0;
  // Sixty at a time, without a pause: some are on their way to the disk at any moment.
  const sendOn = async (): Promise<void> => {
    for (;;) {
      const own = number++;
      await sender.publishAsync('mail/to/ann@home.test', String(own), { qos: 1 });
      answered.push(own);
      if (answered.length === 120) underWay.resolve();
    }
  };
  for (let lane = 0; lane < 60; lane++) void sendOn().catch(() => undefined);
  await underWay.promise;
  assert.equal(await served.end('SIGTERM'), 0);
  assert.equal((await goodbye).reasonCode, 0x8b);
  await sender.endAsync(true);
  await served.logged(/home\.test ends/);

  const again = await Served.start(t, home);
  const reader = await client(t, again, 'ann@home.test');
  const arrived: number[] = [];
  const all = new Promise<void>((resolve) =>
    reader.on('message', (_topic, payload) => {
      if (payload.toString() === 'last') resolve();
      else arrived.push(Number(payload.toString()));
    }),
  );
  await reader.publishAsync('mail/to/ann@home.test', 'last', { qos: 1 });
  await reader.subscribeAsync('mail/inbox/#', { qos: 1 });
  await all;
  // Whatever it had stored it had answered too, and nothing else.
  assert.ok(answered.length > 0);
  assert.deepEqual(arrived.toSorted(byNumber), answered.toSorted(byNumber));
});

test('SIGHUP takes over a valid configuration while mail goes on, and an invalid one not at all', async (t) => {
  const [home, fire] = await Promise.all([Prepared.init('home.test'), Prepared.init('fire.test')]);
  await fire.addPeer(home);
  await home.person(alarm);
  await fire.person(desk);
  const atFire = await Served.start(t, fire);
  const atHome = await Served.start(t, home);
  const sender = await client(t, atHome, alarm);
  const send = (text: string): Promise<unknown> => sender.publishAsync(`mail/to/${desk}`, text, { qos: 1 });
  await assert.rejects(send('to an unknown domain'));

  const before = await readFile(home.file, 'utf8');
  await home.addPeer(fire, atFire.ready.relay, 'sha256:12');
  atHome.hangUp();
  assert.match(
    await atHome.logged(/not taken over/),
    /sealpost\.toml:\d+: peer\.anchor has 2 digits .* instead of 64/,
  );
  await assert.rejects(send('to a domain that is still unknown'));

  await writeFile(home.file, before);
  await home.addPeer(fire, atFire.ready.relay);
  await home.edit((text) =>
    text.replace('127.0.0.1:8883', '127.0.0.1:8885').replace('host = "localhost"', 'host = "127.0.0.1"'),
  );
  atHome.hangUp();
  await atHome.logged(/is in force/);
  assert.match(await atHome.logged(/warn/), /host has changed .* next start/);
  await send('to a peer');
  const reader = await client(t, atFire, desk);
  assert.equal(await firstIn(reader), 'to a peer');
  assert.ok(sender.connected, 'nobody was disconnected');

  await writeFile(home.file, before);
  atHome.hangUp();
  await atHome.logged(/is in force/);
  await assert.rejects(send('to a peer that was taken away'));
});

test('SIGHUP: a listener presents the certificate that was renewed', async (t) => {
  const home = await Prepared.init('home.test');
  const issue = async (): Promise<string> =>
    Buffer.from(await makeServerCertificate(home.directory, 'web')).toString('hex');
  const first = await issue();
  await home.edit((text) => `${text}\n[tls]\ncertificate_file = "web.pem"\nkey_file = "web.key"\n`);
  const served = await Served.start(t, home);
  assert.equal(await presented(served.ready.mqtts), first);
  const second = await issue();
  served.hangUp();
  await served.logged(/is in force/);
  assert.equal(await presented(served.ready.mqtts), second);
});

async function presented(place: Place): Promise<string> {
  const socket = connectTls({ ...place, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return raw.toString('hex');
}

test('an account that is disabled is thrown out and stays out; its mailbox goes on taking mail', async (t) => {
  const home = await Prepared.init('home.test');
  await home.person(alarm);
  await home.person('ann@home.test');
  const served = await Served.start(t, home);
  const victim = await client(t, served, 'ann@home.test');
  const goodbye = disconnected(victim);
  await home.account('disable', 'ann@home.test');
  assert.equal((await goodbye).reasonCode, 0x87);
  await assert.rejects(client(t, served, 'ann@home.test'), { code: 0x86 });
  const sender = await client(t, served, alarm);
  await sender.publishAsync('mail/to/ann@home.test', 'for later', { qos: 1 });

  await home.account('enable', 'ann@home.test');
  served.hangUp();
  await served.logged(/is in force/);
  const back = await client(t, served, 'ann@home.test');
  assert.equal(await firstIn(back), 'for later');
});

test('[ID-23] a certificate that is revoked signs nobody in and seals nothing; other credentials go on', async (t) => {
  const home = await Prepared.init('home.test');
  const folder = await temporaryDirectory();
  const file = join(folder, 'alarm.json');
  await home.person(alarm);
  const served = await Served.start(t, home);
  const made = await home.account(
    'credential',
    'add',
    alarm,
    '--certificate',
    folder,
    '--profile',
    file,
    '--reach',
    reach(served.ready.mqtts),
    '--json',
  );
  const { credential } = JSON.parse(made) as { credential: string };
  await done(['send', alarm, 'to myself', '--profile', file]);
  // The key of the revoked certificate beside a password that is still good.
  const profile = await readProfile(file);
  assert.ok(profile.ok);
  const { mqtts: _mqtts, ...rest } = profile.value;
  const byPassword = await connectProfile({ ...rest, mqtt: served.ready.mqtt, password });
  t.after(() => byPassword.close());
  await byPassword.send({ to: alarm, body: 'sealed by myself' });

  await home.account('credential', 'revoke', alarm, credential);
  served.hangUp();
  await served.logged(/is in force/);
  await assert.rejects(byPassword.send({ to: alarm, body: 'sealed again' }), { code: 'certificate-revoked' });
  const refused = await sealpost(['send', alarm, 'to myself', '--profile', file]);
  assert.equal(refused.code, 77, refused.stderr);
  assert.match(refused.stderr, /\[credentials-invalid\]/);
});

test('a peer whose key is not the one that was configured is refused, and let in once the anchor is right', async (t) => {
  const [home, fire] = await Promise.all([Prepared.init('home.test'), Prepared.init('fire.test')]);
  await fire.addPeer(home);
  await fire.person(desk);
  await home.person(alarm);
  const atFire = await Served.start(t, fire);
  const wrong = `sha256:${'0'.repeat(64)}`;
  await home.addPeer(fire, atFire.ready.relay, wrong);
  const atHome = await Served.start(t, home);
  await atHome.logged(/did not prove to be fire\.test/);
  const sender = await client(t, atHome, alarm);
  await sender.publishAsync(`mail/to/${desk}`, 'waits', { qos: 1 });

  await home.edit((text) => text.replace(wrong, fire.anchor));
  atHome.hangUp();
  await atHome.logged(/is in force/);
  const reader = await client(t, atFire, desk);
  assert.equal(await firstIn(reader), 'waits');

  // The other way round: home.test is not who fire.test was told to expect any more.
  await fire.edit((text) => text.replace(home.anchor, wrong));
  atFire.hangUp();
  await atFire.logged(/is in force/);
  await atHome.logged(/link-untrusted|0x87|not authori|refused/i);
});
