// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isLoopbackAddress, isLoopbackHost } from '@sealpost/mqtt/node';
import { addressKey, addressOfRemote } from './address.ts';

test('an IPv4 address counts for itself, whatever socket it came over', () => {
  assert.equal(addressKey('192.0.2.7'), '192.0.2.7');
  assert.equal(addressKey('::ffff:192.0.2.7'), '192.0.2.7');
});

test('an IPv6 address counts by its first 64 bits', () => {
  const one = addressKey('2001:db8:0:1::1');
  assert.equal(addressKey('2001:db8:0:1:ffff:ffff:ffff:ffff'), one);
  assert.equal(addressKey('2001:DB8::1:0:0:0:9'), one);
  assert.notEqual(addressKey('2001:db8:0:2::1'), one);
  assert.equal(addressKey('fe80::1%eth0'), addressKey('fe80::2%eth1'));
});

test('however the zeros are shortened, the address counts the same', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 }),
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 2, max: 8 }),
      (groups, from, count) => {
        const zeroed = groups.map((group, index) => (index >= from && index < from + count ? 0 : group));
        const long = zeroed.map((group) => group.toString(16).padStart(4, '0'));
        const short = [...long.slice(0, from), '', ...long.slice(from + count)];
        const text = short.join(':').replace(/^:/, '::').replace(/:$/, '::') || '::';
        assert.equal(addressKey(text), addressKey(long.join(':')));
      },
    ),
  );
});

test('address and port of a transport are told apart', () => {
  assert.equal(addressOfRemote('192.0.2.7:443'), '192.0.2.7');
  assert.equal(addressOfRemote('2001:db8::1:443'), '2001:db8::1');
  assert.ok(
    isLoopbackAddress('127.0.0.9') && isLoopbackAddress('::1') && isLoopbackAddress('::ffff:127.0.0.1'),
  );
  for (const other of ['128.0.0.1', '127.evil.example', '127.0.0.1.evil.example', '::ffff:10.0.0.1', ''])
    assert.ok(!isLoopbackHost(other), other);
  assert.ok(isLoopbackHost('localhost') && !isLoopbackAddress('localhost'));
});
