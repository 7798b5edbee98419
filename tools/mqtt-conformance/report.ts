// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import type { Standard, Statement } from './statements.ts';
import type { MqttSurvey } from './survey.ts';

export interface Counts {
  readonly tested: number;
  readonly notApplicable: number;
  readonly open: number;
}

/** Of what binds a server. */
export function count({ tag, statements }: Standard, { testedIn }: MqttSurvey): Counts {
  const ours = statements.filter(({ binds }) => binds !== 'client');
  return {
    tested: ours.filter(({ number }) => testedIn.has(`${tag}-${number}`)).length,
    notApplicable: ours.filter(({ notApplicable }) => notApplicable !== undefined).length,
    open: ours.filter(({ open }) => open !== undefined).length,
  };
}

function links(paths: readonly string[] = []): string {
  return paths
    .map((path) => {
      const own = path.replace(/^packages\/mqtt\//, '');
      return `[${own.replace(/^packages\//, '')}](${own === path ? `../../${path}` : own})`;
    })
    .join('<br>');
}

function verdict({ binds, notApplicable, open }: Statement, isTested: boolean): string {
  if (notApplicable !== undefined) return `not applicable: ${notApplicable}`;
  if (open !== undefined) return `**open**: ${open}`;
  if (binds === 'client')
    return isTested ? 'not applicable: binds clients; tested' : 'not applicable: binds clients';
  return 'yes';
}

function rowsOf({ tag, statements }: Standard, { implementedIn, testedIn }: MqttSurvey): string[] {
  return statements.map((statement) => {
    const id = `${tag}-${statement.number}`;
    const cells = [
      statement.number,
      statement.asks.replaceAll(/[|*_]/g, '\\$&'),
      verdict(statement, testedIn.has(id)),
      links(implementedIn.get(id)),
      links(testedIn.get(id)),
    ];
    return `| ${cells.join(' | ')} |`;
  });
}

function sectionOf(standard: Standard, found: MqttSurvey): string[] {
  const { tested, notApplicable, open } = count(standard, found);
  const { length } = standard.statements;
  return [
    '',
    `## ${standard.standard}`,
    '',
    `${length} statements, cited as \`[${standard.tag}-…]\`. Of the ${tested + notApplicable + open} that bind a server:`,
    `${tested} kept and tested, ${notApplicable} not applicable, ${open} open.`,
    '',
    '| statement | in our words | kept | code | tests |',
    '| --- | --- | --- | --- | --- |',
    ...rowsOf(standard, found),
  ];
}

export async function renderMqttReport(found: MqttSurvey): Promise<string> {
  const page = [
    '# Conformance to MQTT',
    '',
    'Every numbered normative statement of MQTT 5.0 (OASIS Standard, 7 March 2019) and MQTT 3.1.1 (OASIS Standard,',
    '29 October 2014), whether this server keeps it, and the tests that would fail if it did not. What a statement asks',
    'is put in our words here; the standards’ own text is what counts.',
    '',
    'Written by `node tools/mqtt-conformance.ts --report` from `conformance/*.json` and from what code and tests cite;',
    'the check fails when a statement that binds a server is neither tested, nor said to be not applicable, nor open.',
    ...found.standards.flatMap((standard) => sectionOf(standard, found)),
  ].join('\n');
  const options = await resolveConfig(fileURLToPath(import.meta.url));
  return format(page, { ...options, parser: 'markdown' });
}
