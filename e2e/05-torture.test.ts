// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { torture } from './_torture.ts';

for (const seed of [1, 2, 3])
  test(`kill -9 loses nothing and doubles no outcome (seed ${seed})`, async () => {
    const result = await torture({ messages: 300, kills: 2, seed });
    assert.equal(result.accepted, 300);
    assert.ok(result.arrivals >= result.fetched);
  });
