// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { checkReferences, renderReport } from './spec-references.ts';
import { survey } from './spec-references/survey.ts';
import type { Survey } from './spec-references/survey.ts';
import { readCitations, readRequirements } from './spec-references/text.ts';

type Files = Readonly<Record<string, string>>;

const sound: Files = {
  'spec/seal.md':
    '# Seal\n\n**[SEAL-1]** A seal MUST be\nsmall. It may be blue.\n\n**[SEAL-2]** It MUST be round.\n',
  'packages/p/src/seal.ts': '// [SEAL-1], and [SEAL-2] too; [MQTT-3.1.2-1], [RFC-9052], /[A-Z]/\n',
  'packages/p/src/seal.test.ts': '// [SEAL-1]\n',
  'spec/vectors/seal.json': '{"valid":[{"cites":["SEAL-2"]}]}',
};

function found(t: TestContext, changes: Files): Survey {
  const root = mkdtempSync(join(tmpdir(), 'spec-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({ ...sound, ...changes })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return survey(root);
}

test('requirements that are implemented and tested pass', (t) => {
  assert.deepEqual(checkReferences(found(t, {})), []);
});

const cases: { name: string; changes: Files; expected: string }[] = [
  {
    name: 'a second requirement with the same id',
    changes: { 'spec/more.md': '**[SEAL-1]** Again.\n' },
    expected: 'spec/seal.md:3: [SEAL-1] is already at spec/more.md:1',
  },
  {
    name: 'a requirement that no source cites',
    changes: { 'packages/p/src/seal.ts': '// [SEAL-1]\n' },
    expected: 'spec/seal.md:6: [SEAL-2] is cited by no source',
  },
  {
    name: 'a requirement that no test cites',
    changes: { 'packages/p/src/seal.test.ts': '' },
    expected: 'spec/seal.md:3: [SEAL-1] is cited by no test',
  },
  {
    name: 'a citation of nothing in a source',
    changes: { 'packages/p/src/other.ts': '// [SEAL-9]\n' },
    expected: 'packages/p/src/other.ts: [SEAL-9] is not in spec/',
  },
  {
    name: 'a citation of nothing in a vector',
    changes: { 'spec/vectors/more.json': '[{"cites":"TOPIC-1"}]' },
    expected: 'spec/vectors/more.json: [TOPIC-1] is not in spec/',
  },
  {
    name: 'a citation of nothing in a page',
    changes: { 'docs/a/page.md': 'As [SEAL-7] says.\n' },
    expected: 'docs/a/page.md: [SEAL-7] is not in spec/',
  },
  {
    name: 'a specification without requirements',
    changes: { 'spec/seal.md': '# Nothing yet\n' },
    expected: 'no requirement was found in spec/',
  },
];

for (const { name, changes, expected } of cases) {
  test(`refused: ${name}`, (t) => {
    const violations = checkReferences(found(t, changes));
    assert.ok(violations.includes(expected), violations.join('\n'));
  });
}

test('the input of a generated page is not read besides the page', (t) => {
  const { requirements } = found(t, { 'spec/seal.head.md': '**[SEAL-1]** A seal MUST be small.\n' });
  assert.deepEqual(
    requirements.map(({ id }) => id),
    ['SEAL-1', 'SEAL-2'],
  );
});

test('the conformance runner tests, its adapter implements', (t) => {
  const { implementedIn, testedIn } = found(t, {
    'conformance/run.ts': '// [SEAL-1]\n',
    'conformance/adapter.ts': '// [SEAL-2]\n',
  });
  assert.ok(testedIn.get('SEAL-1')!.includes('conformance/run.ts'));
  assert.ok(implementedIn.get('SEAL-2')!.includes('conformance/adapter.ts'));
});

test('the page lists every requirement with its places', async (t) => {
  const page = await renderReport(found(t, {}));
  assert.match(page, /\[SEAL-1\]\(\.\.\/spec\/seal\.md\) +\| A seal MUST be small\. +\|/);
  assert.match(page, /\[p\/src\/seal\.ts\]\(\.\.\/packages\/p\/src\/seal\.ts\)/);
});

test('a requirement ends where the next one or an empty line begins', () => {
  const [one, two] = readRequirements('a.md', '**[ADDR-1]** One\n**[ADDR-2]** two\n\nthree.\n');
  assert.equal(one!.firstWords, 'One');
  assert.equal(two!.firstWords, 'two');
});

test('foreign ids and character classes are not citations', () => {
  assert.deepEqual(readCitations('[MQTT-3.1.2-1] [RFC-9052] [A-9] [A-Z0-9] [SEAL-1][SEAL-1]'), ['SEAL-1']);
});
