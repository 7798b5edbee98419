// SPDX-License-Identifier: Apache-2.0
// Checks that every numbered normative statement of MQTT 5.0 and 3.1.1 that binds a server is tested, or said to be not
// applicable or open, and that nothing cites a statement that does not exist. `npm run check:mqtt`; with --report it
// writes packages/mqtt/CONFORMANCE.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { count, renderMqttReport } from './mqtt-conformance/report.ts';
import type { Statement } from './mqtt-conformance/statements.ts';
import { reportPath, surveyMqtt, type MqttSurvey } from './mqtt-conformance/survey.ts';

function duplicates({ standards }: MqttSurvey): string[] {
  return standards.flatMap(({ standard, statements }) => {
    const numbers = statements.map(({ number }) => number);
    return numbers
      .filter((number, index) => numbers.indexOf(number) !== index)
      .map((number) => `${standard}: ${number} is there twice`);
  });
}

function dangling({ standards, implementedIn, testedIn, mentionedIn }: MqttSurvey): string[] {
  const known = new Set(
    standards.flatMap(({ tag, statements }) => statements.map(({ number }) => `${tag}-${number}`)),
  );
  return [implementedIn, testedIn, mentionedIn].flatMap((citations) =>
    [...citations]
      .filter(([id]) => !known.has(id))
      .flatMap(([id, paths]) => paths.map((path) => `${path}: [${id}] is no statement of MQTT`)),
  );
}

/** Undefined: there is nothing to object to. */
function objection(
  { binds, notApplicable, open }: Statement,
  testedIn: readonly string[] | undefined,
): string | undefined {
  const excused = notApplicable === undefined ? open : notApplicable;
  if (notApplicable !== undefined && open !== undefined) return 'is open and not applicable at once';
  if (binds === 'client')
    return excused === undefined ? undefined : 'binds clients only: no reason is needed';
  if (excused?.trim() === '') return 'lacks its reason';
  if (testedIn !== undefined && excused !== undefined)
    return `is tested in ${testedIn.join(', ')}: not to be listed as open or not applicable`;
  if (testedIn === undefined && excused === undefined)
    return 'is cited by no test, and neither open nor not applicable';
  return undefined;
}

function unaccounted({ standards, testedIn }: MqttSurvey): string[] {
  return standards.flatMap(({ tag, statements }) =>
    statements.flatMap((statement) => {
      const id = `${tag}-${statement.number}`;
      const found = objection(statement, testedIn.get(id));
      return found === undefined ? [] : [`[${id}] ${found}`];
    }),
  );
}

/** One line per violation. */
export function checkConformance(found: MqttSurvey): string[] {
  return [...duplicates(found), ...dangling(found), ...unaccounted(found)];
}

async function main(): Promise<void> {
  const root = fileURLToPath(new URL('../', import.meta.url));
  const found = surveyMqtt(root);
  const violations = checkConformance(found);
  const page = join(root, reportPath);
  const wanted = await renderMqttReport(found);
  const present = existsSync(page) ? readFileSync(page, 'utf8') : '';
  if (process.argv.includes('--report')) writeFileSync(page, wanted);
  else if (present !== wanted)
    violations.push(`${reportPath}: out of date; run \`node tools/mqtt-conformance.ts --report\``);
  for (const line of violations) console.error(`mqtt: ${line}`);
  if (violations.length > 0) process.exitCode = 1;
  for (const standard of found.standards) {
    const { tested, notApplicable, open } = count(standard, found);
    console.log(
      `mqtt: ${standard.standard}: ${tested} statements tested, ${notApplicable} not applicable, ${open} open`,
    );
  }
}

if (import.meta.main) await main();
