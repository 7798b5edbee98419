// SPDX-License-Identifier: Apache-2.0
// The program in README.md, run as it stands.
import assert from 'node:assert/strict';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Dev, root, runIn, temporaryDirectory } from './_harness.ts';

test('the four lines of the README send a message and prove its delivery', async (t) => {
  const page = await readFile(join(root, 'README.md'), 'utf8');
  const [, program = ''] = /^<!-- sdk -->\n+```js\n(.*?)^```$/ms.exec(page) ?? [];
  assert.equal(program.trimEnd().split('\n').length, 4);
  const folder = await temporaryDirectory();
  const dev = await Dev.start(join(folder, 'demo'));
  t.after(() => dev.end());
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'hello.js'), program);
  const { code, stdout, stderr } = await runIn(folder, process.execPath, [
    '--conditions=sealpost-source',
    'hello.js',
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^[0-9a-f-]{36} was delivered, signed by fire\.test\n$/);
  assert.equal(stderr, '');
});
