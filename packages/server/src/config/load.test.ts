// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { variableOf } from './environment.ts';
import { keys } from './keys.ts';
import { loadConfig, type LoadOptions, type LoadedConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { parsePlace } from './values.ts';

let folder: string;
let file: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-config-'));
  file = join(folder, 'sealpost.toml');
});
after(() => rm(folder, { recursive: true, force: true }));

async function load(text: string, more: Partial<LoadOptions> = {}): Promise<LoadedConfig> {
  await writeFile(file, text);
  return loadConfig({ file, env: {}, ...more });
}

async function problems(text: string, more: Partial<LoadOptions> = {}): Promise<readonly string[]> {
  try {
    await load(text, more);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map(({ sentence }) => sentence.replaceAll(file, 'FILE'));
  }
  return [];
}

function peer(name: string): string {
  return `[[peer]]\ndomain = "${name}"\nanchor = "sha256:${'0a'.repeat(32)}"\n`;
}

const small = 'domain = "home.test"\n';

test('flags win over the environment, the environment over the file, the file over defaults', async () => {
  const text = `${small}[log]\nlevel = "warn"\nformat = "json"\n[limits]\nconnections = 7\n`;
  const env = { SEALPOST_LOG_LEVEL: 'error', SEALPOST_LIMITS_CONNECTIONS: '8', OTHER: 'x' };
  const { config, origins } = await load(text, { env, flags: ['limits.connections=9'] });
  assert.deepEqual(config.log, { level: 'error', format: 'json' });
  assert.equal(config.limits.connections, 9);
  assert.equal(config.limits.drain_seconds, 20);
  assert.equal(origins.get('domain'), `${file}:1`);
  assert.equal(origins.get('log.format'), `${file}:4`);
  assert.equal(origins.get('log.level'), 'SEALPOST_LOG_LEVEL');
  assert.equal(origins.get('limits.connections'), '--set limits.connections');
  assert.equal(origins.get('limits.drain_seconds'), 'default');
});

test('a variable with _FILE behind it gives the content of that file', async () => {
  const secret = join(folder, 'domain.txt');
  await writeFile(secret, 'fire.test\n');
  const { config, origins } = await load(small, { env: { SEALPOST_DOMAIN_FILE: secret } });
  assert.equal(config.domain, 'fire.test');
  assert.equal(origins.get('domain'), `SEALPOST_DOMAIN_FILE (${secret})`);
});

test('every key that the file can have once has a variable of its own', () => {
  const variables = keys.filter(({ isRepeated }) => !isRepeated).map(({ name }) => variableOf(name));
  assert.equal(new Set(variables).size, variables.length);
  assert.ok(variables.includes('SEALPOST_TLS_KEY_FILE'));
});

test('paths are relative to the file, and peers keep their places', async () => {
  const { config, origins, at } = await load(`${small}${peer('a.test')}${peer('b.test')}`);
  assert.equal(at(config.data), join(folder, 'data'));
  assert.equal(origins.get('peer.1.domain'), `${file}:6`);
  assert.equal(config.peer[1]?.anchor?.length, 32);
});

test('everything that is wrong is said, each with its line', async () => {
  const text =
    'domain = "home.test"\nhots = "x"\n[listen]\nmqtt = "192.0.2.1:1883"\n[limits]\ndrain_seconds = 1.5\n';
  assert.deepEqual(await problems(text, { flags: ['log.level=loud'] }), [
    'FILE:4: listen.mqtt is on 192.0.2.1, which others can reach, and nothing is encrypted there; write "127.0.0.1:1883", and offer mqtts to others.',
    '--set log.level: log.level must be one of "error", "warn", "info", "debug".',
    'FILE:6: limits.drain_seconds must be a whole number from 0 to 600.',
    'FILE:2: there is no key hots; did you mean host?',
  ]);
});

test('the same key twice, a file of no TOML, and none at all', async () => {
  assert.match(
    (await problems(`${small}${small}`))[0] ?? '',
    /^FILE:2 is not TOML: .+; correct that line\.$/,
  );
  assert.match((await problems('\u0000'))[0] ?? '', /^FILE:1 is not TOML/);
  assert.deepEqual(await problems(''), ['FILE: domain is missing; name the domain, as in "home.example".']);
  const [missing] = await problems(small, { file: join(folder, 'none.toml') });
  assert.match(missing ?? '', /^There is no .*none\.toml; /);
});

test('a place is a host and a port, and nothing that only looks like one', () => {
  assert.deepEqual(parsePlace('[::1]:8883'), { host: '::1', port: 8883 });
  assert.deepEqual(parsePlace('mail.home.test:0'), { host: 'mail.home.test', port: 0 });
  for (const text of ['', ':1', '::1:8883', 'h', 'h:', 'h:65536', 'h:1x', '[h]:1', 'h :1', '[::1]'])
    assert.equal(parsePlace(text), undefined, text);
});
