// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { promisify } from 'node:util';
import { requireTool } from '@sealpost/testing';
import mqtt from 'mqtt';
import { message, run, type Running } from './support.ts';

const exec = promisify(execFile);

/** Resolves when the application saw that subscription, so that no test waits for a time. */
function subscribed({ application }: Running, filter: string): Promise<void> {
  return new Promise((resolve) => {
    const { authorize } = application;
    application.authorize = (principal, action, topic) => {
      if (action === 'subscribe' && topic === filter) setImmediate(resolve);
      return authorize(principal, action, topic);
    };
  });
}

for (const version of ['5', '311']) {
  test(`mosquitto_pub and mosquitto_sub, version ${version}`, async (t) => {
    const pub = requireTool(t, 'mosquitto_pub', 'mosquitto-clients');
    const sub = requireTool(t, 'mosquitto_sub', 'mosquitto-clients');
    if (pub === undefined || sub === undefined) return;
    const server = await run(t);
    const common = ['-V', version, '-h', '127.0.0.1', '-p', String(server.port)];
    const ready = subscribed(server, 'a/#');
    const reader = spawn(sub, [...common, '-q', '2', '-t', 'a/#', '-C', '4', '-F', '%t|%p|%q', '-W', '10']);
    const closed = once(reader, 'close');
    const output: string[] = [];
    reader.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
    await ready;
    await exec(pub, [...common, '-q', '1', '-t', 'a/b', '-m', 'Grüße 🔥']);
    await exec(pub, [...common, '-q', '0', '-t', 'a/c', '-m', 'once']);
    await exec(pub, [...common, '-q', '1', '-t', 'a/d', '-m', 'x'.repeat(60_000)]);
    await exec(pub, [...common, '-q', '2', '-t', 'a/e', '-m', 'exactly']);
    await closed;
    const lines = output.join('').trim().split('\n');
    assert.deepEqual(lines, ['a/b|Grüße 🔥|1', 'a/c|once|0', `a/d|${'x'.repeat(60_000)}|1`, 'a/e|exactly|2']);
  });
}

test('mosquitto_pub is told why, version 5', async (t) => {
  const pub = requireTool(t, 'mosquitto_pub', 'mosquitto-clients');
  if (pub === undefined) return;
  const { port, application } = await run(t);
  application.onPublish = () => ({ reasonCode: 0x87, reasonString: 'no' });
  const common = ['-V', '5', '-h', '127.0.0.1', '-p', String(port), '-q', '1'];
  const { stderr } = await exec(pub, [
    ...common,
    '-t',
    'held/a',
    '-m',
    'x',
    '-D',
    'publish',
    'user-property',
    'a',
    'b',
  ]);
  assert.match(stderr, /Not authorized/);
  assert.deepEqual(application.published[0]?.userProperties, [['a', 'b']]);
  await assert.rejects(exec(pub, [...common, '-u', 'mallory', '-t', 'a', '-m', 'x']), { code: 134 });
});

test('MQTT.js, version 5: a session with queued messages', async (t) => {
  const { port } = await run(t);
  const options = { port, protocolVersion: 5, clientId: 'js', clean: false, reconnectPeriod: 0 } as const;
  const connectOptions = { ...options, properties: { sessionExpiryInterval: 60 } };
  const first = await mqtt.connectAsync('mqtt://127.0.0.1', connectOptions);
  await first.subscribeAsync('a/#', { qos: 1 });
  await first.endAsync();
  const writer = await mqtt.connectAsync('mqtt://127.0.0.1', { port, protocolVersion: 5 });
  for (const text of ['1', '2', '3'])
    await writer.publishAsync('a/b', text, { qos: 1, properties: { userProperties: { k: text } } });
  const second = mqtt.connect('mqtt://127.0.0.1', connectOptions);
  const received: string[] = [];
  await new Promise<void>((resolve) => {
    second.on('message', (_topic, payload, packet) => {
      received.push(`${payload.toString()} ${String(packet.properties?.userProperties?.['k'])}`);
      if (received.length === 3) resolve();
    });
  });
  assert.deepEqual(received, ['1 1', '2 2', '3 3']);
  await second.endAsync();
  await writer.endAsync();
});

test('MQTT.js, version 3.1.1', async (t) => {
  const server = await run(t);
  const client = await mqtt.connectAsync('mqtt://127.0.0.1', { port: server.port, protocolVersion: 4 });
  const got = new Promise<string>((resolve) => {
    client.on('message', (_topic, payload) => resolve(payload.toString()));
  });
  await client.subscribeAsync('a', { qos: 1 });
  await client.publishAsync('a', 'hello', { qos: 1 });
  assert.equal(await got, 'hello');
  await client.endAsync();
});

test('MQTT.js, version 5: Maximum Packet Size of the client gives the message back to the application', async (t) => {
  const { port, application } = await run(t);
  const opened = Promise.withResolvers<void>();
  const { opened: before } = application;
  application.opened = (session) => {
    before.call(application, session);
    opened.resolve();
  };
  const client = await mqtt.connectAsync('mqtt://127.0.0.1', {
    port,
    protocolVersion: 5,
    clientId: 'small',
    properties: { maximumPacketSize: 100 },
  });
  await opened.promise;
  const session = application.sessions.get('small');
  assert.equal(session?.maximumPacketSize, 100);
  const outcome = await new Promise((settled) => {
    session?.send({ publish: message('held/a', 'x'.repeat(200)), rank: 0, settled });
  });
  assert.deepEqual(outcome, { kind: 'too-large' });
  await client.endAsync();
});
