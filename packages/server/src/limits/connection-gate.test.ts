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

function enter(gate: ConnectionGate, address: string): Entered {
  const entered = gate.enter(address);
  assert.ok(entered, `${address} was refused`);
  return entered;
}

test('an address has so many connections that have not signed in, and so many in all', () => {
  const gate = new ConnectionGate(
    { ...limits, connectionRate: { perSecond: 1, burst: 100 } },
    new FakeClock(),
  );
  const open = [enter(gate, '192.0.2.1'), enter(gate, '192.0.2.1')];
  assert.equal(gate.enter('192.0.2.1'), undefined);
  open.forEach((entered) => entered.established());
  open.push(enter(gate, '192.0.2.1'), enter(gate, '192.0.2.1'));
  open.forEach((entered) => entered.established());
  assert.equal(gate.enter('192.0.2.1'), undefined);
  enter(gate, '192.0.2.2').closed();
  open[0]?.closed();
  open[0]?.closed();
  enter(gate, '192.0.2.1').established();
  assert.equal(gate.enter('192.0.2.1'), undefined, 'a connection that closed is counted once');
});

test('the addresses of one IPv6 network count as one', () => {
  const gate = new ConnectionGate(limits, new FakeClock());
  enter(gate, '2001:db8::1');
  enter(gate, '2001:db8::2');
  assert.equal(gate.enter('2001:db8::3'), undefined);
  enter(gate, '2001:db8:0:1::1');
});

test('new connections come at a rate; after a while there may be some again', () => {
  const clock = new FakeClock();
  const gate = new ConnectionGate(limits, clock);
  for (let n = 0; n < 6; n += 1) enter(gate, '192.0.2.1').closed();
  assert.equal(gate.enter('192.0.2.1'), undefined);
  clock.advance(1_000);
  enter(gate, '192.0.2.1').closed();
});

test('handshakes of everybody together are bounded, loopback included', () => {
  const gate = new ConnectionGate(limits, new FakeClock());
  const open = Array.from({ length: 10 }, () => enter(gate, '127.0.0.1'));
  assert.equal(gate.enter('127.0.0.1'), undefined);
  open[0]?.established();
  enter(gate, '127.0.0.1');
});

test('100,000 addresses take no more room than the table has', () => {
  const gate = new ConnectionGate(limits, new FakeClock());
  for (let n = 0; n < 100_000; n += 1) enter(gate, `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`).closed();
  assert.equal(gate.trackedAddresses, 1_000);
  assert.equal(gate.handshakes, 0);
});
