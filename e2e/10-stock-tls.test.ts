// SPDX-License-Identifier: Apache-2.0
// Stock clients over TLS: by password, by the account's own certificate, and with certificates that nobody vouches for.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect, connectAsync } from 'mqtt';
import type { IClientOptions, MqttClient, Packet } from 'mqtt';
import { createAuthority, saveCredential } from '@sealpost/identity/node';
import { describeError, parseAddress, parseDomain } from '@sealpost/protocol';
import type { AccountKind, ErrorCode, Result } from '@sealpost/protocol';
import { requireTool } from '@sealpost/testing';
import { Dev, JsClient, MosquittoSub, federation, run, temporaryDirectory, words } from './_harness.ts';
import type { Finished } from './_harness.ts';

const alarm = 'kitchen-alarm@home.test';
const ann = 'ann@home.test';
const desk = 'desk@fire.test';
const flash = '-D publish user-property precedence flash';

interface KeyFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Where to connect, and what proves the listener. */
function tlsArguments(dev: Dev, address: string): string {
  const { host, port, caFile } = dev.domainOf(address).mqtts;
  return `-V 5 -h ${host} -p ${port} --cafile '${caFile}'`;
}

function certificateArguments({ certFile, keyFile }: KeyFiles): string {
  return `--cert '${certFile}' --key '${keyFile}'`;
}

function passwordArguments(dev: Dev, address: string): string {
  const { username, password } = dev.account(address);
  return `-u ${username} -P ${password}`;
}

function publish(dev: Dev, who: string, text: string): Promise<Finished> {
  const line = `${tlsArguments(dev, alarm)} ${who} -q 1 -t mail/to/${desk} -m '${text}' ${flash}`;
  return run('mosquitto_pub', words(line));
}

function deskReads(t: TestContext, dev: Dev): Promise<MosquittoSub> {
  const line = `${tlsArguments(dev, desk)} -q 1 -c -i desk1 -t mail/inbox/# -F '%t %p'`;
  return MosquittoSub.start(t, dev, desk, line);
}

function arrived(text: string): string {
  return `mail/inbox/flash/${alarm} ${text}`;
}

test('mosquitto over TLS by password: the certificate file is all it needs', async (t) => {
  if (!requireTool(t, 'mosquitto_pub', 'mosquitto-clients')) return;
  const dev = await federation(t);
  const inbox = await deskReads(t, dev);
  const sent = await publish(dev, passwordArguments(dev, alarm), 'by password');
  assert.equal(sent.code, 0, sent.stderr);
  assert.equal(await inbox.next(), arrived('by password'));
});

test('mosquitto over TLS by certificate: no name, no password, and evidence comes back the same way', async (t) => {
  if (!requireTool(t, 'mosquitto_pub', 'mosquitto-clients')) return;
  const dev = await federation(t);
  const inbox = await deskReads(t, dev);
  const own = certificateArguments(dev.account(alarm));
  const ask = '-D publish user-property ask delivered,fetched';
  const sent = await publish(dev, `${own} ${ask}`, 'by certificate');
  assert.equal(sent.code, 0, sent.stderr);
  assert.equal(await inbox.next(), arrived('by certificate'));
  const line = `${tlsArguments(dev, alarm)} ${own} -q 1 -c -i alarm1 -t mail/evidence/# -F '%t %p' -C 2 -W 30`;
  const told = await run('mosquitto_sub', words(line));
  assert.equal(told.code, 0, told.stderr);
  const [delivered = '', fetched = ''] = told.stdout.split('\n').toSorted().slice(1);
  assert.match(delivered, /\/delivered delivered: desk@fire\.test, /);
  assert.match(fetched, /\/fetched fetched: desk@fire\.test, /);
});

test('a certificate that the domain did not issue for an account is refused, whatever comes with it', async (t) => {
  if (!requireTool(t, 'mosquitto_pub', 'mosquitto-clients')) return;
  if (!requireTool(t, 'openssl', 'openssl')) return;
  const dev = await federation(t);
  const inbox = await deskReads(t, dev);
  const folder = await temporaryDirectory();
  const home = join(dev.ready.dataDir, 'home.test');
  const rogues: readonly (readonly [name: string, files: KeyFiles, error: ErrorCode])[] = [
    ['self-signed', await selfSigned(folder), 'certificate-invalid'],
    ['another authority of that name', await issued(folder, 'home.test', alarm), 'certificate-untrusted'],
    [
      'another domain’s authority',
      await issued(folder, 'evil.test', 'alarm@evil.test'),
      'certificate-wrong-domain',
    ],
    ['another domain’s account', dev.account(desk), 'certificate-wrong-domain'],
    ['the domain’s own seal key', keyFiles(home, 'domain-seal'), 'certificate-wrong-role'],
    ['the domain’s own link key', keyFiles(home, 'domain-link'), 'certificate-wrong-role'],
  ];
  for (const [name, files, error] of rogues)
    await t.test(name, async () => {
      const bare = await publish(dev, certificateArguments(files), 'rogue');
      assert.notEqual(bare.code, 0);
      // A good password does not make up for it.
      const who = `${certificateArguments(files)} ${passwordArguments(dev, alarm)}`;
      const both = await publish(dev, who, 'rogue');
      assert.notEqual(both.code, 0);
      assert.deepEqual(await refusal(dev, files), [error, describeError(error).mqtt]);
    });
  const posing = `${certificateArguments(dev.account(alarm))} -u ${ann}`;
  assert.notEqual((await publish(dev, posing, 'as another')).code, 0);
  const wrong = await publish(dev, `-u ${alarm} -P wrong`, 'wrong password');
  assert.notEqual(wrong.code, 0);
  const sent = await publish(dev, certificateArguments(dev.account(alarm)), 'the real one');
  assert.equal(sent.code, 0, sent.stderr);
  assert.equal(await inbox.next(), arrived('the real one'));
  assert.deepEqual(inbox.unread, []);
});

test('MQTT.js signs in by certificate, and what it sends says so', async (t) => {
  const dev = await federation(t);
  const reader = await JsClient.connect(t, dev, desk);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const sender = await connectByCertificate(dev, dev.account(alarm));
  t.after(() => sender.endAsync(true));
  await sender.publishAsync(`mail/to/${desk}`, 'Smoke', {
    qos: 1,
    properties: { userProperties: { precedence: 'flash' } },
  });
  const message = await reader.next();
  assert.equal(message.topic, `mail/inbox/flash/${alarm}`);
  assert.match(String(message.properties['trust']), /^domain; anchor=static/);
});

test('the listener proves that it is localhost, to whoever has its authority, and to nobody else', async (t) => {
  if (!requireTool(t, 'openssl', 'openssl')) return;
  if (!requireTool(t, 'curl', 'curl')) return;
  const dev = await federation(t);
  for (const { mqtts } of dev.ready.domains) {
    const { host, port, caFile } = mqtts;
    const handshake = (authority: string, name: string): Promise<Finished> =>
      run(
        'openssl',
        words(
          `s_client -connect ${host}:${port} -CAfile '${authority}' -no-CApath -no-CAstore ` +
            `-verify_return_error -verify_hostname ${name}`,
        ),
      );
    const good = await handshake(caFile, 'localhost');
    assert.equal(good.code, 0, good.stderr);
    assert.match(good.stdout, /Verify return code: 0 \(ok\)/);
    assert.notEqual((await handshake(caFile, 'home.test')).code, 0);
    const identity = join(dev.ready.dataDir, 'home.test', 'authority.pem');
    assert.notEqual(
      (await handshake(identity, 'localhost')).code,
      0,
      'the identity authority vouches for it',
    );

    // curl speaks HTTP to it: the certificate is accepted, the conversation is not, and the listener goes on.
    const url = `https://${host}:${port}/`;
    const unproved = 60;
    assert.equal((await run('curl', words(`-sS --max-time 10 ${url}`))).code, unproved);
    const proved = await run('curl', words(`-sS --max-time 10 --cacert '${caFile}' ${url}`));
    assert.ok(proved.code !== 0 && proved.code !== unproved, `${proved.code}: ${proved.stderr}`);
  }
  const client = await connectByCertificate(dev, dev.account(alarm));
  await client.endAsync();
});

function keyFiles(folder: string, name: string): KeyFiles {
  return { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) };
}

/** Says it is the alarm, and nobody else says so. */
async function selfSigned(folder: string): Promise<KeyFiles> {
  const files = keyFiles(folder, 'self-signed');
  const line =
    `req -x509 -newkey ed25519 -nodes -days 1 -subj /CN=${alarm} -addext subjectAltName=email:${alarm} ` +
    `-keyout '${files.keyFile}' -out '${files.certFile}'`;
  const made = await run('openssl', words(line));
  assert.equal(made.code, 0, made.stderr);
  return files;
}

/** Well made in every respect, by an authority that no anchor pins. */
async function issued(folder: string, domain: string, account: string): Promise<KeyFiles> {
  const authority = await createAuthority(good(parseDomain(domain)));
  const kind: AccountKind = 'device';
  await saveCredential(
    folder,
    account,
    await authority.issueAccount({ address: good(parseAddress(account)), kind }),
  );
  return keyFiles(folder, account);
}

function good<T>(result: Result<T>): T {
  assert.ok(result.ok);
  return result.value;
}

async function certificateOptions(dev: Dev, { certFile, keyFile }: KeyFiles): Promise<IClientOptions> {
  const { host, port, caFile } = dev.domainOf(alarm).mqtts;
  return {
    protocol: 'mqtts',
    host,
    port,
    ca: await readFile(caFile),
    cert: await readFile(certFile),
    key: await readFile(keyFile),
    protocolVersion: 5,
    reconnectPeriod: 0,
  };
}

async function connectByCertificate(dev: Dev, files: KeyFiles): Promise<MqttClient> {
  return connectAsync(await certificateOptions(dev, files));
}

/** What the CONNACK says: code of ours, reason code. MQTT.js shows it only here. */
async function refusal(dev: Dev, files: KeyFiles): Promise<unknown[]> {
  const client = connect(await certificateOptions(dev, files));
  client.on('error', () => {});
  const { promise, resolve } = Promise.withResolvers<Packet>();
  client.once('packetreceive', resolve);
  const packet = await promise;
  await client.endAsync(true);
  assert.equal(packet.cmd, 'connack');
  return [packet.properties?.userProperties?.['error'], packet.reasonCode];
}
