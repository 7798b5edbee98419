// SPDX-License-Identifier: Apache-2.0
// The files that an operator installs, and the page that explains them, against the program as it is.
import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseExposition, requireTool } from '@sealpost/testing';
import { root, run, temporaryDirectory } from './_harness.ts';
import { Prepared, Served } from './_served.ts';

function text(...path: string[]): Promise<string> {
  return readFile(join(root, ...path), 'utf8');
}

test('systemd takes the unit, and its sandbox is as tight as the docs say', async (t) => {
  const analyze = requireTool(t, 'systemd-analyze', 'systemd');
  if (analyze === undefined) return;
  const unit = await text('deploy/sealpost.service');
  const place = join(await temporaryDirectory(), 'sealpost.service');
  // Where the command is not installed, another that exists.
  await writeFile(place, unit.replace('/usr/bin/sealpost', process.execPath));
  const verified = await run(analyze, ['verify', place]);
  assert.deepEqual(verified, { code: 0, stdout: '', stderr: '' });
  const { stdout } = await run(analyze, ['security', '--offline=true', place]);
  const [, level] = /exposure level for sealpost\.service: ([0-9.]+)/.exec(stdout) ?? [];
  assert.match(await text('docs/operations.md'), new RegExp(`exposure level of ${level} `));
});

test('the image is made of files that are there, and its health check tells a domain that runs from none', async (t) => {
  const file = (await text('deploy/Containerfile')).replaceAll('\\\n', '');
  const copied = [...file.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  );
  assert.ok(copied.length > 5);
  for (const source of copied) await access(join(root, source));
  const scripts = (JSON.parse(await text('package.json')) as { scripts: Record<string, string> }).scripts;
  for (const [, script = ''] of file.matchAll(/npm run ([\w:-]+)/g)) assert.ok(scripts[script], script);
  const bin = (JSON.parse(await text('packages/cli/package.json')) as { bin: Record<string, string> }).bin;
  const [, entry = ''] = /^ENTRYPOINT \[".*\/([^/]+)"\]$/m.exec(file) ?? [];
  await access(join(root, 'packages/cli', bin[entry] ?? entry));

  const [, health = ''] = /^HEALTHCHECK .* CMD (\[.*\])$/m.exec(file) ?? [];
  const [, command = ''] = /^CMD (\[.*\])$/m.exec(file) ?? [];
  const place = (JSON.parse(command) as string[]).find((word) => word.startsWith('operations.listen='));
  const prepared = await Prepared.init('home.test');
  const served = await Served.start(t, prepared, '--set', 'operations.listen=127.0.0.1:0');
  const { operationsPort } = served.ready as unknown as { operationsPort: number };
  const [, ...args] = JSON.parse(health) as string[];
  const port = place?.split(':')[1] ?? '';
  assert.ok(args.some((word) => word.includes(`:${port}/readyz`)));
  const here = args.map((word) => word.replace(`:${port}/`, `:${operationsPort}/`));
  assert.equal((await run(process.execPath, here)).code, 0);
  await served.end();
  assert.equal((await run(process.execPath, here)).code, 1);
});

test('the docs name every metric there is and no other, and the alerts use only such', async (t) => {
  const prepared = await Prepared.init('home.test');
  const served = await Served.start(t, prepared, '--set', 'operations.listen=127.0.0.1:0');
  const { operationsPort } = served.ready as unknown as { operationsPort: number };
  const page = await fetch(`http://127.0.0.1:${operationsPort}/metrics`);
  const there = new Set(parseExposition(await page.text()).keys());
  assert.ok(there.size > 30);
  const docs = await text('docs/operations.md');
  const alerts = await text('deploy/alerts.yaml');
  const documented = namesIn(docs);
  assert.deepEqual(documented, there);
  for (const name of namesIn(alerts)) assert.ok(there.has(name.replace(/_(bucket|sum|count)$/, '')), name);
  const named = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  const explained = [...docs.matchAll(/^\| `(Sealpost\w+)`/gm)].map(([, name]) => name);
  assert.deepEqual(new Set(explained), new Set(named));
});

function namesIn(of: string): ReadonlySet<string> {
  return new Set([...of.matchAll(/\b(?:sealpost|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name));
}
