// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@sealpost/testing';
import { ConnectionGate, type Entered } from './connection-gate.ts';

const limits = {
  connectionsPerAddressMax: 4,
  handshakesPerAddressMax: 2,
  handshakesMax: 10,
  connectionRate: { perSecond: 1, burst: 6 },
  trackedMax: 1_000,
  isLoopbackExempt: true,
};

const nobody = (): void => assert.fail('nobody has to make room here');

function enter(gate: ConnectionGate, address: string, end = nobody): Entered {
  const entered = gate.enter(address, end);
  assert.ok(entered, `${address} was refused`);
  return entered;
}

test('an address has so many connections that have not signed in, and so many in all', () => {
  const gate = new ConnectionGate(
    { ...limits, connectionRate: { perSecond: 1, burst: 100 } },
    new FakeClock(),
  );
  const open = [enter(gate, '192.0.2.1'), enter(gate, '192.0.2.1')];
  assert.equal(gate.enter('192.0.2.1', nobody), undefined);
  open.forEach((entered) => entered.established());
  open.push(enter(gate, '192.0.2.1'), enter(gate, '192.0.2.1'));
  open.forEach((entered) => entered.established());
  assert.equal(gate.enter('192.0.2.1', nobody), undefined);
  enter(gate, '192.0.2.2').closed();
  open[0]?.closed();
  open[0]?.closed();
  enter(gate, '192.0.2.1').established();
  assert.equal(gate.enter('192.0.2.1', nobody), undefined, 'a connection that closed is counted once');
});

test('the addresses of one IPv6 network count as one', () => {
  const gate = new ConnectionGate(limits, new FakeClock());
  enter(gate, '2001:db8::1');
  enter(gate, '2001:db8::2');
  assert.equal(gate.enter('2001:db8::3', nobody), undefined);
  enter(gate, '2001:db8:0:1::1');
});

test('new connections come at a rate; after a while there may be some again', () => {
  const clock = new FakeClock();
  const gate = new ConnectionGate(limits, clock);
  for (let n = 0; n < 6; n += 1) enter(gate, '192.0.2.1').closed();
  assert.equal(gate.enter('192.0.2.1', nobody), undefined);
  clock.advance(1_000);
  enter(gate, '192.0.2.1').closed();
});

test('handshakes of everybody together are bounded, loopback included', () => {
  const gate = new ConnectionGate(limits, new FakeClock());
  const open = Array.from({ length: 10 }, () => enter(gate, '127.0.0.1'));
  assert.equal(gate.enter('127.0.0.1', nobody), undefined);
  open[0]?.established();
  enter(gate, '127.0.0.1');
});

test('an address that only opens connections makes room for the others, the oldest first', () => {
  const gate = new ConnectionGate(
    { ...limits, handshakesMax: 5, handshakesPerAddressMax: 3 },
    new FakeClock(),
  );
  const ended: string[] = [];
  const open = (address: string, name: string): Entered | undefined =>
    gate.enter(address, () => ended.push(name));
  const [first] = ['a', 'b', 'c'].map((name) => open('192.0.2.1', name));
  ['d', 'e'].forEach((name) => open('192.0.2.2', name));
  assert.ok(open('192.0.2.3', 'f'));
  assert.deepEqual([ended, gate.handshakes], [['a'], 5]);
  first?.closed();
  assert.equal(gate.handshakes, 5, 'it was taken off when it made room');
  assert.ok(open('127.0.0.1', 'g'));
  assert.deepEqual(ended, ['a', 'b']);
  // They all hold as many as the next best.
  assert.equal(open('192.0.2.2', 'h'), undefined);
  assert.deepEqual([ended, gate.handshakes], [['a', 'b'], 5]);
});

test('100,000 addresses take no more room than the table has', () => {
  const gate = new ConnectionGate(limits, new FakeClock());
  for (let n = 0; n < 100_000; n += 1) enter(gate, `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`).closed();
  assert.equal(gate.trackedAddresses, 1_000);
  assert.equal(gate.handshakes, 0);
});
