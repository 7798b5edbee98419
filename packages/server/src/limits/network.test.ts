// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from './network.ts';

test('an address of IPv4 stands for itself, one of IPv6 for its first 64 bits', () => {
  const same = {
    '192.0.2.7': ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:192.0.2.7'],
    '2001:db8:1:2::/64': [
      '2001:db8:1:2::1',
      '2001:0db8:0001:0002:ffff:ffff:ffff:ffff',
      '2001:DB8:1:2::',
      '2001:db8:1:2:0:0:0:9%eth0',
    ],
    'fe80:0:0:0::/64': ['fe80::1', 'fe80::1234:5678%lo'],
    '0:0:0:0::/64': ['::1', '::'],
  };
  for (const [network, addresses] of Object.entries(same))
    for (const address of addresses) assert.equal(networkOf(address), network, address);
});

test('what is no address stands for itself', () => {
  assert.equal(networkOf('somewhere'), 'somewhere');
});
