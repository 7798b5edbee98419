// SPDX-License-Identifier: Apache-2.0
// Each mistake of mistakes.ts is answered with one sentence that names the fix, as docs/configuration.md shows it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Domain } from '@sealpost/protocol';
import { initDomain } from '@sealpost/server';
import { Running, sealpost, type Finished } from './command.ts';
import { mistakes, type Mistake, type Place } from './mistakes.ts';

const page = fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url));
const table = /(<!-- mistakes -->\n)([^]*?)(<!-- \/mistakes -->)/;

async function place(t: TestContext): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'sealpost-mistakes-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const made = await initDomain({
    domain: 'home.test' as Domain,
    directory: folder,
    host: 'localhost',
    isLocal: true,
  });
  assert.ok(made);
  const { file } = made;
  await sealpost(['account', 'add', 'ann@home.test', '--generate-password', '--config', file]);
  return {
    folder,
    file,
    edit: async (change) => writeFile(file, change(await readFile(file, 'utf8'))),
  };
}

function answer({ args, env = {}, stdin }: Mistake, { folder, file }: Place): Promise<Finished> {
  const typed = args.split(' ').map((word) => word.replace(/^FILE$/, file).replace(/^DIR/, folder));
  return sealpost(typed, { env, ...(stdin === undefined ? {} : { stdin: [Buffer.from(stdin)] }) });
}

/** As a page can show it, whatever this run's folder was. */
function shown(talk: string, { folder, file }: Place): string {
  return talk
    .replaceAll(file, 'sealpost.toml')
    .replace(/\.toml:[0-9]+/, '.toml:LINE')
    .replaceAll(`${folder}/`, '')
    .replaceAll(folder, 'DIR');
}

test('each mistake is one sentence that names the fix, as the page shows it', async (t) => {
  const rows: string[] = [];
  for (const mistake of mistakes)
    await t.test(mistake.name, async (t) => {
      const at = await place(t);
      await mistake.make?.(at);
      const { code, out, talk } = await answer(mistake, at);
      assert.deepEqual([code, out], [mistake.code, ''], talk);
      const sentence = shown(talk, at);
      assert.match(sentence, new RegExp(`^sealpost: [^\n]+[.?)] \\[${mistake.error}\\]$`));
      // A fix is an order, a choice, or the name that was meant.
      assert.match(sentence, /; |must be|Allowed choices|did you mean|Did you mean|Give /);
      rows.push(`| ${mistake.name} | ${cell(sentence)} | ${code} |\n`);
    });
  const expected = ['| mistake | what the command says | exit code |\n| --- | --- | --- |\n', ...rows].join(
    '',
  );
  const text = await readFile(page, 'utf8');
  if (process.env['SEALPOST_TEST_WRITE'] === '1')
    await writeFile(
      page,
      text.replace(table, (_all, head: string, _old, end: string) => `${head}\n${expected}\n${end}`),
    );
  else assert.equal(unpadded(table.exec(text)?.[2] ?? ''), unpadded(expected));
});

function cell(sentence: string): string {
  const said = sentence.replace(/^sealpost: /, '').replaceAll('|', '\\|');
  return `\`${said.replaceAll('`', "'")}\``;
}

/** The formatter pads the columns of a table. */
function unpadded(rows: string): string {
  return rows.trim().replace(/ +\|/g, ' |').replace(/-+/g, '-');
}

test('a port that is taken is named', async (t) => {
  const at = await place(t);
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const { code, talk } = await sealpost([
    'serve',
    '--config',
    at.file,
    '--set',
    `listen.mqtt=127.0.0.1:${port}`,
  ]);
  assert.equal(code, 69);
  assert.equal(
    talk,
    `sealpost: Port ${port} is already in use; end what listens there, or choose another. [port-in-use]`,
  );
});

test('a second serve on the same folder does not begin', async (t) => {
  const at = await place(t);
  const free = ['mqtt', 'mqtts', 'relay'].flatMap((name) => ['--set', `listen.${name}=127.0.0.1:0`]);
  const first = new Running(['serve', '--config', at.file, ...free]);
  t.after(() => first.end());
  await first.line(/ is up, /);
  const second = await sealpost(['serve', '--config', at.file, ...free], { ending: AbortSignal.abort() });
  assert.equal(second.code, 78);
  assert.match(
    second.talk,
    /^sealpost: Another sealpost serve runs on .*; end that one first, or .*\. \[config-invalid\]$/,
  );
  assert.equal((await first.end()).code, 0);
  assert.equal(
    (await sealpost(['serve', '--config', at.file, ...free], { ending: AbortSignal.abort() })).code,
    0,
  );
});
