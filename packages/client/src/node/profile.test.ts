// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readProfile, writeProfile } from './profile.ts';
import type { Profile } from './profile.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sealpost-profile-'));
});
after(() => rm(directory, { recursive: true, force: true }));

const profile: Profile = {
  address: 'desk@fire.test',
  kind: 'role',
  mqtt: { host: '127.0.0.1', port: 1883 },
  mqtts: { host: 'localhost', port: 8883, caFile: '../tls/ca.pem' },
  username: 'desk@fire.test',
  password: 'secret',
  certFile: 'desk.pem',
  keyFile: '/keys/desk.key',
  anchors: [{ domain: 'fire.test', authorityFiles: ['../fire.pem'] }],
};

test('a profile is read back with its paths made absolute from where it lies', async () => {
  const file = join(directory, 'desk.json');
  await writeProfile(file, profile);
  const read = await readProfile(file);
  assert.ok(read.ok);
  assert.deepEqual(read.value, {
    ...profile,
    mqtts: { ...profile.mqtts, caFile: join(directory, '../tls/ca.pem') },
    certFile: join(directory, 'desk.pem'),
    anchors: [{ domain: 'fire.test', authorityFiles: [join(directory, '../fire.pem')] }],
  });
});

test('nobody else may read it, whatever its mode was before', async () => {
  const file = join(directory, 'open.json');
  await writeFile(file, '{}', { mode: 0o644 });
  await writeProfile(file, profile);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('what is not a profile is refused as a value', async () => {
  const { mqtt: _mqtt, mqtts: _mqtts, ...nowhere } = profile;
  const bad: unknown[] = [
    'text',
    [],
    { ...profile, address: 'desk' },
    { ...profile, mqtt: { host: 'h', port: 0 } },
    { ...profile, mqtts: { host: 'h', port: 70_000 } },
    { ...profile, password: 5 },
    { ...profile, anchors: [{ domain: 'fire.test', authorityFiles: [] }] },
    { ...profile, anchors: undefined },
    nowhere,
  ];
  const file = join(directory, 'bad.json');
  for (const value of bad) {
    await writeFile(file, JSON.stringify(value) ?? '');
    assert.equal((await readProfile(file)).ok, false, JSON.stringify(value));
  }
  await writeFile(file, '{');
  assert.equal((await readProfile(file)).ok, false);
});

test('who had a profile open that everybody could read does not read the new one in it', async () => {
  const file = join(directory, 'open.json');
  await writeFile(file, 'nothing secret', { mode: 0o644 });
  const early = await open(file, 'r');
  try {
    await writeProfile(file, profile);
    assert.equal(await early.readFile('utf8'), 'nothing secret');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  } finally {
    await early.close();
  }
});
