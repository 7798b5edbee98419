// SPDX-License-Identifier: Apache-2.0
// The commands as a person and a script use them, against two real domains in this process.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openDevSession } from '../src/dev/session.ts';
import type { DevSession } from '../src/dev/session.ts';
import { sealpost } from './command.ts';
import type { Finished } from './command.ts';

let folder: string;
let env: NodeJS.ProcessEnv;
let dev: DevSession;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-commands-'));
  env = { XDG_RUNTIME_DIR: folder };
  dev = await openDevSession({ env, log: () => undefined });
});
after(async () => {
  await dev.close();
  await rm(folder, { recursive: true, force: true });
});

const alarm = ['--as', 'kitchen-alarm@home.test'];
const ann = ['--as', 'ann@home.test'];
const desk = ['--as', 'desk@fire.test'];

type Case = readonly [
  name: string,
  args: readonly string[],
  code: number,
  error: string,
  stdin?: readonly Uint8Array[],
];

function json(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}

async function ok(args: readonly string[], stdin?: readonly Uint8Array[]): Promise<string> {
  const { code, out, talk } = await sealpost(args, { env, ...(stdin === undefined ? {} : { stdin }) });
  assert.equal(code, 0, `${args.join(' ')}: ${talk}`);
  return out;
}

test('send, inbox, watch, act and trace tell one story', async () => {
  const text = 'Rauch in der Küche 🔥\n  second line ';
  const sent = json(
    await ok(
      ['send', 'desk@fire.test', text, ...alarm, '--json', '--subject', 'Smoke'].concat(
        ['--precedence', 'flash', '--expires', '2m'],
        ['--ask', 'fetched,acknowledged', '--wait', 'delivered'],
      ),
    ),
  );
  const id = String(sent['id']);
  const events = (sent['evidence'] as { events: string[]; verified: boolean }[]).map(
    ({ events }) => events[0],
  );
  assert.deepEqual(new Set(events), new Set(['accepted', 'delivered']));

  const listed = json(await ok(['inbox', ...desk, '--json']));
  assert.equal(listed['id'], id);
  assert.match(
    await ok(['inbox', ...desk]),
    /^flash {2}kitchen-alarm@home\.test {2}sender's own seal, device/,
  );

  const watched = json(await ok(['watch', ...desk, '--json', '--count', '1']));
  assert.equal(watched['id'], id);
  assert.equal(watched['text'], text);
  assert.equal(watched['subject'], 'Smoke');
  assert.equal(watched['lane'], 'flash');
  assert.equal(watched['seal'], 'origin');
  assert.equal(watched['verified'], true);
  assert.equal((await sealpost(['inbox', ...desk], { env })).talk, 'Nothing waits.');

  assert.equal(await ok(['act', id, 'acknowledge', ...desk]), `${id}: acknowledged`);
  const words = await acknowledgedTrace(id);
  for (const word of ['accepted', 'relayed', 'delivered', 'fetched', 'acknowledged'])
    assert.ok(words.includes(word), `${word} in ${words.join()}`);
  assert.match(await ok(['trace', id, ...alarm]), /acknowledged .*fire\.test .*verified/);
});

/** The recipient's domain reports the disposition in its own time: asked again until it has come. */
async function acknowledgedTrace(id: string): Promise<string[]> {
  for (;;) {
    const trace = json(await ok(['trace', id, ...alarm, '--json']));
    const evidence = trace['evidence'] as { events: string[]; verified: boolean }[];
    assert.ok(evidence.every(({ verified }) => verified));
    const words = evidence.flatMap(({ events }) => events);
    if (words.includes('acknowledged')) return words;
  }
}

test('[DELIV-3] the same id never makes a second message', async () => {
  const id = '0192a3b4-5c6d-7e8f-9012-3456789abcd0';
  const profile = json(await readFile(join(dev.dataDir, 'profiles', 'kitchen-alarm@home.test.json'), 'utf8'));
  const { mqtts: _mqtts, certFile: _certFile, keyFile: _keyFile, ...stock } = profile;
  const file = join(dev.dataDir, 'profiles', 'stock.json');
  await writeFile(file, JSON.stringify(stock));
  const send = (text: string) => ['send', 'ann@home.test', text, '--profile', file, '--id', id, '--json'];
  assert.equal(json(await ok(send('once')))['id'], id);
  assert.equal(json(await ok(send('once')))['id'], id);
  assertFailure(await sealpost(send('twice'), { env }), 65, 'id-conflict');
  const only = json(await ok(['inbox', ...ann, '--json']));
  assert.deepEqual([only['id'], only['text'], only['seal']], [id, 'once', 'domain']);
  await ok(['watch', ...ann, '--count', '1']);
});

test('[DELIV-10] what a reader did is told to the minute, and once', async () => {
  const sending = ok(['send', 'ann@home.test', 'Yes or no?', ...desk, '--wait', 'acknowledged', '--json']);
  const { id } = json(await ok(['watch', ...ann, '--json', '--count', '1']));
  await ok(['act', String(id), 'acknowledge', ...ann]);
  await ok(['act', String(id), 'acknowledge', ...ann]);
  assertFailure(await sealpost(['act', String(id), 'decline', ...ann], { env }), 65, 'state-conflict');
  const evidence = json(await sending)['evidence'] as { events: string[]; at: string; by?: string }[];
  const acknowledged = evidence.find(({ events }) => events[0] === 'acknowledged');
  assert.match(acknowledged?.at ?? '', /:00Z$/);
});

test('send --wait acknowledged waits for the other side', async () => {
  const sending = ok(['send', 'ann@home.test', 'Coming', ...desk, '--wait', 'acknowledged']);
  const { id } = json(await ok(['watch', ...ann, '--json', '--count', '1']));
  await ok(['act', String(id), 'acknowledge', ...ann]);
  assert.match(await sending, /acknowledged .*home\.test .*verified/);
});

test('the text comes from standard input when it is absent or -', async () => {
  for (const [index, absent] of [[], ['-']].entries()) {
    const text = `line ${index}\n`;
    await ok(['send', 'ann@home.test', ...absent, ...desk], [Buffer.from(text)]);
    assert.equal(json(await ok(['watch', ...ann, '--json', '--count', '1']))['text'], text);
  }
});

test('each failure is one sentence with its code, and a number scripts know', async (t) => {
  const cases: readonly Case[] = [
    ['unknown mailbox', ['send', 'nobody@home.test', 'x', ...alarm], 67, 'mailbox-unknown'],
    ['unknown domain', ['send', 'desk@nowhere.test', 'x', ...alarm], 68, 'peer-unknown'],
    ['bad address', ['send', 'desk', 'x', ...alarm], 65, 'address-invalid'],
    [
      'too long a life',
      ['send', 'desk@fire.test', 'x', ...alarm, '--expires', '31d'],
      65,
      'lifetime-invalid',
    ],
    ['not UTF-8', ['send', 'desk@fire.test', ...alarm], 65, 'body-format', [Uint8Array.of(0xff)]],
    ['too large', ['send', 'desk@fire.test', ...alarm], 65, 'body-too-large', [new Uint8Array(65_537)]],
    ['no such message', ['trace', '0192a3b4-5c6d-7e8f-9012-3456789abcde', ...alarm], 65, 'message-unknown'],
    [
      'not ours to act on',
      ['act', '0192a3b4-5c6d-7e8f-9012-3456789abcde', 'open', ...desk],
      65,
      'message-unknown',
    ],
    ['bad id', ['trace', 'x', ...alarm], 65, 'id-invalid'],
    ['no account', ['inbox'], 64, 'usage'],
    ['no profile', ['inbox', '--as', 'bob@home.test'], 78, 'profile-missing'],
    ['bad duration', ['send', 'desk@fire.test', 'x', ...alarm, '--expires', 'soon'], 64, 'usage'],
    ['bad event', ['send', 'desk@fire.test', 'x', ...alarm, '--ask', 'read'], 64, 'usage'],
    ['bad precedence', ['send', 'desk@fire.test', 'x', ...alarm, '--precedence', 'urgent'], 64, 'usage'],
    ['bad action', ['act', '0192a3b4-5c6d-7e8f-9012-3456789abcde', 'burn', ...desk], 64, 'usage'],
    ['unknown command', ['receive'], 64, 'usage'],
    ['mistyped command', ['snd'], 64, 'usage'],
    ['unknown option', ['inbox', '--loud'], 64, 'usage'],
    [
      'time is up',
      ['send', 'ann@home.test', 'x', ...desk, '--wait', 'fetched', '--timeout', '1s'],
      75,
      'undecided',
    ],
  ];
  for (const [name, args, code, error, stdin] of cases)
    await t.test(name, async () => {
      const finished = await sealpost(args, { env, ...(stdin === undefined ? {} : { stdin }) });
      assertFailure(finished, code, error);
    });
  await ok(['watch', ...ann, '--count', '1']);
});

test('watch ends quietly when it is asked to', async () => {
  const ending = new AbortController();
  const watching = sealpost(['watch', ...ann], { env, ending: ending.signal });
  await ok(['send', 'ann@home.test', 'Anybody there?', ...desk, '--wait', 'fetched']);
  ending.abort();
  const { code, out, talk } = await watching;
  assert.deepEqual([code, talk], [0, '']);
  assert.match(out, /^routine {2}desk@fire\.test .*\n {2}message [0-9a-f-]{36}\n {2}Anybody there\?$/);
});

test('a wrong password and an absent server are told apart', async () => {
  const profile = json(await readFile(join(dev.dataDir, 'profiles', 'ann@home.test.json'), 'utf8'));
  const { mqtts: _mqtts, certFile: _certFile, keyFile: _keyFile, ...plain } = profile;
  const file = join(folder, 'changed.json');
  await writeFile(file, JSON.stringify({ ...plain, password: 'wrong', anchors: [] }));
  assertFailure(await sealpost(['inbox', '--profile', file], { env }), 77, 'credentials-invalid');
  await writeFile(file, JSON.stringify({ ...plain, mqtt: { host: '127.0.0.1', port: 1 }, anchors: [] }));
  assertFailure(await sealpost(['inbox', '--profile', file], { env }), 69, 'unreachable');
});

test('evidence from a domain whose anchor is not the pinned one is not believed', async () => {
  const profile = json(await readFile(join(dev.dataDir, 'profiles', 'kitchen-alarm@home.test.json'), 'utf8'));
  const anchors = profile['anchors'] as { domain: string; authorityFiles: string[] }[];
  const home = anchors.find(({ domain }) => domain === 'home.test');
  assert.ok(home);
  const swapped = {
    ...profile,
    anchors: [home, { domain: 'fire.test', authorityFiles: home.authorityFiles }],
  };
  const file = join(dev.dataDir, 'profiles', 'swapped.json');
  await writeFile(file, JSON.stringify(swapped));
  const args = ['send', 'desk@fire.test', 'x', '--profile', file, '--wait', 'delivered'];
  const { code, talk, out } = await sealpost(args, { env });
  assert.notEqual(code, 0);
  assert.match(talk, /\[certificate-/);
  assert.match(out, /delivered .*NOT VERIFIED/);
  await ok(['watch', ...desk, '--count', '1']);
});

test('every command has help with examples', async () => {
  for (const command of [[], ['dev'], ['send'], ['inbox'], ['watch'], ['act'], ['trace']]) {
    const { code, out } = await sealpost([...command, '--help']);
    assert.equal(code, 0);
    assert.match(out, /Examples:\n {2}sealpost /);
    for (const line of out.split('\n')) assert.ok(line.length <= 100, line);
  }
});

function assertFailure({ code, talk }: Finished, expected: number, error: string): void {
  assert.equal(code, expected, talk);
  const lines = talk.split('\n').filter((line) => line.startsWith('sealpost: '));
  assert.equal(lines.length, 1, talk);
  assert.match(lines[0] ?? '', new RegExp(`\\[${error}\\]$`));
  assert.doesNotMatch(talk, /\n {4}at /);
}
