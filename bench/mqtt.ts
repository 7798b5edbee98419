// SPDX-License-Identifier: Apache-2.0
/**
 * MQTT alone, without mail: one publisher to one subscriber over loopback, QoS 1, each side with a bare codec; the
 * server in this process, the clients in another. `node --conditions=sealpost-source bench/mqtt.ts [mosquitto]`
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { strictCodec, type Packet, type Publish } from '@sealpost/mqtt';
import { connectTcp, listenTcp } from '@sealpost/mqtt/node';
import { createMqttServer, OpenApplication } from '@sealpost/mqtt/server';

const messages = 200_000;
const window = 60;

if (process.argv[2] === 'clients') await clients(Number(process.argv[3]));
else await measure();

async function measure(): Promise<void> {
  codecRates();
  const server = createMqttServer({ application: new OpenApplication(), report: console.error });
  const listener = await listenTcp(server, { host: '127.0.0.1', port: 0 });
  const before = process.cpuUsage();
  await runClients('sealpost', listener.port);
  const { user, system } = process.cpuUsage(before);
  console.log(
    `  server CPU ${((user + system) / (2 * messages)).toFixed(2)} µs per message, mean of both sizes`,
  );
  const closing = listener.close();
  await server.close();
  await closing;
  if (process.argv[2] === 'mosquitto') await runMosquitto();
}

async function runMosquitto(): Promise<void> {
  const port = 18_883;
  const broker = spawn('/usr/sbin/mosquitto', ['-p', String(port)], { stdio: 'ignore' });
  await reachable(port);
  await runClients('mosquitto', port);
  broker.kill();
}

async function reachable(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const ok = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (ok) return;
  }
}

async function runClients(name: string, port: number): Promise<void> {
  console.log(name);
  const child: ChildProcess = fork(import.meta.filename, ['clients', String(port)], {
    execArgv: process.execArgv,
  });
  await once(child, 'exit');
}

async function clients(port: number): Promise<void> {
  const empty: Publish = {
    topic: 'a/b',
    payload: new Uint8Array(100),
    qos: 1,
    retain: false,
    userProperties: [],
  };
  await oneToOne(port, empty, '100 bytes');
  const seal = 'x'.repeat(280);
  const userProperties = [
    ['seal', seal],
    ['subject', 'Smoke'],
    ['precedence', 'flash'],
    ['ask', 'delivered'],
    ['from', 'a@home.test'],
    ['lane', 'flash'],
  ] as const;
  await oneToOne(
    port,
    { ...empty, messageExpirySeconds: 100, userProperties },
    '500 bytes, 6 user properties',
  );
  process.exit(0);
}

async function oneToOne(port: number, publish: Publish, name: string): Promise<void> {
  let received = 0;
  let acknowledged = 0;
  let sent = 0;
  const done = Promise.withResolvers<void>();
  const subscribed = Promise.withResolvers<void>();
  const reader = await client(port, 'reader', (packet, write) => {
    if (packet.type === 'suback') subscribed.resolve();
    if (packet.type !== 'publish') return;
    write(strictCodec.encodePuback(packet.packetId ?? 0, 0, 5));
    if (++received === messages) done.resolve();
  });
  reader(
    strictCodec.encode(
      { type: 'subscribe', packetId: 1, subscriptions: [{ filter: 'a/#', qos: 1 }], properties: {} },
      5,
    ),
  );
  await subscribed.promise;
  const fill = (write: (bytes: Uint8Array) => void): void => {
    while (sent < messages && sent - acknowledged < window) {
      const delivery = {
        packetId: (sent++ % 60_000) + 1,
        dup: false,
        messageExpirySeconds: publish.messageExpirySeconds,
      };
      write(strictCodec.encodePublish(publish, 5, delivery));
    }
  };
  const writer = await client(port, 'writer', (packet, write) => {
    if (packet.type !== 'puback') return;
    acknowledged++;
    fill(write);
  });
  const start = performance.now();
  fill(writer);
  await done.promise;
  const seconds = (performance.now() - start) / 1000;
  console.log(`  ${name}: ${Math.round(messages / seconds)} messages/s publisher to subscriber`);
}

type Write = (bytes: Uint8Array) => void;

/** Connected and flushed once per chunk received. */
async function client(
  port: number,
  clientId: string,
  receive: (packet: Packet, write: Write) => void,
): Promise<Write> {
  const transport = await connectTcp({ host: '127.0.0.1', port });
  const decoder = strictCodec.createDecoder({ role: 'client', maximumPacketSize: 1e6, version: 5 });
  const connected = Promise.withResolvers<void>();
  let parts: Uint8Array[] = [];
  const write = (bytes: Uint8Array): void => {
    if (parts.length === 0) queueMicrotask(flush);
    parts.push(bytes);
  };
  const flush = (): void => {
    transport.send(Buffer.concat(parts));
    parts = [];
  };
  transport.onData = (chunk) => {
    decoder.feed(chunk);
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next())
      if (packet.type === 'connack') connected.resolve();
      else receive(packet, write);
  };
  write(
    strictCodec.encode(
      { type: 'connect', version: 5, clientId, cleanStart: true, keepAliveSeconds: 60, properties: {} },
      5,
    ),
  );
  await connected.promise;
  return write;
}

function codecRates(): void {
  const userProperties = Array.from({ length: 6 }, (_, i) => [`name${i}`, 'v'.repeat(40)] as const);
  const plain: Publish = {
    topic: 'a/b/c',
    payload: new Uint8Array(200),
    qos: 1,
    retain: false,
    userProperties: [],
  };
  for (const [name, publish] of [
    ['plain 200 bytes', plain],
    [
      '500 bytes, 6 user properties',
      { ...plain, userProperties, contentType: 'text/plain', messageExpirySeconds: 9 },
    ],
  ] as const) {
    const delivery = { packetId: 5, dup: false, messageExpirySeconds: publish.messageExpirySeconds };
    const bytes = strictCodec.encodePublish(publish, 5, delivery).slice();
    const decoder = strictCodec.createDecoder({ role: 'server', maximumPacketSize: 1e6, version: 5 });
    const decode = rate(() => {
      decoder.feed(bytes);
      decoder.next();
    });
    const encode = rate(() => void strictCodec.encodePublish(publish, 5, delivery));
    console.log(`codec, ${name}: decode ${decode} k/s, encode ${encode} k/s`);
  }
}

function rate(run: () => void): number {
  const rounds = 300_000;
  for (let i = 0; i < rounds; i++) run();
  const start = performance.now();
  for (let i = 0; i < rounds; i++) run();
  return Math.round(rounds / (performance.now() - start));
}
