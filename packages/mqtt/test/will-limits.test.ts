// SPDX-License-Identifier: Apache-2.0
// Wills wait in memory for their connections to break: what one account and all of them may keep.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Will } from '@sealpost/mqtt';
import { FakeClock } from '@sealpost/testing';
import { lasting, Peer, type PeerOptions } from './peer.ts';
import { run } from './support.ts';

const delayed = { willDelaySeconds: 30 };

function will(bytes: number, properties: Will['properties'] = {}): Will {
  return { topic: 'will', payload: new Uint8Array(bytes), qos: 0, retain: false, properties };
}

async function answer(port: number, options: PeerOptions, version: 4 | 5 = 5): Promise<number> {
  const peer = await Peer.open(port, version, { username: 'ann', ...options });
  return (await peer.connack()).reasonCode;
}

test('Wills of one account, and of all, have room for so many bytes: CONNACK 0x97', async (t) => {
  const limits = { willBytesMax: 40_000, willBytesPerAccount: 25_000 };
  const { port, server } = await run(t, { limits });
  assert.equal(await answer(port, { clientId: 'a', will: will(10_000) }), 0);
  assert.equal(await answer(port, { clientId: 'b', will: will(10_000) }), 0);
  assert.equal(await answer(port, { clientId: 'c', will: will(10_000) }), 0x97);
  assert.equal(await answer(port, { clientId: 'c', will: will(10_000) }, 4), 3);
  const long = [['name', 'x'.repeat(10_000)]] as const;
  assert.equal(await answer(port, { clientId: 'c', will: will(0, { userProperties: long }) }), 0x97);
  assert.equal(server.stats.sessions, 2);
  assert.equal(await answer(port, { clientId: 'c' }), 0);
  assert.equal(await answer(port, { clientId: 'a', will: will(10_000) }), 0, 'it takes its own place');
  assert.equal(await answer(port, { clientId: 'd', username: 'bob', will: will(10_000) }), 0);
  assert.equal(await answer(port, { clientId: 'e', username: 'carl', will: will(10_000) }), 0x97);
});

test('a refused Will ends no connection of the same client', async (t) => {
  const { port } = await run(t, { limits: { willBytesPerAccount: 5_000 } });
  const first = await Peer.connected(port, 5, { username: 'ann', will: will(1_000) });
  assert.equal(await answer(port, { clientId: 'peer', will: will(10_000) }), 0x97);
  assert.deepEqual(await first.settled(), []);
});

test('the room of a Will is free when it is sent, dropped or revoked', async (t) => {
  const clock = new FakeClock();
  const { port, application, server } = await run(t, { clock, limits: { willBytesPerAccount: 15_000 } });
  const open = (properties?: Will['properties']): Promise<Peer> =>
    Peer.connected(port, 5, { ...lasting(5), username: 'ann', will: will(10_000, properties) });
  const isFull = async (): Promise<boolean> =>
    (await answer(port, { clientId: 'other', cleanStart: true, will: will(10_000) })) === 0x97;
  const ends: [string, (peer: Peer) => Promise<unknown>][] = [
    ['revoked by DISCONNECT', (peer) => peer.leave()],
    ['sent by DISCONNECT', (peer) => peer.leave(4)],
    ['ended', (peer) => (application.sessions.get('peer')?.end(0x87), peer.rest())],
    ['disconnected', (peer) => (application.sessions.get('peer')?.disconnect(0x98), peer.rest())],
  ];
  for (const [name, end] of ends) {
    const peer = await open();
    assert.equal(await isFull(), true, name);
    await end(peer);
    assert.equal(await isFull(), false, name);
    await closedOther();
  }
  const peer = await open(delayed);
  await peer.leave(4);
  assert.equal(await isFull(), true, 'it is kept for its delay');
  clock.advance(31_000);
  assert.equal(await isFull(), false);

  /** The one that `isFull` let in. */
  async function closedOther(): Promise<void> {
    application.sessions.get('other')?.end(0x98);
    while (server.stats.connections > 0) await new Promise((resolve) => void setImmediate(resolve));
  }
});
