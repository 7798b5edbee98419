// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writeProfile } from '@sealpost/client/node';
import { readDevRecord, removeDevRecord, writeDevRecord } from './dev/record.ts';
import { findProfile, profilePath } from './profile-discovery.ts';

let directory: string;
let env: NodeJS.ProcessEnv;
let profileFile: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sealpost-discovery-'));
  env = { XDG_RUNTIME_DIR: directory };
  profileFile = profilePath(directory, 'Desk@Fire.Test');
  await mkdir(join(directory, 'profiles'));
  await writeProfile(profileFile, {
    address: 'desk@fire.test',
    mqtt: { host: '127.0.0.1', port: 1883 },
    anchors: [],
  });
});
after(() => rm(directory, { recursive: true, force: true }));

test('a profile is found by file, by folder, by environment and by the dev that runs', async () => {
  const found = async (options: Parameters<typeof findProfile>[0], environment = env) =>
    (await findProfile(options, environment)).address;
  assert.equal(await found({ profile: profileFile }), 'desk@fire.test');
  assert.equal(await found({ as: 'DESK@fire.test', data: directory }), 'desk@fire.test');
  assert.equal(await found({}, { SEALPOST_PROFILE: profileFile }), 'desk@fire.test');
  assert.ok(await writeDevRecord(env, { dataDir: directory, pid: process.pid }));
  assert.equal(await found({ as: 'desk@fire.test' }), 'desk@fire.test');
  await removeDevRecord(env, process.pid);
  await assert.rejects(found({ as: 'desk@fire.test' }), { code: 'profile-missing', exitCode: 78 });
});

test('without an account, with a bad one, or with a missing or broken profile there is a plain error', async () => {
  await assert.rejects(findProfile({}, {}), { code: 'usage' });
  await assert.rejects(findProfile({ as: 'desk', data: directory }, {}), { code: 'usage' });
  await assert.rejects(findProfile({ as: '../../etc/x@y.test', data: directory }, {}), { code: 'usage' });
  await assert.rejects(findProfile({ as: 'ann@fire.test', data: directory }, {}), {
    code: 'profile-missing',
  });
  const broken = join(directory, 'broken.json');
  await writeFile(broken, '{}');
  await assert.rejects(findProfile({ profile: broken }, {}), { code: 'profile-invalid' });
});

test('the record of dev is private and does not follow links', async () => {
  const file = join(directory, `sealpost-dev-${process.getuid?.() ?? 0}-${process.pid}.json`);
  const victim = join(directory, 'victim');
  await writeFile(victim, 'untouched');
  await symlink(victim, file);
  assert.equal(await readDevRecord(env), undefined);
  assert.ok(await writeDevRecord(env, { dataDir: directory, pid: process.pid }));
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(victim)).size, 'untouched'.length);
  await removeDevRecord(env, process.pid);
  await assert.rejects(stat(file), { code: 'ENOENT' });
});

test('of several that run the last one started is meant, and one that was killed is forgotten', async (t) => {
  const run = async (dataDir: string): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    t.after(() => child.kill('SIGKILL'));
    await once(child, 'spawn');
    assert.ok(await writeDevRecord(env, { dataDir, pid: child.pid ?? 0 }));
    return child;
  };
  const first = await run('first');
  const recorded = join(directory, `sealpost-dev-${process.getuid?.() ?? 0}-${first.pid}.json`);
  await utimes(recorded, 1, 1);
  const second = await run('second');
  assert.equal((await readDevRecord(env))?.dataDir, 'second');
  second.kill('SIGKILL');
  await once(second, 'exit');
  assert.equal((await readDevRecord(env))?.dataDir, 'first');
  first.kill('SIGKILL');
  await once(first, 'exit');
  assert.equal(await readDevRecord(env), undefined);
  await writeDevRecord(env, { dataDir: 'third', pid: process.pid });
  await assert.rejects(stat(recorded), { code: 'ENOENT' });
});
