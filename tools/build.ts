// SPDX-License-Identifier: Apache-2.0
// Compiles the packages to dist/, lowest first, as they are published: each against the declarations of the ones below
// it. Nothing in the repository itself runs from dist/.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageEdges, testOnlyPackage } from './boundaries/rules.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const compiler = join(root, 'node_modules/.bin/tsc');

function build(folder: string): void {
  const base = join(root, 'packages', folder);
  const project = join(base, 'tsconfig.build.json');
  rmSync(join(base, 'dist'), { recursive: true, force: true });
  copyFileSync(join(root, 'LICENSE'), join(base, 'LICENSE'));
  writeFileSync(
    project,
    JSON.stringify({
      extends: '../../tsconfig.build.json',
      compilerOptions: { rootDir: 'src', outDir: 'dist' },
      include: ['src'],
      exclude: ['src/**/*.test.ts'],
    }),
  );
  try {
    execFileSync(compiler, ['-p', project], { stdio: 'inherit' });
  } finally {
    rmSync(project);
  }
}

const wanted = process.argv.slice(2);
for (const folder of Object.keys(packageEdges)) {
  const isWanted = wanted.length === 0 ? folder !== testOnlyPackage : wanted.includes(folder);
  if (isWanted && existsSync(join(root, 'packages', folder, 'src'))) build(folder);
}
