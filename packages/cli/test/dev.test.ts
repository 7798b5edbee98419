// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Running } from './command.ts';

let folder: string;
let env: NodeJS.ProcessEnv;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-dev-test-'));
  env = { XDG_RUNTIME_DIR: folder };
});
after(() => rm(folder, { recursive: true, force: true }));

const columnsMax = 100;
const endSecondsMax = 5;

interface ReadyLine {
  ready: boolean;
  dataDir: string;
  domains: {
    domain: string;
    mqtt: { host: string; port: number };
    mqtts: { host: string; port: number; caFile: string };
  }[];
  accounts: { address: string; kind: string; password: string; certFile: string; keyFile: string }[];
}

test('dev --once tells the story and ends well', async () => {
  const { code, out, talk } = await new Running(['dev', '--once'], env).finished;
  assert.equal(code, 0, talk);
  assert.match(out, /kitchen-alarm@home\.test sends flash to desk@fire\.test/);
  const signers: readonly [string, string][] = [
    ['accepted', 'home.test'],
    ['relayed', 'fire.test'],
    ['delivered', 'fire.test'],
    ['fetched', 'fire.test'],
    ['acknowledged', 'fire.test'],
  ];
  for (const [word, domain] of signers)
    assert.match(out, new RegExp(`^ +${word} +\\S+Z +${domain} +domain-seal +verified`, 'm'));
  assert.doesNotMatch(out, /mosquitto|npx/);
  assert.doesNotMatch(out, new RegExp(String.fromCodePoint(0x1b)));
  for (const line of out.split('\n')) assert.ok(line.length <= columnsMax, line);
});

test('dev --json writes one line, keeps its word about files, and ends on SIGTERM with 0', async () => {
  const dev = new Running(['dev', '--json'], env);
  const ready = JSON.parse(await dev.line(/./)) as ReadyLine;
  assert.deepEqual(Object.keys(ready), ['ready', 'dataDir', 'domains', 'accounts']);
  assert.equal(ready.ready, true);
  assert.deepEqual(
    ready.domains.map(({ domain }) => domain),
    ['home.test', 'fire.test'],
  );
  for (const domain of ready.domains) {
    assert.deepEqual(Object.keys(domain), ['domain', 'mqtt', 'mqtts', 'ws']);
    assert.deepEqual(Object.keys(domain.mqtt), ['host', 'port']);
    assert.deepEqual(Object.keys(domain.mqtts), ['host', 'port', 'caFile']);
    await access(domain.mqtts.caFile);
  }
  const kinds = ready.accounts.map(({ address, kind }) => `${address} ${kind}`);
  assert.deepEqual(kinds, ['kitchen-alarm@home.test device', 'ann@home.test person', 'desk@fire.test role']);
  for (const account of ready.accounts) {
    assert.deepEqual(Object.keys(account), [
      'address',
      'kind',
      'username',
      'password',
      'certFile',
      'keyFile',
    ]);
    assert.match(await readFile(account.certFile, 'utf8'), /BEGIN CERTIFICATE/);
    assert.equal((await stat(account.keyFile)).mode & 0o077, 0);
  }
  const { code, out } = await dev.end();
  assert.equal(code, 0);
  assert.equal(out.split('\n').length, 1);
  await assert.rejects(access(ready.dataDir), 'a temporary folder is removed');
});

test('SIGTERM ends it with 0 and soon, whoever is connected', async (t) => {
  const dev = new Running(['dev', '--json'], env);
  const { domains } = JSON.parse(await dev.line(/./)) as ReadyLine;
  const [home] = domains;
  assert.ok(home);
  // One that has sent nothing, one that sent half a packet, and a reader that is signed in.
  const silent = connect(home.mqtt);
  const halfway = connect(home.mqtt);
  t.after(() => [silent, halfway].forEach((socket) => socket.destroy()));
  await Promise.all([once(silent, 'connect'), once(halfway, 'connect')]);
  halfway.write(Uint8Array.of(0x10, 0x40, 0x00));
  const reader = new Running(['watch', '--as', 'desk@fire.test', '--json'], env);
  const sent = new Running(
    ['send', 'desk@fire.test', 'x', '--as', 'kitchen-alarm@home.test', '--wait', 'fetched'],
    env,
  );
  await reader.line(/"text":"x"/);
  assert.equal((await sent.finished).code, 0);
  const before = process.hrtime.bigint();
  assert.equal((await dev.end()).code, 0);
  const tookSeconds = Number(process.hrtime.bigint() - before) / 1e9;
  assert.ok(tookSeconds < endSecondsMax, `${tookSeconds} s`);
  // It would wait for the server; asked to end, it does.
  const { code, talk } = await reader.end();
  assert.equal(code, 0, talk);
  assert.match(talk, /^(connection lost[^\n]+\n)?$/);
});

test('a data folder keeps its accounts and passwords', async () => {
  const data = join(folder, 'data');
  const start = async (): Promise<ReadyLine> => {
    const dev = new Running(['dev', '--json', '--data', data], env);
    const ready = JSON.parse(await dev.line(/./)) as ReadyLine;
    assert.equal((await dev.end('SIGINT')).code, 0);
    return ready;
  };
  const first = await start();
  const second = await start();
  assert.equal(first.dataDir, data);
  assert.deepEqual(
    second.accounts.map(({ password }) => password),
    first.accounts.map(({ password }) => password),
  );
  assert.equal((await stat(join(data, 'profiles', 'desk@fire.test.json'))).mode & 0o777, 0o600);
});

test('a port in use is one plain sentence', async (t) => {
  const blocker = createServer();
  t.after(() => blocker.close());
  await new Promise<void>((resolve) => {
    blocker.listen(0, '127.0.0.1', resolve);
  });
  const { port } = blocker.address() as AddressInfo;
  const { code, out, talk } = await new Running(['dev', '--json', '--port-base', String(port)], env).finished;
  assert.equal(code, 69);
  assert.equal(out, '');
  assert.match(talk, /^sealpost: Port \d+ is already in use; .+\. \[port-in-use\]\n$/);
});

test('--once and --json together are a mistake', async () => {
  const { code, talk } = await new Running(['dev', '--once', '--json'], env).finished;
  assert.equal(code, 64);
  assert.match(talk, /^sealpost: .*cannot be used with.* \[usage\]\n$/);
});
