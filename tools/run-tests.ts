// SPDX-License-Identifier: Apache-2.0
// node tools/run-tests.ts [unit|contract|fuzz|e2e|all] [more arguments for node --test]
// One `node --test` over every test file of that kind, so that there is one summary and it comes last.
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kinds = {
  unit: ['packages/*/{src,test}/**/*.test.{ts,tsx}', 'tools/**/*.test.ts', 'conformance/**/*.test.ts'],
  contract: ['packages/*/test/**/*contract*.test.ts', 'packages/*/src/**/*contract*.test.ts'],
  fuzz: ['fuzz/**/*.test.ts'],
  e2e: ['e2e/*.test.ts'],
} as const;

type Kind = keyof typeof kinds;

const root = fileURLToPath(new URL('../', import.meta.url));

function isKind(name: string): name is Kind {
  return Object.hasOwn(kinds, name);
}

/** Unit tests first: they are quick, and an end-to-end test that fails for a broken unit says little. */
function filesOf(name: string): string[] {
  const wanted: Kind[] = name === 'all' ? ['unit', 'fuzz', 'e2e'] : isKind(name) ? [name] : [];
  return wanted.flatMap((kind) => globSync(kinds[kind], { cwd: root }).toSorted());
}

function run(files: readonly string[], more: readonly string[]): void {
  const turns = mkdtempSync(join(tmpdir(), 'sealpost-tests-'));
  const options = [
    '--conditions=sealpost-source',
    `--import=${new URL('run-tests/one-at-a-time.ts', import.meta.url).href}`,
    '--test',
    `--test-concurrency=${availableParallelism()}`,
    '--test-reporter=spec',
  ];
  const child = spawn(process.execPath, [...options, ...more, ...files], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SEALPOST_TEST_TURNS: join(turns, 'turns.sqlite') },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    rmSync(turns, { recursive: true, force: true });
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

const [name = 'all', ...more] = process.argv.slice(2);
const files = filesOf(name);
if (files.length === 0) {
  console.error(`run-tests: no test file for "${name}"; say unit, contract, fuzz, e2e or all`);
  process.exitCode = 1;
} else {
  run(files, more);
}
