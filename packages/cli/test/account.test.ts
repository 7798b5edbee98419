// SPDX-License-Identifier: Apache-2.0
// The commands of an operator, against a domain that was prepared and does not run.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../src/run.ts';
import { sealpost, type Finished } from './command.ts';
import { recordingTerminal } from './recording-terminal.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const nobody = 65_534;

async function prepared(t: TestContext): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sealpost-account-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await ok(['init', 'home.test', '--local', '--directory', folder]);
  return { folder, file: join(folder, 'sealpost.toml') };
}

async function ok(args: readonly string[], options: Parameters<typeof sealpost>[1] = {}): Promise<string> {
  const { code, out, talk } = await sealpost(args, options);
  assert.equal(code, 0, `${args.join(' ')}: ${talk}`);
  return out;
}

function json(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}

async function modes(folder: string): Promise<Record<string, number>> {
  const names = await readdir(folder, { recursive: true });
  const entries = names.map(async (name) => [name, (await stat(join(folder, name))).mode & 0o777] as const);
  return Object.fromEntries(await Promise.all(entries));
}

test('init: keys are readable by their owner only, and the lines it prints work as they are', async (t) => {
  const { folder, file } = await prepared(t);
  for (const [name, mode] of Object.entries(await modes(folder)))
    if (name === 'data') assert.equal(mode, 0o700);
    else if (name.endsWith('.pem')) assert.equal(mode, 0o644, name);
    else assert.equal(mode, 0o600, name);
  const second = join(folder, 'second');
  const lines = (await ok(['init', 'fire.test', '--directory', second])).split('\n');
  const commands = lines
    .filter((line) => line.startsWith('  sealpost '))
    .map((line) => line.trim().split(' '));
  assert.deepEqual(
    commands.map(([, verb]) => verb),
    ['account', 'serve', 'config'],
  );
  const [add = [], , peer = []] = commands;
  await ok([...add.slice(1), '--generate-password']);
  const entry = await ok(peer.slice(1));
  assert.match(
    entry,
    /^\n\[\[peer\]\]\ndomain = "fire\.test"\naddress = "fire\.test:8884"\nanchor = "sha256:[0-9a-f]{64}"$/,
  );
  await ok(['config', 'check', '--config', file]);
});

test('account add asks for a password twice, and shows it nowhere', async (t) => {
  const { file } = await prepared(t);
  const add = async (...answers: string[]): Promise<Finished> => {
    const terminal = recordingTerminal();
    const code = await run(['account', 'add', 'ann@home.test', '--config', file], {
      terminal,
      env: {},
      stdin: (async function* () {})(),
      ending: new AbortController().signal,
      askSecret: async () => answers.shift() ?? '',
    });
    return { code, out: terminal.written.join('\n'), talk: terminal.said.join('\n') };
  };
  assert.match((await add('open sesame', 'open sesamy')).talk, /The two passwords differ/);
  const added = await add('open sesame', 'open sesame');
  assert.equal(added.code, 0, added.talk);
  assert.match(
    added.out,
    /^ann@home\.test is added: person, sends up to priority\. The credential is [0-9a-f]{12}\.$/,
  );
  assert.doesNotMatch(added.out + added.talk, /sesame/);
});

test('what an account may do is set, listed and taken back; no hash is ever shown', async (t) => {
  const { folder, file } = await prepared(t);
  const account = (...args: string[]): Promise<string> => ok(['account', ...args, '--config', file]);
  const grants = ['--grant', 'flash,device,home.test', '--grant', 'immediate,ann@fire.test'];
  const added = json(
    await account('add', 'desk@home.test', '--kind', 'role', ...grants, '--generate-password', '--json'),
  );
  assert.match(String(added['password']), /^[a-z2-9]{20}$/);
  await account('set', 'desk@home.test', '--ceiling', 'flash');
  await account('disable', 'desk@home.test');
  const listed = json(await account('list', '--json'));
  assert.deepEqual(
    [listed['kind'], listed['ceiling'], listed['grants'], listed['isDisabled']],
    ['role', 'flash', ['flash,device,home.test', 'immediate,ann@fire.test'], true],
  );
  await account('enable', 'desk@home.test');
  assert.match(await account('set', 'desk@home.test', '--no-grants'), /sends up to flash {2}grants nothing/);
  const keys = join(folder, 'keys');
  const made = json(await account('credential', 'add', 'desk@home.test', '--certificate', keys, '--json'));
  assert.deepEqual(await modes(keys), { 'desk@home.test.key': 0o600, 'desk@home.test.pem': 0o644 });
  const again = await sealpost([
    'account',
    'credential',
    'add',
    'desk@home.test',
    '--certificate',
    keys,
    '--config',
    file,
  ]);
  assert.match(again.talk, /is there already, and was not touched; .* \[already-there\]$/);
  await account('credential', 'revoke', 'desk@home.test', String(made['credential']));
  const shown = await account('credential', 'list', 'desk@home.test');
  assert.match(
    shown,
    new RegExp(`^${String(made['credential'])}  certificate .* ends \\d.* revoked \\d`, 'm'),
  );
  assert.doesNotMatch(shown + JSON.stringify(listed), /argon2id|salt/);
});

test('a profile can be carried away: its files lie beside it, and nobody else may read it', async (t) => {
  const { folder, file } = await prepared(t);
  const away = join(folder, 'away');
  const profile = join(away, 'ann.json');
  const args = ['account', 'add', 'ann@home.test', '--generate-password', '--profile', profile];
  const added = json(await ok([...args, '--reach', 'mail.home.test:443', '--config', file, '--json']));
  const written = json(await readFile(profile, 'utf8'));
  assert.deepEqual(written['mqtts'], { host: 'mail.home.test', port: 443, caFile: 'ann-tls-authority.pem' });
  assert.equal(written['password'], added['password']);
  assert.deepEqual(await modes(away), { 'ann-tls-authority.pem': 0o644, 'ann.json': 0o600 });
});

test('a password that is shown only once is shown even if the profile cannot be written', async (t) => {
  const { folder, file } = await prepared(t);
  // A folder is in the place of the file.
  const profile = join(folder, 'data');
  const args = ['account', 'add', 'ann@home.test', '--generate-password', '--profile', profile, '--json'];
  const { code, out } = await sealpost([...args, '--config', file]);
  assert.notEqual(code, 0);
  const { password, profile: written } = json(out);
  assert.equal(typeof password, 'string');
  assert.equal(written, undefined);
});

test('a store of a newer program is left alone, and one sentence says so', async (t) => {
  const { folder, file } = await prepared(t);
  const path = join(folder, 'data/accounts.sqlite');
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
  for (const command of ['account list', 'serve']) {
    const { code, talk } = await sealpost([...command.split(' '), '--config', file], {
      ending: AbortSignal.abort(),
    });
    assert.equal(code, 78);
    assert.match(
      talk,
      /^sealpost: .*accounts\.sqlite has layout 99, .*: run the newer program .*\. \[store-newer\]$/,
    );
  }
});

test('config show says what is in force and who said so', async (t) => {
  const { file } = await prepared(t);
  const args = ['config', 'show', '--origin', '--config', file, '--set', 'limits.connections=5'];
  const shown = await ok(args, { env: { SEALPOST_LOG_LEVEL: 'warn' } });
  assert.match(shown, /^domain = "home\.test" +# .*sealpost\.toml:3$/m);
  assert.match(shown, /^log\.level = "warn" +# SEALPOST_LOG_LEVEL$/m);
  assert.match(shown, /^limits\.connections = 5 +# --set limits\.connections$/m);
  assert.match(shown, /^log\.format = "auto" +# default$/m);
});

test('a data folder that may not be written is named, with the fix', async (t) => {
  const { folder, file } = await prepared(t);
  const data = join(folder, 'data');
  const isRoot = process.getuid?.() === 0;
  // Nothing is forbidden to root, so nobody tries.
  if (isRoot)
    for (const name of ['.', ...(await readdir(folder, { recursive: true }))])
      await chown(join(folder, name), nobody, nobody);
  await chmod(data, 0o500);
  const args = ['--conditions=sealpost-source', main, 'config', 'check', '--config', file];
  const child = spawn(process.execPath, args, isRoot ? { uid: nobody, gid: nobody } : {});
  let talk = '';
  child.stderr.on('data', (chunk: Buffer) => (talk += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  await chmod(data, 0o700);
  assert.equal(code, 77, talk);
  assert.equal(
    talk,
    `sealpost: ${data} may not be written by this user; give it to whoever runs sealpost, with chown. [config-invalid]\n`,
  );
});
