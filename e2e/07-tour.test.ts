// SPDX-License-Identifier: Apache-2.0
// The tour of README.md, run as it stands: a reader who pastes it sees what the page says.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { requireTool } from '@sealpost/testing';
import { federation, root, temporaryDirectory } from './_harness.ts';

const tourSecondsMax = 90;
const stepsMin = 7;

/** The blocks that follow a `<!-- tour -->`, or another such mark, in order. */
async function tour(mark = 'tour', least = stepsMin): Promise<string[]> {
  const page = await readFile(join(root, 'README.md'), 'utf8');
  const block = new RegExp(`^<!-- ${mark} -->\\n+\`\`\`sh\\n(.*?)^\`\`\`$`, 'gms');
  const steps = [...page.matchAll(block)].map(([, step = '']) => step);
  assert.equal(steps.length, page.split(`<!-- ${mark} -->`).length - 1, 'each mark is followed by a block');
  assert.ok(steps.length >= least);
  return steps;
}

interface Walked {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Processes of the tour that were still there when its shell had ended. */
  readonly isLeftBehind: boolean;
}

/** One shell over all steps, in a process group of its own; the group is ended when time is up. */
async function walk(steps: readonly string[], folder: string): Promise<Walked> {
  const shell = spawn('sh', ['-e', '-c', steps.join('\n')], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: tourSecondsMax * 1000,
    env: {
      ...process.env,
      TMPDIR: folder,
      XDG_RUNTIME_DIR: folder,
      NO_COLOR: '1',
      PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    },
  });
  let stdout = '';
  let stderr = '';
  shell.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const closed = once(shell, 'close');
  const [code, signal] = (await once(shell, 'exit')) as [number | null, NodeJS.Signals | null];
  const isLeftBehind = endGroup(shell.pid);
  await closed;
  return { code, signal, stdout, stderr, isLeftBehind };
}

/** Whether there was anything to end. */
function endGroup(leader: number | undefined): boolean {
  assert.ok(leader !== undefined);
  try {
    return process.kill(-leader, 'SIGKILL');
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    return false;
  }
}

const id = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}';

/** What the page promises, as lines of the output. The desk's lines come in between the others. */
const promised: readonly RegExp[] = [
  /^mail\/inbox\/flash\/kitchen-alarm@home\.test Smoke in the kitchen$/,
  new RegExp(`^mail/evidence/${id}/delivered delivered: desk@fire\\.test, `),
  new RegExp(`^mail/evidence/${id}/fetched fetched: desk@fire\\.test, `),
  /^mail\/inbox\/flash\/kitchen-alarm@home\.test Smoke in the hall$/,
  /^mail\/inbox\/flash\/kitchen-alarm@home\.test Smoke in the attic$/,
  new RegExp(`^${id}: acknowledged$`),
  new RegExp(`^${id} → desk@fire\\.test {2}delivered · fetched$`),
  /^ {2}accepted +\S+Z +home\.test +domain-seal +verified \(static anchor\)$/,
  /^ {2}relayed, delivered +\S+Z +fire\.test +domain-seal +verified \(static anchor\)$/,
  /^ {2}fetched +\S+Z +fire\.test +domain-seal +verified \(static anchor\)$/,
  /^ {2}acknowledged +\S+Z +fire\.test +domain-seal +verified \(static anchor\), by desk@fire\.test$/,
];

test('the tour of the README does what it says, beside another federation, and leaves nothing behind', async (t) => {
  if (!requireTool(t, 'mosquitto_pub', 'mosquitto-clients')) return;
  await federation(t);
  const folder = await temporaryDirectory();
  const { code, signal, stdout, stderr, isLeftBehind } = await walk(await tour(), folder);
  assert.deepEqual([code, signal], [0, null], stderr);
  const lines = stdout.split('\n').filter((line) => line !== '');
  for (const pattern of promised) {
    const hits = lines.filter((line) => pattern.test(line));
    assert.equal(hits.length, 1, `${pattern} in\n${stdout}`);
  }
  assert.equal(lines.length, promised.length, stdout);
  assert.ok(!isLeftBehind, 'a process of the tour is still there');
  // npx keeps its compiled code there; all else in the folder would be the tour's.
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name !== 'node-compile-cache'),
    [],
  );
});

test('what the README shows is what the tour and the story print', async () => {
  const page = await readFile(join(root, 'README.md'), 'utf8');
  const shown = [...page.matchAll(/^```text\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n'));
  for (const pattern of promised.filter(({ source }) => !/hall|attic/.test(source)))
    assert.ok(
      shown.some((line) => pattern.test(line)),
      String(pattern),
    );
});

/** What the page promises of a domain of one's own, as lines of the output; the others are talk. */
const promisedOfDomains: readonly RegExp[] = [
  /^home\.test is prepared: /,
  /^fire\.test is prepared: /,
  /^alarm@home\.test is added: device, sends up to flash\. /,
  /^desk@fire\.test is added: role, sends up to priority\. /,
  /^home\.test is up, as .*: mqtt on 127\.0\.0\.1:\d+, mqtts on .*, relay on /,
  /^fire\.test is up, /,
  /^ {2}delivered +\S+Z +fire\.test +domain-seal +verified \(static anchor\)$/,
  /^flash {2}alarm@home\.test {2}sender's own seal, device, static anchor$/,
  new RegExp(`^ {2}message ${id}$`),
  /^ {2}Smoke in the kitchen$/,
  /^alarm@home\.test is disabled: /,
];

test('a domain of your own: the lines of the README run, apart from the numbers of ports', async () => {
  const folder = await temporaryDirectory();
  const [home, fire] = await freePortBases();
  const steps = (await tour('domain', 5)).map((step) => step.replace('18830', home).replace('18840', fire));
  const { code, signal, stdout, stderr, isLeftBehind } = await walk(steps, folder);
  assert.deepEqual([code, signal], [0, null], stderr);
  const lines = stdout.split('\n');
  for (const pattern of promisedOfDomains)
    assert.equal(lines.filter((line) => pattern.test(line)).length, 1, `${pattern} in\n${stdout}`);
  assert.match(stderr, /home\.test ends: no new connections/);
  assert.ok(!isLeftBehind, 'a process of the tour is still there');
});

/** The page has fixed ones, which somebody else may use here. */
async function freePortBases(): Promise<[string, string]> {
  const first = createServer().listen(0, '127.0.0.1');
  await once(first, 'listening');
  const { port } = first.address() as AddressInfo;
  first.close();
  await once(first, 'close');
  // Below the range that the system hands out, and another one every time.
  const base = 10_000 + ((port * 8) % 20_000);
  return [String(base), String(base + 4)];
}
