// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { checkConformance } from './mqtt-conformance.ts';
import { count, renderMqttReport } from './mqtt-conformance/report.ts';
import { readMqttCitations } from './mqtt-conformance/statements.ts';
import { surveyMqtt, type MqttSurvey } from './mqtt-conformance/survey.ts';

type Files = Readonly<Record<string, string>>;

const five = 'packages/mqtt/conformance/mqtt-5.0.json';
const three = 'packages/mqtt/conformance/mqtt-3.1.1.json';

function standard(tag: string, statements: readonly object[]): string {
  return JSON.stringify({ standard: tag, tag, statements });
}

const sound: Files = {
  [five]: standard('MQTT', [
    { number: '1.0.0-1', binds: 'server', asks: 'a server answers' },
    { number: '1.0.0-2', binds: 'client', asks: 'a client | asks' },
    { number: '1.0.0-3', binds: 'both', asks: 'both do', open: 'being built' },
    { number: '1.0.0-4', binds: 'server', asks: 'a server sings', notApplicable: 'it cannot' },
  ]),
  [three]: standard('MQTT3', [{ number: '1.0.0-1', binds: 'both', asks: 'both close' }]),
  'packages/mqtt/src/server.ts': '// [MQTT-1.0.0-1]\n',
  'packages/mqtt/test/server.test.ts': "test('[MQTT-1.0.0-1] [MQTT3-1.0.0-1] it answers');\n",
  'packages/server/test/more.test.ts': '// [MQTT-1.0.0-1]\n',
  'README.md': 'as [MQTT-1.0.0-2] and [MQTT-x.y.z-n] say\n',
};

function found(t: TestContext, changes: Files): MqttSurvey {
  const root = mkdtempSync(join(tmpdir(), 'mqtt-conformance-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({ ...sound, ...changes })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return surveyMqtt(root);
}

test('what is tested, open with a reason, or not applicable with one passes', (t) => {
  const survey = found(t, {});
  assert.deepEqual(checkConformance(survey), []);
  assert.deepEqual(count(survey.standards[0]!, survey), { tested: 1, notApplicable: 1, open: 1 });
});

const one = { number: '1.0.0-1', binds: 'both', asks: 'x' };
const cases: { name: string; changes: Files; expected: RegExp }[] = [
  {
    name: 'a statement that no test cites',
    changes: { 'packages/mqtt/test/server.test.ts': '// [MQTT-1.0.0-1]\n' },
    expected: /^\[MQTT3-1\.0\.0-1\] is cited by no test, and neither open nor not applicable$/,
  },
  {
    name: 'a citation by code and by what helps tests, which prove nothing',
    changes: {
      'packages/mqtt/test/server.test.ts': '// [MQTT-1.0.0-1]\n',
      'packages/mqtt/test/support.ts': '// [MQTT3-1.0.0-1]\n',
      'packages/mqtt/src/server.ts': '// [MQTT3-1.0.0-1]\n',
    },
    expected: /^\[MQTT3-1\.0\.0-1\] is cited by no test/,
  },
  {
    name: 'a citation of what is not there',
    changes: { 'packages/mqtt/src/server.ts': '// [MQTT-1.0.0-9]\n' },
    expected: /^packages\/mqtt\/src\/server\.ts: \[MQTT-1\.0\.0-9\] is no statement of MQTT$/,
  },
  {
    name: 'a range',
    changes: { 'docs/page.md': '[MQTT-1.0.0-1..3]\n' },
    expected: /^docs\/page\.md: \[MQTT-1\.0\.0-1\.\.3\] is no statement of MQTT$/,
  },
  {
    name: 'an open statement that is tested',
    changes: { [three]: standard('MQTT3', [{ ...one, open: 'later' }]) },
    expected: /^\[MQTT3-1\.0\.0-1\] is tested in packages\/mqtt\/test\/server\.test\.ts: not to be listed/,
  },
  {
    name: 'a reason that is none',
    changes: { [three]: standard('MQTT3', [{ ...one, open: ' ' }]) },
    expected: /lacks its reason$/,
  },
  {
    name: 'two reasons at once',
    changes: { [three]: standard('MQTT3', [{ ...one, open: 'later', notApplicable: 'never' }]) },
    expected: /is open and not applicable at once$/,
  },
  {
    name: 'a reason where none is needed',
    changes: { [three]: standard('MQTT3', [{ ...one, binds: 'client', open: 'later' }]) },
    expected: /binds clients only: no reason is needed$/,
  },
  {
    name: 'a number that is there twice',
    changes: { [three]: standard('MQTT3', [one, one]) },
    expected: /^MQTT3: 1\.0\.0-1 is there twice$/,
  },
];

for (const { name, changes, expected } of cases) {
  test(`reported: ${name}`, (t) => {
    const violations = checkConformance(found(t, changes));
    assert.equal(violations.length, 1, violations.join('\n'));
    assert.match(violations[0]!, expected);
  });
}

test('the page has a row for every statement, with where it is cited', async (t) => {
  const page = await renderMqttReport(found(t, {}));
  const rows = page.split('\n').map((row) => row.replaceAll(/ +/g, ' '));
  assert.ok(
    rows.includes(
      '| 1.0.0-1 | a server answers | yes | [src/server.ts](src/server.ts) | [test/server.test.ts](test/server.test.ts)<br>[server/test/more.test.ts](../../packages/server/test/more.test.ts) |',
    ),
    page,
  );
  assert.ok(rows.includes('| 1.0.0-2 | a client \\| asks | not applicable: binds clients | | |'), page);
  assert.ok(rows.includes('| 1.0.0-3 | both do | **open**: being built | | |'), page);
  assert.ok(rows.includes('| 1.0.0-4 | a server sings | not applicable: it cannot | | |'), page);
});

test('what a text cites', () => {
  const text =
    '[MQTT-3.1.2-1], [MQTT3-3.1.2-1][MQTT-3.1.2-1] [MQTT-x] MQTT-3.1.2-2 [RFC-9052] [MQTT-3-8.3-4]';
  assert.deepEqual(readMqttCitations(text), ['MQTT-3.1.2-1', 'MQTT3-3.1.2-1', 'MQTT-3-8.3-4']);
});
