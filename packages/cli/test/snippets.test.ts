// SPDX-License-Identifier: Apache-2.0
// What `sealpost dev` prints is pasted into a shell as it stands.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { after, before, test } from 'node:test';
import { Running } from './command.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const tool = missingTool();
let folder: string;
let env: NodeJS.ProcessEnv;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-snippets-'));
  env = {
    ...process.env,
    XDG_RUNTIME_DIR: folder,
    NO_COLOR: '1',
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
  };
});
after(() => rm(folder, { recursive: true, force: true }));

function missingTool(): string | undefined {
  try {
    execFileSync('mosquitto_pub', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    // Its --version ends with 1; only a tool that could not be started is missing.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'mosquitto-clients' : undefined;
  }
}

const skip = tool !== undefined && process.env['CI'] !== 'true' ? `needs the Debian package ${tool}` : false;

test('every printed line works as printed', { skip }, async (t) => {
  assert.equal(tool, undefined, `the Debian package ${tool} is missing`);
  const dev = new Running(['dev'], { XDG_RUNTIME_DIR: folder });
  t.after(() => dev.end());
  await dev.line(/^Ctrl-C ends it/);
  const printed = (start: string): string => {
    const line = dev.lines.find((candidate) => candidate.startsWith(start));
    assert.ok(line, start);
    return line;
  };
  const shell = promisify(execFile);
  const run = async (line: string): Promise<string> =>
    (await shell('sh', ['-c', line], { cwd: root, env })).stdout;

  const desk = spawn('sh', ['-c', `exec ${printed('mosquitto_sub -V 5 -h 127.0.0.1 -p').concat(' -C 1')}`], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const firstLine = once(createInterface({ input: desk.stdout }), 'line');
  await run(printed('mosquitto_pub'));
  const [shown] = (await firstLine) as [string];
  assert.equal(shown, 'mail/inbox/flash/kitchen-alarm@home.test Smoke in the kitchen');

  const evidence = dev.lines.find((line) => line.includes('mail/evidence'));
  assert.ok(evidence);
  const words = await run(`${evidence} -C 2 -W 20`);
  assert.match(words, /mail\/evidence\/[0-9a-f-]{36}\/delivered /);
  assert.match(words, /mail\/evidence\/[0-9a-f-]{36}\/fetched /);

  for (const line of dev.lines.filter((candidate) => candidate.startsWith('npx sealpost'))) {
    if (line.includes(' watch ')) continue;
    assert.notEqual(await run(line), '', line);
  }
  assert.match(await run(`${printed('npx sealpost watch')} --count 1`), /Smoke/);
});
