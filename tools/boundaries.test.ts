// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { checkBoundaries } from './boundaries.ts';
import { findCycles } from './boundaries/cycles.ts';
import { readImports } from './boundaries/imports.ts';
import { packageEdges, serverEdges } from './boundaries/rules.ts';

type Files = Readonly<Record<string, string | object>>;

/** Written so that the reader of imports does not find one in this file. */
function dynamic(specifier: string): string {
  return ['import', `('${specifier}')`].join('');
}

const none = { dependencies: {} };

/** A small workspace that keeps every boundary. */
const sound: Files = {
  'package.json': { devDependencies: { esbuild: '1' } },
  'packages/protocol/package.json': { name: '@t/protocol', ...none, exports: './src/index.ts' },
  'packages/protocol/src/index.ts': `export const one = 1;\n`,
  'packages/mqtt/package.json': { name: '@t/mqtt', ...none },
  'packages/mqtt/src/index.ts': `export const two = 2;\n`,
  'packages/mqtt/src/node/socket.ts': `import { connect } from 'node:net';\nexport { connect };\n`,
  'packages/server/package.json': { name: '@t/server', dependencies: { '@t/protocol': '1' } },
  'packages/server/src/index.ts': `export * from './relay/relay.ts';\nexport * from './front/front.ts';\n`,
  'packages/server/src/front/front.ts': `import { one } from '@t/protocol';\nexport const front = one;\n`,
  'packages/server/src/relay/relay.ts': `import { front } from '../front/front.ts';\nexport const relay = front;\n`,
  'packages/server/src/relay/relay.test.ts': `import '@t/testing';\nimport './relay.ts';\n`,
  'packages/testing/package.json': { name: '@t/testing', private: true, dependencies: { '@t/server': '1' } },
  'packages/testing/src/index.ts': `export const fake = 0;\n`,
  'conformance/run.ts': `import { spawn } from 'node:child_process';\nexport { spawn };\n`,
};

function tree(t: TestContext, files: Files): string {
  const root = mkdtempSync(join(tmpdir(), 'boundaries-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return root;
}

async function violations(
  t: TestContext,
  changes: Files,
  entries: string[] = [],
): Promise<readonly string[]> {
  return (await checkBoundaries(tree(t, { ...sound, ...changes }), entries)).violations;
}

test('a sound tree has no violation', async (t) => {
  const report = await checkBoundaries(tree(t, sound), ['packages/mqtt/src/index.ts']);
  assert.deepEqual(report, { filesExamined: 8, violations: [] });
});

test('a tree without sources is a violation', async (t) => {
  const report = await checkBoundaries(tree(t, { 'package.json': {} }), []);
  assert.deepEqual(report.violations, ['no source file was examined']);
});

interface Case {
  name: string;
  changes: Files;
  expected: RegExp;
}

const cases: Case[] = [
  {
    name: 'an import that the manifest does not declare',
    changes: { 'packages/protocol/src/index.ts': `import 'left-pad';\n` },
    expected: /protocol\/src\/index.ts: left-pad is not declared/,
  },
  {
    name: 'a development dependency outside tests',
    changes: { 'packages/protocol/src/index.ts': `import 'esbuild';\n` },
    expected: /esbuild is not declared/,
  },
  {
    name: 'a declaration that nothing uses',
    changes: { 'packages/mqtt/package.json': { name: '@t/mqtt', dependencies: { cborg: '1' } } },
    expected: /mqtt\/package.json: cborg is declared and never imported/,
  },
  {
    name: 'mqtt importing a sibling, declared or not',
    changes: {
      'packages/mqtt/package.json': { name: '@t/mqtt', dependencies: { '@t/protocol': '1' } },
      'packages/mqtt/src/index.ts': `import type { one } from '@t/protocol';\n`,
    },
    expected: /mqtt may not import protocol/,
  },
  {
    name: 'an upward import',
    changes: {
      'packages/protocol/package.json': { name: '@t/protocol', dependencies: { '@t/server': '1' } },
      'packages/protocol/src/index.ts': `export {\n  relay,\n} from '@t/server';\n`,
    },
    expected: /protocol may not import server/,
  },
  {
    name: 'a source importing the testing package',
    changes: {
      'packages/server/package.json': {
        name: '@t/server',
        dependencies: { '@t/protocol': '1', '@t/testing': '1' },
      },
      'packages/server/src/front/front.ts': `import { one } from '@t/protocol';\nimport { fake } from '@t/testing';\n`,
    },
    expected: /front.ts: server may not import testing/,
  },
  {
    name: 'a package without a row in the table',
    changes: { 'packages/extra/package.json': { name: '@t/extra' } },
    expected: /packages\/extra: has no row/,
  },
  {
    name: 'a relative path into another package',
    changes: { 'packages/mqtt/src/index.ts': `export * from '../../protocol/src/index.ts';\n` },
    expected: /reaches into another package/,
  },
  {
    name: 'a relative path to nowhere',
    changes: { 'packages/mqtt/src/index.ts': `export * from './gone.ts';\n` },
    expected: /\.\/gone\.ts does not exist/,
  },
  {
    name: 'a folder of the server importing one it may not',
    changes: {
      'packages/server/src/front/front.ts': `import { one } from '@t/protocol';\nimport { relay } from '../relay/relay.ts';\n`,
      'packages/server/src/relay/relay.ts': `export const relay = 1;\n`,
    },
    expected: /front.ts: front may not import relay/,
  },
  {
    name: 'a folder of the server importing the composition root',
    changes: {
      'packages/server/src/domain.ts': `export const domain = 1;\n`,
      'packages/server/src/front/front.ts': `import { one } from '@t/protocol';\nimport { domain } from '../domain.ts';\n`,
    },
    expected: /front may not import domain/,
  },
  {
    name: 'a file of the server that has a row of its own, imported by its own folder',
    changes: {
      'packages/server/src/schedule/expiry.ts': `export const expiry = 1;\n`,
      'packages/server/src/schedule/clock.ts': `import { expiry } from './expiry.ts';\n`,
    },
    expected: /clock.ts: schedule may not import schedule\/expiry/,
  },
  {
    name: 'a folder of the server without a row',
    changes: { 'packages/server/src/attic/old.ts': `export const old = 1;\n` },
    expected: /old.ts: attic has no row/,
  },
  {
    name: 'a cycle of files',
    changes: {
      'packages/protocol/src/index.ts': `export * from './a.ts';\n`,
      'packages/protocol/src/a.ts': `import type { B } from './b.ts';\n`,
      'packages/protocol/src/b.ts': `import type { A } from './a.ts';\n`,
    },
    expected:
      /import cycle: packages\/protocol\/src\/a.ts → packages\/protocol\/src\/b.ts → packages\/protocol/,
  },
  {
    name: 'a cycle of packages',
    changes: {
      'packages/protocol/package.json': { name: '@t/protocol', dependencies: { '@t/server': '1' } },
    },
    expected: /import cycle: @t\/protocol → @t\/server → @t\/protocol/,
  },
  {
    name: 'Node in a browser source',
    changes: { 'packages/protocol/src/index.ts': `import { readFileSync } from 'node:fs';\n` },
    expected: /protocol\/src\/index.ts: node:fs in a browser source/,
  },
  {
    name: 'Node loaded late in a browser source',
    changes: { 'packages/protocol/src/index.ts': `export const late = () => ${dynamic('node:fs')};\n` },
    expected: /node:fs in a browser source/,
  },
  {
    name: 'a built-in module without node:',
    changes: { 'packages/mqtt/src/node/socket.ts': `import 'net';\n` },
    expected: /socket.ts: write node:net/,
  },
  {
    name: 'a conformance runner that knows a package, through a helper',
    changes: {
      'conformance/run.ts': `import './helper.ts';\n`,
      'conformance/helper.ts': `import { one } from '@t/protocol';\n`,
    },
    expected: /conformance\/helper.ts: conformance\/run.ts must stand alone, and this imports @t\/protocol/,
  },
];

for (const { name, changes, expected } of cases) {
  test(`refused: ${name}`, async (t) => {
    assert.match((await violations(t, changes)).join('\n'), expected);
  });
}

test('refused: Node behind a dependency of the browser bundle', async (t) => {
  const changes = {
    'node_modules/deep/package.json': { name: 'deep', main: 'index.js' },
    'node_modules/deep/index.js': `module.exports = require('node:fs');\n`,
    'packages/protocol/package.json': { name: '@t/protocol', dependencies: { deep: '1' } },
    'packages/protocol/src/index.ts': `export * from 'deep';\n`,
  };
  const found = await violations(t, changes, ['packages/protocol/src/index.ts']);
  assert.match(found.join('\n'), /deep\/index\.js: .*node:fs/);
});

test('refused: a browser entry that does not exist', async (t) => {
  assert.match((await violations(t, {}, ['packages/client/src/index.ts'])).join(), /nothing was bundled/);
});

test('the tables are free of cycles and name only their own rows', () => {
  for (const edges of [packageEdges, serverEdges]) {
    assert.deepEqual(findCycles(new Map(Object.entries(edges))), []);
    for (const name of Object.values(edges).flat()) assert.ok(Object.hasOwn(edges, name), name);
  }
});

test('imports are read in every form the formatter leaves', () => {
  const text = [
    `import 'a';`,
    `import b, { type c } from "b";`,
    `import type {\n  d,\n} from './d.ts';`,
    `import * as e from 'e';`,
    `export * from 'f';`,
    `export type { g } from 'g';`,
    `const h = await ${dynamic('h')};`,
    `export const not = 'an import';`,
    `// import 'comment';`,
    `import.meta.url;`,
  ].join('\n');
  assert.deepEqual(readImports(text), ['a', 'b', './d.ts', 'e', 'f', 'g', 'h']);
});

test('an import that cannot be read is an exception', () => {
  assert.throws(() => readImports(`import { a /* b */ } from 'c';\n`), /cannot read/);
});
