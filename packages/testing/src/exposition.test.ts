// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseExposition, sampleOf } from './exposition.ts';

const good = `# HELP a_total What a is.
# TYPE a_total counter
a_total{of="x\\"y\\\\z",more="1"} 3
# HELP b B.
# TYPE b histogram
b_bucket{le="1"} 2
b_bucket{le="+Inf"} 3
b_sum 4.5e-3
b_count 3
`;

test('what Prometheus reads is read', () => {
  const families = parseExposition(good);
  assert.deepEqual([...families.keys()], ['a_total', 'b']);
  assert.equal(sampleOf(families, 'a_total', { more: '1', of: 'x"y\\z' }), 3);
  assert.equal(sampleOf(families, 'a_total', {}), undefined);
});

for (const [what, from, to] of [
  ['an end in the middle of a line', '3\n', '3'],
  ['a sample before its type', '# TYPE b histogram\n', ''],
  ['a type that there is not', 'histogram', 'curve'],
  ['a label that is not quoted', 'more="1"', 'more=1'],
  ['a value that is no number', ' 4.5e-3', ' many'],
  ['a counter that is not named as one', /a_total/g, 'a'],
  ['a series that comes twice', 'b_sum', 'b_count 3\nb_sum'],
  ['buckets that shrink', '{le="1"} 2', '{le="1"} 4'],
  ['a count that is not the last bucket', 'b_count 3', 'b_count 4'],
  ['a sample of something else', 'b_sum', 'c_sum'],
] as const)
  test(`${what} is not`, () => {
    const bad = typeof from === 'string' && from === '3\n' ? good.trimEnd() : good.replace(from, to);
    assert.notEqual(bad, good);
    assert.throws(() => parseExposition(bad), SyntaxError);
  });
