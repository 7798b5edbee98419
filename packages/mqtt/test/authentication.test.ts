// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import test from 'node:test';
import { strictCodec, type Packet, type Properties } from '@sealpost/mqtt';
import type { AuthenticationExchange, EnhancedAuthentication } from '@sealpost/mqtt/server';
import { FakeClock } from '@sealpost/testing';
import { RawClient } from './raw.ts';
import { run, type Principal } from './support.ts';

const method = 'FAKE-SCRAM';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);
const proof = (name: string, nonce: string): string =>
  createHash('sha256').update(`secret of ${name}, ${nonce}`).digest('hex');

/** First the name, then a nonce of both, then a proof over it; the server's own proof is its last word. */
class FakeScram implements AuthenticationExchange<Principal> {
  #name = '';
  #nonce: string | undefined;

  async step(data: Uint8Array | undefined): ReturnType<AuthenticationExchange<Principal>['step']> {
    if (this.#nonce === undefined) {
      const [name = '', nonce = ''] = text(data).split(',');
      if (name === 'bug') throw new Error('bug');
      this.#name = name;
      this.#nonce = nonce + randomBytes(4).toString('hex');
      return { challenge: bytes(this.#nonce) };
    }
    if (this.#name === 'endless') return { challenge: bytes('again') };
    if (text(data) !== proof(this.#name, this.#nonce))
      return { reasonCode: 0x87, reasonString: 'wrong proof' };
    return {
      principal: { name: this.#name },
      account: this.#name,
      authenticationData: bytes(`v=${this.#nonce}`),
    };
  }
}

const enhancedAuthentication: EnhancedAuthentication<Principal> = {
  begin: (name) => (name === method ? new FakeScram() : undefined),
};

type Step = Awaited<ReturnType<AuthenticationExchange<Principal>['step']>>;

class Client {
  readonly #raw: RawClient;
  readonly #decoder = strictCodec.createDecoder({ role: 'client', version: 5, maximumPacketSize: 1e6 });

  private constructor(raw: RawClient) {
    this.#raw = raw;
  }

  static async open(port: number, properties: Properties): Promise<Client> {
    const client = new Client(await RawClient.open(port));
    client.send({
      type: 'connect',
      version: 5,
      clientId: 'c',
      cleanStart: true,
      keepAliveSeconds: 0,
      properties,
    });
    return client;
  }

  send(packet: Packet): void {
    this.#raw.send(Buffer.from(strictCodec.encode(packet, 5)).toString('hex'));
  }

  auth(reasonCode: number, data: string, authenticationMethod = method): void {
    this.send({
      type: 'auth',
      reasonCode,
      properties: { authenticationMethod, authenticationData: bytes(data) },
    });
  }

  /** Undefined: the connection ended. */
  async next(): Promise<Packet | undefined> {
    const packet = await this.#raw.packet();
    if (packet === undefined) return undefined;
    // Data that is decoded from it is no Buffer, and can be compared.
    this.#decoder.feed(new Uint8Array(packet));
    return this.#decoder.next();
  }

  async challenge(): Promise<string> {
    const packet = await this.next();
    assert.equal(packet?.type, 'auth');
    assert.equal(packet.reasonCode, 0x18);
    assert.equal(packet.properties.authenticationMethod, method, '[MQTT-4.12.0-5]');
    return text(packet.properties.authenticationData);
  }

  /** The reason code that ends the connection, and in which packet. */
  async refused(): Promise<string> {
    const packet = await this.next();
    assert.equal(await this.next(), undefined);
    if (packet?.type !== 'connack' && packet?.type !== 'disconnect') return packet?.type ?? 'closed';
    return `${packet.type} ${packet.reasonCode.toString(16)}`;
  }

  destroy(): void {
    this.#raw.destroy();
  }
}

const first = (name: string): Properties => ({
  authenticationMethod: method,
  authenticationData: bytes(`${name},n`),
});

async function signedIn(port: number): Promise<Client> {
  const client = await Client.open(port, first('ann'));
  client.auth(0x18, proof('ann', await client.challenge()));
  const connack = await client.next();
  assert.ok(connack?.type === 'connack' && connack.reasonCode === 0);
  assert.equal(connack.properties.authenticationMethod, method);
  assert.match(text(connack.properties.authenticationData), /^v=n/);
  return client;
}

test('[MQTT-4.12.0-2] [MQTT-4.12.0-3] [MQTT-4.12.0-4] [MQTT-4.12.0-5] sign-in in three steps', async (t) => {
  const { port, application, server } = await run(t, { enhancedAuthentication });
  const client = await signedIn(port);
  assert.equal(application.sessions.get('c')?.account, 'ann');
  client.send({ type: 'pingreq' });
  assert.equal((await client.next())?.type, 'pingresp');
  assert.equal(server.stats.handshakes, 0);
  client.destroy();
});

test('[MQTT-4.12.0-1] what does not come to an end in CONNACK 0x00', async (t) => {
  const clock = new FakeClock();
  const { port, server, errors } = await run(t, { enhancedAuthentication, clock });
  const start = (name = 'ann'): Promise<Client> => Client.open(port, first(name));
  const cases: [string, (client: Client) => void, string, string?][] = [
    ['a wrong proof', (client) => client.auth(0x18, 'guess'), 'connack 87'],
    ['another method', (client) => client.auth(0x18, 'x', 'OTHER'), 'connack 82'],
    ['re-authentication before CONNACK', (client) => client.auth(0x19, 'x'), 'connack 82'],
    ['success from the client', (client) => client.auth(0, 'x'), 'connack 82'],
    ['[MQTT-3.1.2-30] another packet', (client) => client.send({ type: 'pingreq' }), 'connack 82'],
    [
      'the client gives up',
      (client) => client.send({ type: 'disconnect', reasonCode: 0, properties: {} }),
      'closed',
    ],
    ['no answer in time', () => clock.advance(11_000), 'closed'],
  ];
  for (const [name, act, expected] of cases) {
    const client = await start();
    await client.challenge();
    act(client);
    assert.equal(await client.refused(), expected, name);
  }
  assert.equal(await (await start('bug')).refused(), 'connack 80');
  assert.equal(errors.length, 1);
  assert.equal(
    await (await Client.open(port, { authenticationMethod: 'OTHER' })).refused(),
    'connack 8c',
    'an unknown method',
  );
  const small = await Client.open(port, { ...first('ann'), maximumPacketSize: 20 });
  assert.equal(await small.refused(), 'connack 95');
  assert.equal(server.stats.handshakes, 0);
  assert.equal(server.stats.sessions, 0);
});

test('steps are bounded', async (t) => {
  const { port } = await run(t, { enhancedAuthentication, limits: { authenticationStepsMax: 3 } });
  const client = await Client.open(port, first('endless'));
  for (let i = 0; i < 3; i++) {
    await client.challenge();
    client.auth(0x18, 'x');
  }
  assert.equal(await client.refused(), 'connack 87');
});

test('[MQTT-4.12.1-1] a client signs in again while other packets go on', async (t) => {
  const { port, application } = await run(t, { enhancedAuthentication });
  const client = await signedIn(port);
  const before = application.sessions.get('c')?.principal;
  for (let i = 0; i < 2; i++) {
    client.auth(0x19, 'ann,again');
    const nonce = await client.challenge();
    client.send({ type: 'pingreq' });
    assert.equal((await client.next())?.type, 'pingresp');
    client.auth(0x18, proof('ann', nonce));
    const done = await client.next();
    assert.ok(done?.type === 'auth' && done.reasonCode === 0);
    assert.equal(done.properties.authenticationMethod, method);
  }
  assert.notEqual(application.sessions.get('c')?.principal, before);
  client.destroy();
});

test('[MQTT-3.15.2-1] [MQTT-3.15.2-2] [MQTT-3.15.2-3] [MQTT-3.1.2-29] AUTH has one of its reason codes, and fits the client', async (t) => {
  const exchange = { step: (): Promise<Step> => Promise.resolve(next) };
  const { port, errors } = await run(t, { enhancedAuthentication: { begin: () => exchange } });
  const signed = { principal: { name: 'ann' }, account: 'ann', authenticationData: bytes('ok') };
  const userProperties = [['long', 'x'.repeat(100)]] as const;
  let next: Step = signed;
  const again = async (wishes: Properties, step: Step): Promise<Packet | undefined> => {
    next = signed;
    const client = await Client.open(port, { ...first('ann'), ...wishes });
    assert.equal((await client.next())?.type, 'connack');
    next = step;
    client.auth(0x19, 'ann');
    const packet = await client.next();
    client.destroy();
    return packet;
  };
  const withWords = { ...signed, userProperties };
  const whole = { authenticationMethod: method, authenticationData: bytes('ok') };
  const expected: [Properties, Step, number, Properties][] = [
    [{}, withWords, 0, { ...whole, userProperties }],
    [{ maximumPacketSize: 100 }, withWords, 0, whole],
    [{ requestProblemInformation: 0 }, withWords, 0, whole],
    [
      { maximumPacketSize: 100 },
      { challenge: bytes('c') },
      0x18,
      { ...whole, authenticationData: bytes('c') },
    ],
  ];
  for (const [wishes, step, reasonCode, properties] of expected) {
    const packet = await again(wishes, step);
    assert.ok(packet?.type === 'auth');
    assert.equal(packet.reasonCode, reasonCode);
    assert.deepEqual({ ...packet.properties }, properties);
  }
  const tooLarge = await again({ maximumPacketSize: 100 }, { challenge: bytes('x'.repeat(100)) });
  assert.ok(tooLarge?.type === 'disconnect' && tooLarge.reasonCode === 0x95);
  assert.deepEqual(errors, []);
});

test('[MQTT-4.12.1-2] who does not sign in again is disconnected', async (t) => {
  const clock = new FakeClock();
  const { port } = await run(t, { enhancedAuthentication, clock });
  const cases: [string, (client: Client) => unknown, string][] = [
    ['another method', (client) => client.auth(0x19, 'ann,x', 'OTHER'), 'disconnect 82'],
    ['continued, and not begun', (client) => client.auth(0x18, 'ann,x'), 'disconnect 82'],
    [
      'a wrong proof',
      async (client) => {
        client.auth(0x19, 'ann,x');
        await client.challenge();
        client.auth(0x18, 'guess');
      },
      'disconnect 87',
    ],
    [
      'somebody else',
      async (client) => {
        client.auth(0x19, 'bob,x');
        client.auth(0x18, proof('bob', await client.challenge()));
      },
      'disconnect 87',
    ],
    [
      'begun twice',
      async (client) => {
        client.auth(0x19, 'ann,x');
        await client.challenge();
        client.auth(0x19, 'ann,x');
      },
      'disconnect 82',
    ],
    [
      'no answer in time',
      async (client) => {
        client.auth(0x19, 'ann,x');
        await client.challenge();
        clock.advance(11_000);
      },
      'disconnect 87',
    ],
  ];
  for (const [name, act, expected] of cases) {
    const client = await signedIn(port);
    await act(client);
    assert.equal(await client.refused(), expected, name);
  }
});

test('[MQTT-4.12.0-6] AUTH is for who named a method in CONNECT', async (t) => {
  const { port } = await run(t, { enhancedAuthentication });
  const client = await Client.open(port, {});
  assert.equal((await client.next())?.type, 'connack');
  client.auth(0x19, 'ann,x');
  assert.equal(await client.refused(), 'disconnect 82');
});
