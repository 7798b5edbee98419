// SPDX-License-Identifier: Apache-2.0
// Why the server ends a connection: docs/mqtt.md has the table. Each reason that it gives, and that 3.1.1 is given none.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Packet, Properties } from '@sealpost/mqtt';
import type { EnhancedAuthentication, MqttServerOptions } from '@sealpost/mqtt/server';
import { FakeClock } from '@sealpost/testing';
import { Peer } from './peer.ts';
import { run, type Principal, type Running } from './support.ts';

interface Case {
  readonly why: string;
  readonly code: number;
  /** 3.1.1 has nothing like it. */
  readonly only5?: true;
  readonly options?: Partial<MqttServerOptions<Principal>>;
  readonly properties?: Properties;
  act(peer: Peer, running: Running, clock: FakeClock): unknown;
}

const method = 'METHOD';
/** Everybody is let in at once; who signs in again is refused, or finds that there is no such method any more. */
function enhancedAuthentication(
  again: Partial<Record<'reasonCode' | 'account', number | string>> | undefined,
): EnhancedAuthentication<Principal> {
  const signedIn = { principal: { name: 'ann' }, account: 'ann' };
  return {
    begin(_method, _request, session) {
      if (session === undefined) return { step: () => Promise.resolve(signedIn) };
      if (again === undefined) return undefined;
      return {
        step: () => Promise.resolve({ ...(again.account === undefined ? {} : signedIn), ...again } as never),
      };
    },
  };
}

function signInAgain(peer: Peer): void {
  peer.send({ type: 'auth', reasonCode: 0x19, properties: { authenticationMethod: method } });
}

const cases: readonly Case[] = [
  {
    why: 'an exception of the application where no packet can tell it',
    code: 0x80,
    async act(peer, { application }) {
      await peer.subscribe([{ filter: 'a', qos: 0 }]);
      application.reserves = () => {
        throw new Error('bug');
      };
      peer.send({ type: 'unsubscribe', packetId: 1, filters: ['a'], properties: {} });
    },
  },
  {
    why: 'a PUBLISH is not acknowledged in time',
    code: 0x80,
    options: { limits: { answerMs: 30_000 } },
    async act(peer, _running, clock) {
      await peer.subscribe([{ filter: 'a', qos: 1 }]);
      peer.publish('a', 'x', { qos: 1, packetId: 1 });
      await peer.next();
      await peer.next();
      clock.advance(31_000);
    },
  },
  { why: 'malformed', code: 0x81, act: (peer) => peer.raw.send('00 00') },
  { why: 'a protocol error', code: 0x82, act: (peer) => peer.send({ type: 'pingresp' }) },
  {
    why: 'the application says 0x83',
    code: 0x83,
    act: (_peer, { application }) => application.sessions.get('peer')?.disconnect(0x83),
  },
  {
    why: 'who signs in again is somebody else',
    code: 0x87,
    only5: true,
    options: { enhancedAuthentication: enhancedAuthentication({ account: 'bob' }) },
    properties: { authenticationMethod: method },
    act: signInAgain,
  },
  {
    why: 'who signs in again has a wrong password, which DISCONNECT cannot say',
    code: 0x87,
    only5: true,
    options: { enhancedAuthentication: enhancedAuthentication({ reasonCode: 0x86 }) },
    properties: { authenticationMethod: method },
    act: signInAgain,
  },
  {
    why: 'a credential is revoked',
    code: 0x87,
    act: (_peer, { application }) => application.sessions.get('peer')?.end(0x87),
  },
  { why: 'the server stops', code: 0x8b, act: (_peer, { server }) => void server.close() },
  {
    why: 'there is no such method any more',
    code: 0x8c,
    only5: true,
    options: { enhancedAuthentication: enhancedAuthentication(undefined) },
    properties: { authenticationMethod: method },
    act: signInAgain,
  },
  { why: 'keep alive', code: 0x8d, act: (_peer, _running, clock) => clock.advance(91_000) },
  {
    why: 'taken over',
    code: 0x8e,
    act: ({ version }, { port }) => Peer.connected(port, version),
  },
  {
    why: 'more than the Receive Maximum',
    code: 0x93,
    only5: true,
    options: { limits: { receiveMaximum: 1 } },
    act(peer, { application }) {
      application.onPublish = () => new Promise(() => undefined);
      for (const packetId of [1, 2]) peer.publish('held/a', 'x', { qos: 1, packetId });
    },
  },
  {
    why: 'a topic alias that is not allowed',
    code: 0x94,
    only5: true,
    act: (peer) => peer.publish('a', 'x', { topicAlias: 33 }),
  },
  { why: 'larger than Maximum Packet Size', code: 0x95, act: (peer) => peer.raw.send('30 ffffff7f') },
  {
    why: 'an answer that is larger than the Maximum Packet Size of the client',
    code: 0x95,
    only5: true,
    properties: { maximumPacketSize: 100 },
    act: (peer) =>
      peer.send({
        type: 'unsubscribe',
        packetId: 1,
        filters: Array<string>(100).fill('a'),
        properties: {},
      }),
  },
  {
    why: 'the application says so',
    code: 0x98,
    act: (_peer, { application }) => application.sessions.get('peer')?.disconnect(0x98, 'because'),
  },
  ...[0x00, 0x04, 0x8a, 0x84, 0x92].map((said) => ({
    why: `the application says 0x${said.toString(16)}, which a server cannot say`,
    code: said === 0x8a ? 0x87 : 0x80,
    act: (_peer: Peer, { application }: Running) => application.sessions.get('peer')?.disconnect(said),
  })),
];

for (const { why, code, only5, options, properties = {}, act } of cases) {
  test(`[MQTT-3.14.2-1] 0x${code.toString(16)}: ${why}`, { timeout: 20_000 }, async (t) => {
    for (const version of only5 === true ? ([5] as const) : ([5, 4] as const)) {
      const clock = new FakeClock();
      const running = await run(t, { clock, ...options });
      const peer = await Peer.connected(running.port, version, {
        keepAliveSeconds: 60,
        properties: version === 5 ? properties : {},
      });
      await act(peer, running, clock);
      const ends = (await peer.rest()).filter(({ type }) => type === 'disconnect');
      assert.deepEqual(ends.map(reasonOf), version === 5 ? [code] : [], `version ${version}`);
    }
  });
}

function reasonOf(packet: Packet): number {
  return packet.type === 'disconnect' ? packet.reasonCode : -1;
}

test('[MQTT-3.14.0-1] no DISCONNECT before CONNACK, whatever happens meanwhile', async (t) => {
  const clock = new FakeClock();
  const exchange = { step: () => Promise.resolve({ challenge: new Uint8Array(1) }) };
  const { port, server } = await run(t, { clock, enhancedAuthentication: { begin: () => exchange } });
  const open = async (): Promise<Peer> => {
    const peer = await Peer.open(port, 5, { properties: { authenticationMethod: method } });
    assert.equal((await peer.next())?.type, 'auth');
    return peer;
  };
  const malformed = await open();
  malformed.raw.send('00 00');
  const silent = await open();
  clock.advance(11_000);
  const stopped = await open();
  void server.close();
  const types = [malformed, silent, stopped].map(async (peer) => (await peer.rest()).map(({ type }) => type));
  assert.deepEqual(await Promise.all(types), [['connack'], [], []]);
});
