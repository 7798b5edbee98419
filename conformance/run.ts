// SPDX-License-Identifier: Apache-2.0
// Drives every case of spec/vectors through an adapter, ours or (--adapter "<command>") any other, and compares.
// It knows the adapter's protocol and nothing of any package.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';

interface Case {
  readonly name: string;
  readonly op: string;
  readonly in: unknown;
  readonly out?: unknown;
  readonly error?: string;
}

interface Answer {
  readonly id: unknown;
  readonly ok: boolean;
  readonly out?: unknown;
  readonly error?: string;
}

const answerTimeoutSeconds = 60;
const root = fileURLToPath(new URL('../', import.meta.url));
const vectors = fileURLToPath(new URL('../spec/vectors/', import.meta.url));

function readCases(): (Case & { readonly file: string })[] {
  const files = readdirSync(vectors).filter((file) => file.endsWith('.json'));
  return files.sort().flatMap((file) => {
    const { cases } = JSON.parse(readFileSync(`${vectors}${file}`, 'utf8')) as { cases: readonly Case[] };
    return cases.map((entry) => ({ ...entry, file }));
  });
}

/** `out` may have more members than expected: an implementation may say more. */
function contains(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null || Array.isArray(expected)) {
    return isDeepStrictEqual(actual, expected);
  }
  if (typeof actual !== 'object' || actual === null) return false;
  const members = actual as Record<string, unknown>;
  return Object.entries(expected).every(([name, value]) => contains(members[name], value));
}

function complaint(entry: Case, answer: Answer | undefined): string | undefined {
  if (answer === undefined) return 'no answer';
  if (entry.error !== undefined) {
    return !answer.ok && answer.error === entry.error
      ? undefined
      : `expected ${entry.error}, got ${JSON.stringify(answer)}`;
  }
  if (!answer.ok) return `expected ok, got ${answer.error}`;
  return contains(answer.out, entry.out ?? {}) ? undefined : `other out: ${JSON.stringify(answer.out)}`;
}

async function ask(command: string, cases: readonly Case[]): Promise<Map<unknown, Answer>> {
  const adapter = spawn(command, { cwd: root, shell: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const timer = setTimeout(() => adapter.kill(), answerTimeoutSeconds * 1000);
  // An adapter that dies early is reported as missing answers.
  adapter.stdin.on('error', () => undefined);
  for (const [id, { op, in: input }] of cases.entries()) {
    adapter.stdin.write(`${JSON.stringify({ id, op, in: input })}\n`);
  }
  adapter.stdin.end();
  const answers = new Map<unknown, Answer>();
  for await (const line of createInterface({ input: adapter.stdout })) {
    const answer = JSON.parse(line) as Answer;
    answers.set(answer.id, answer);
  }
  clearTimeout(timer);
  return answers;
}

const { values } = parseArgs({ options: { adapter: { type: 'string', default: 'npm run -s adapter' } } });
const cases = readCases();
const answers = await ask(values.adapter, cases);
const failures = cases.flatMap((entry, id) => {
  const reason = complaint(entry, answers.get(id));
  return reason === undefined ? [] : [`${entry.file}: ${entry.name}: ${reason}`];
});
for (const failure of failures) console.log(failure);
console.log(`conformance: ${cases.length - failures.length} of ${cases.length} cases passed`);
if (failures.length > 0 || cases.length === 0) process.exitCode = 1;
