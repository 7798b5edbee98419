// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { strictCodec, type Decoder, type Packet } from '@sealpost/mqtt';
import { createMqttServer, OpenApplication, type MqttServer } from '@sealpost/mqtt/server';
import { FakeClock } from '@sealpost/testing';
import fc from 'fast-check';
import { MemoryTransport } from './memory-transport.ts';

const filter = '$share/g/t';
const transportInfo = { secure: false, loopback: true, remote: 'test' };

type Action = 'connect' | 'drop' | 'end' | 'join' | 'leave' | 'answer' | 'publish';
interface Step {
  readonly action: Action;
  readonly who: number;
  readonly qos: 1 | 2;
}

/** Over all clients. */
interface Tally {
  readonly answered: Map<string, number>;
  /** Sessions that were ever sent it. */
  readonly sentTo: Map<string, Set<string>>;
}

/** Keeps its session when it is dropped; answers a message when it is told to. */
class Client {
  readonly #server: MqttServer<null>;
  readonly #tally: Tally;
  readonly #name: string;
  #transport: MemoryTransport | undefined;
  #decoder: Decoder | undefined;
  #read = 0;
  #session = 0;
  #unanswered: { packetId: number; qos: number; text: string }[] = [];

  constructor(server: MqttServer<null>, tally: Tally, name: string) {
    this.#server = server;
    this.#tally = tally;
    this.#name = name;
  }

  async connect(): Promise<void> {
    if (this.#transport !== undefined) return;
    this.#transport = new MemoryTransport();
    this.#decoder = strictCodec.createDecoder({ role: 'client', maximumPacketSize: 1e6, version: 5 });
    this.#read = 0;
    this.#unanswered = [];
    this.#server.accept(this.#transport, transportInfo);
    const properties = { sessionExpirySeconds: 1000, receiveMaximum: 2 };
    await this.#exchange(
      {
        type: 'connect',
        version: 5,
        clientId: this.#name,
        cleanStart: false,
        keepAliveSeconds: 0,
        properties,
      },
      'connack',
    );
  }

  drop(): void {
    this.#transport?.onClose();
    this.#transport = undefined;
  }

  async end(): Promise<void> {
    const transport = this.#transport;
    if (transport === undefined) return;
    this.#send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpirySeconds: 0 } });
    while (!transport.closed) await turn();
    this.#session++;
    this.drop();
  }

  async join(): Promise<void> {
    const subscriptions = [{ filter, qos: 2 as const }];
    await this.#exchange({ type: 'subscribe', packetId: 9, subscriptions, properties: {} }, 'suback');
  }

  async leave(): Promise<void> {
    await this.#exchange({ type: 'unsubscribe', packetId: 9, filters: [filter], properties: {} }, 'unsuback');
  }

  async publish(text: string, qos: 1 | 2): Promise<void> {
    const packet = { topic: 't', payload: Buffer.from(text), qos, packetId: 1, packetBytes: 0 } as const;
    await this.#exchange(
      { type: 'publish', retain: false, dup: false, userProperties: [], ...packet },
      qos === 1 ? 'puback' : 'pubrec',
    );
    if (qos === 2) await this.#exchange({ type: 'pubrel', packetId: 1, reasonCode: 0 }, 'pubcomp');
  }

  /** False: there is nothing that it has not answered. */
  async answer(): Promise<boolean> {
    if (this.#transport === undefined) return false;
    await this.#exchange({ type: 'pingreq' }, 'pingresp');
    const oldest = this.#unanswered.shift();
    if (oldest === undefined) return false;
    const { packetId, qos, text } = oldest;
    const { answered } = this.#tally;
    answered.set(text, (answered.get(text) ?? 0) + 1);
    this.#send({ type: qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode: 0 });
    await this.#exchange({ type: 'pingreq' }, 'pingresp');
    return true;
  }

  #send(packet: Packet): void {
    this.#transport?.onData(strictCodec.encode(packet, 5).slice());
  }

  async #exchange(packet: Packet, answer: Packet['type']): Promise<void> {
    if (this.#transport === undefined) return;
    this.#send(packet);
    while (!this.#receive(answer)) await turn();
  }

  #receive(wanted: Packet['type']): boolean {
    for (const bytes of this.#transport?.sent.slice(this.#read) ?? []) this.#decoder?.feed(bytes);
    this.#read = this.#transport?.sent.length ?? 0;
    let isFound = false;
    for (let packet = this.#decoder?.next(); packet !== undefined; packet = this.#decoder?.next()) {
      isFound ||= packet.type === wanted;
      if (packet.type === 'pubrel') this.#send({ type: 'pubcomp', packetId: packet.packetId, reasonCode: 0 });
      if (packet.type === 'publish') this.#take(Buffer.from(packet.payload).toString(), packet);
    }
    return isFound;
  }

  #take(text: string, { packetId = 0, qos }: { packetId?: number; qos: number }): void {
    const sentTo = this.#tally.sentTo.get(text) ?? new Set();
    this.#tally.sentTo.set(text, sentTo.add(`${this.#name} ${this.#session}`));
    this.#unanswered.push({ packetId, qos, text });
  }
}

const action = fc.constantFrom<Action>('connect', 'drop', 'end', 'join', 'leave', 'answer', 'publish');
/** More messages than anything else, so that something waits when the others happen. */
const step = fc.record<Step>({
  action: fc.oneof({ weight: 2, arbitrary: action }, { weight: 1, arbitrary: fc.constant('publish') }),
  who: fc.nat({ max: 3 }),
  qos: fc.constantFrom(1, 2),
});

async function run(steps: readonly Step[]): Promise<void> {
  const errors: unknown[] = [];
  const application = new OpenApplication();
  const report = (error: unknown): void => void errors.push(error);
  const server = createMqttServer({ application, report, clock: new FakeClock() });
  const tally: Tally = { answered: new Map(), sentTo: new Map() };
  const writer = new Client(server, tally, 'writer');
  const clients = [0, 1, 2, 3].map((index) => new Client(server, tally, `client-${index}`));
  const published = new Map<string, 1 | 2>();
  for (const client of [writer, ...clients]) await client.connect();
  for (const client of clients) await client.join();
  for (const { action: what, who, qos } of steps) {
    const client = clients[who] ?? writer;
    if (what === 'publish') {
      const text = `m${published.size}`;
      published.set(text, qos);
      await writer.publish(text, qos);
      // The first one stays a member, so that there is always one.
    } else if (who > 0 || (what !== 'end' && what !== 'leave')) await client[what]();
  }
  for (const client of clients) await client.connect();
  for (let isQuiet = false; !isQuiet;) {
    isQuiet = true;
    for (const client of clients) while (await client.answer()) isQuiet = false;
  }
  for (const [text, qos] of published) {
    const answers = tally.answered.get(text) ?? 0;
    if (qos === 1) assert.equal(answers, 1, `${text} of QoS 1 was answered ${answers} times`);
    else assert.ok((tally.sentTo.get(text)?.size ?? 0) <= 1, `${text} of QoS 2 went to several sessions`);
  }
  assert.deepEqual([errors, server.stats.outboxBytes, server.stats.dropped], [[], 0, 0]);
}

test('[MQTT-4.8.2-5] whoever comes, goes and answers: QoS 1 ends with one answer of one member, QoS 2 goes to one session only', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), run), { numRuns: 150 });
});
