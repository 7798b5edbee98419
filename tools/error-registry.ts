// SPDX-License-Identifier: Apache-2.0
// Writes packages/protocol/src/error-registry.ts and spec/errors.md from spec/errors.json, the only place
// where an error is defined. With --check it writes nothing and fails when either file is out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

interface ErrorEntry {
  code: string;
  permanent: boolean;
  sentence: string;
  mqtt: number;
  http: number;
  smtp: string;
}

const root = new URL('../', import.meta.url);
const entries = JSON.parse(readFileSync(new URL('spec/errors.json', root), 'utf8')) as ErrorEntry[];

function validate(): void {
  const codes = entries.map((entry) => entry.code);
  if (codes.join() !== [...new Set(codes)].sort().join())
    throw new Error('errors.json: sort by code, once each');
  for (const { code, permanent, sentence, mqtt, http, smtp } of entries) {
    if (!/^[a-z]+(-[a-z]+)*$/.test(code)) throw new Error(`${code}: not a lower-case hyphenated code`);
    if (!/^[A-Z].*\.$/.test(sentence)) throw new Error(`${code}: the sentence is not a sentence`);
    if (mqtt < 0x80 || mqtt > 0xa2) throw new Error(`${code}: not an MQTT refusal`);
    if (http < 400 || http > 599) throw new Error(`${code}: not an HTTP error`);
    if (!smtp.startsWith(permanent ? '5.' : '4.'))
      throw new Error(`${code}: SMTP class contradicts permanence`);
    if (!permanent && mqtt !== 0x97) throw new Error(`${code}: a temporary error is 0x97`);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

function typescript(): string {
  const rows = entries.map(
    ({ code, permanent, sentence, mqtt, http, smtp }) =>
      `'${code}': { permanent: ${permanent}, sentence: ${JSON.stringify(sentence)}, mqtt: ${hex(mqtt)}, http: ${http}, smtp: '${smtp}' },`,
  );
  return `// SPDX-License-Identifier: Apache-2.0
// Generated from spec/errors.json by tools/error-registry.ts. Do not edit.

export const errorRegistry = {
${rows.join('\n')}
} as const;
`;
}

function markdown(): string {
  const rows = entries.map(
    ({ code, permanent, sentence, mqtt, http, smtp }) =>
      `| \`${code}\` | ${permanent ? 'permanent' : 'temporary'} | ${sentence} | ${hex(mqtt)} | ${http} | ${smtp} |`,
  );
  const head = readFileSync(new URL('spec/errors.head.txt', root), 'utf8');
  return `${head}\n| code | | sentence | MQTT | HTTP | SMTP |\n| --- | --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

async function emit(path: string, text: string): Promise<boolean> {
  const file = new URL(path, root);
  const options = await resolveConfig(file);
  const wanted = await format(text, { ...options, filepath: file.pathname });
  let present = '';
  try {
    present = readFileSync(file, 'utf8');
  } catch {
    // First run: the file does not exist yet.
  }
  if (present === wanted) return true;
  if (process.argv.includes('--check')) return false;
  writeFileSync(file, wanted);
  return true;
}

validate();
const upToDate = [
  await emit('packages/protocol/src/error-registry.ts', typescript()),
  await emit('spec/errors.md', markdown()),
];
if (upToDate.includes(false)) {
  console.error('error registry: out of date; run `node tools/error-registry.ts`');
  process.exit(1);
}
