// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { PacketIdSet } from './packet-ids.ts';

test('a set of packet identifiers is a set', () => {
  const step = fc.tuple(
    fc.constantFrom('add', 'delete'),
    fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constant(65_535)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const [ids, model] = [new PacketIdSet(), new Set<number>()];
      for (const [what, id] of steps) {
        if (what === 'add') {
          ids.add(id);
          model.add(id);
        } else assert.equal(ids.delete(id), model.delete(id));
        assert.equal(ids.size, model.size);
        assert.equal(ids.has(id), model.has(id));
      }
    }),
  );
});
