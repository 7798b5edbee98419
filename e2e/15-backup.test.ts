// SPDX-License-Identifier: Apache-2.0
// A backup of domains that run, and what comes of restoring it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Dev, JsClient, federation, sealpost, temporaryDirectory } from './_harness.ts';
import { Prepared, Served, done, password } from './_served.ts';

const alarm = 'kitchen-alarm@home.test';
const ann = 'ann@home.test';

interface ManifestFile {
  path: string;
  bytes: number;
  sha256: string;
}

function isCertificate({ path }: ManifestFile): boolean {
  return path.startsWith('home.test/certificates/');
}

function filesBelow(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('a backup made while messages come has everything that was acknowledged before it began', async (t) => {
  const place = await temporaryDirectory();
  const [data, backup, restored] = ['data', 'backup', 'restored'].map((name) => join(place, name)) as [
    string,
    string,
    string,
  ];
  const dev = await Dev.start(data);
  t.after(() => dev.end('SIGKILL'));
  const sender = await JsClient.connect(t, dev, alarm);
  const before: string[] = [];
  const submitted = { id: '019ab697-e800-7b96-a841-af1111e3f9cb' };
  for (let n = 0; n < 20; n += 1) {
    const { reasonCode } = await sender.publish(`mail/to/${ann}`, `before ${n}`, n === 0 ? submitted : {});
    assert.equal(reasonCode, 0);
    before.push(`before ${n}`);
  }
  const made = sealpost(['backup', backup, '--data', data, '--json']);
  let during = 0;
  const ended = made.then(() => true);
  for (let hasEnded = false; !hasEnded; during += 1) {
    const published = sender.publish(`mail/to/${ann}`, `during ${during}`);
    hasEnded = await Promise.race([ended, published.then(() => false)]);
  }
  const { code, stdout, stderr } = await made;
  assert.equal(code, 0, stderr);
  assert.equal((JSON.parse(stdout) as { hasKeys: boolean }).hasKeys, true);
  const late = { id: '019ab697-e801-7b96-a841-af1111e3f9cb' };
  await sender.publish(`mail/to/${ann}`, 'after', late);
  await dev.end('SIGKILL');
  for (const file of filesBelow(backup)) assert.equal(statSync(file).mode & 0o077, 0, file);
  const running = await sealpost(['restore', backup, '--data', data]);
  assert.deepEqual([running.code, running.stderr.includes('is not empty')], [73, true]);
  const { code: restoredCode, stderr: said } = await sealpost(['restore', backup, '--data', restored]);
  assert.equal(restoredCode, 0, said);
  const again = await Dev.start(restored);
  t.after(() => again.end());
  const reader = await JsClient.connect(t, again, ann);
  const second = await JsClient.connect(t, again, alarm);
  // Repeated under its id, what the backup has gets its first answer; what it lacks is a message once more.
  assert.equal((await second.publish(`mail/to/${ann}`, 'before 0', submitted)).reasonCode, 0);
  assert.equal((await second.publish(`mail/to/${ann}`, 'after', late)).reasonCode, 0);
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  const seen: string[] = [];
  while (seen.at(-1) !== 'after') seen.push((await reader.next()).text);
  assert.deepEqual(seen.slice(0, 20), before);
  assert.deepEqual(
    seen.slice(20, -1),
    Array.from({ length: seen.length - 21 }, (_, n) => `during ${n}`),
    'of what came meanwhile, a beginning without a hole',
  );
  assert.ok(seen.length - 21 <= during);
});

test('a backup that was altered or is incomplete is not restored, with a sentence that says what is wrong', async (t) => {
  const dev = await federation(t);
  const sender = await JsClient.connect(t, dev, alarm);
  await sender.publish(`mail/to/${ann}`, 'smoke in the kitchen');
  const place = await temporaryDirectory();
  const backup = join(place, 'backup');
  assert.equal((await sealpost(['backup', backup, '--data', dev.ready.dataDir])).code, 0);
  const store = 'home.test/custody.sqlite';
  const cases: [string, (copy: string, files: ManifestFile[]) => void, RegExp][] = [
    ['untouched', () => {}, /^$/],
    [
      'byte',
      (copy) => {
        const path = join(copy, 'files', store);
        const bytes = readFileSync(path);
        bytes[bytes.length - 100] = (bytes.at(-100) ?? 0) ^ 1;
        writeFileSync(path, bytes);
      },
      /home\.test\/custody\.sqlite is not what was backed up\. \[store-damaged\]/,
    ],
    ['missing', (copy) => rmSync(join(copy, 'files', store)), /custody\.sqlite is missing from the backup\./],
    [
      'unfinished',
      (copy) => rmSync(join(copy, 'manifest.json')),
      /was never finished: .* \[backup-invalid\]/,
    ],
    [
      'body',
      (copy) => {
        const db = new DatabaseSync(join(copy, 'files', store));
        db.exec("UPDATE message SET body = CAST('all is well' AS BLOB)");
        db.close();
      },
      /The message [0-9a-f]{32} of kitchen-alarm@home\.test has a body that its seal does not cover\./,
    ],
    [
      'certificates',
      (copy, files) => {
        for (const { path } of files.filter(isCertificate)) rmSync(join(copy, 'files', path));
        files.splice(0, files.length, ...files.filter((file) => !isCertificate(file)));
      },
      /names a certificate that is not there\./,
    ],
    [
      'page',
      (copy) => {
        const path = join(copy, 'files', store);
        const bytes = readFileSync(path);
        bytes.fill(0xa5, 4096 * 2, 4096 * 3);
        writeFileSync(path, bytes);
      },
      /custody\.sqlite.*(damaged|malformed|invalid|Tree|page|wrong)/,
    ],
    [
      'outside',
      (_copy, files) => files.push({ ...(files[0] as ManifestFile), path: '../../outside' }),
      /is not the manifest of a backup that this program can read\. \[backup-invalid\]/,
    ],
  ];
  for (const [name, alter, expected] of cases) {
    const copy = join(place, name);
    cpSync(backup, copy, { recursive: true });
    const path = join(copy, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { files: ManifestFile[] };
    alter(copy, manifest.files);
    // Whoever alters a backup alters its manifest too; a flipped byte on the disk does not.
    if (existsSync(path)) {
      for (const file of manifest.files.filter(() => !['byte', 'missing', 'outside'].includes(name)))
        file.sha256 = createHash('sha256')
          .update(readFileSync(join(copy, 'files', file.path)))
          .digest('hex');
      writeFileSync(path, JSON.stringify(manifest));
    }
    const before = filesBelow(place).length;
    const verified = await sealpost(['restore', copy, '--verify']);
    assert.match(verified.stderr, expected, name);
    assert.equal(verified.code, name === 'untouched' ? 0 : 65, name);
    const restored = await sealpost(['restore', copy, '--data', join(place, 'restored')]);
    assert.equal(restored.code, verified.code, name);
    if (name === 'untouched') rmSync(join(place, 'restored'), { recursive: true });
    assert.equal(filesBelow(place).length, before, `${name}: nothing was written`);
  }
});

test('a backup without keys has none, and no backup is written over', async (t) => {
  const dev = await federation(t);
  const place = await temporaryDirectory();
  const backup = join(place, 'backup');
  const args = ['backup', backup, '--data', dev.ready.dataDir, '--without-keys'];
  assert.equal((await sealpost(args)).code, 0);
  for (const file of filesBelow(backup))
    assert.doesNotMatch(readFileSync(file, 'latin1'), /BEGIN [A-Z ]*PRIVATE KEY/, file);
  const verified = await sealpost(['restore', backup, '--verify']);
  assert.match(verified.stdout, /no private keys/);
  const before = filesBelow(place);
  const again = await sealpost(args);
  assert.deepEqual([again.code, again.stderr.includes('already: name another place')], [73, true]);
  const empty = await sealpost(['backup', join(place, 'other'), '--data', await temporaryDirectory()]);
  assert.match(empty.stderr, /There is no domain's store in .* \[nothing-there\]/);
  assert.deepEqual(filesBelow(place), before);
  const checked = await sealpost(['store', 'check', dev.ready.dataDir]);
  assert.equal(checked.code, 0, checked.stderr);
});

test('a process whose store was taken over ends with one sentence', async (t) => {
  const data = await temporaryDirectory();
  const first = await Dev.start(data);
  t.after(() => first.end('SIGKILL'));
  let said = '';
  first.process.stderr.on('data', (chunk) => (said += chunk));
  const sender = await JsClient.connect(t, first, alarm);
  const second = await Dev.start(data);
  t.after(() => second.end());
  const exited = once(first.process, 'close');
  sender.client.publish(`mail/to/${ann}`, 'smoke', { qos: 1 });
  assert.deepEqual(await exited, [69, null]);
  assert.match(said, /sealpost: Another process has opened this store since.* \[store-taken\]/);
});

test('a domain of its own comes back with its configuration, its keys, its accounts and its mail', async (t) => {
  const fire = await Prepared.init('fire.test');
  await fire.person('desk@fire.test');
  await fire.person('chief@fire.test');
  const served = await Served.start(t, fire);
  const sender = await JsClient.connect(t, at(served), 'desk@fire.test');
  assert.equal((await sender.publish('mail/to/chief@fire.test', 'smoke')).reasonCode, 0);
  const place = await temporaryDirectory();
  const [backup, restored] = [join(place, 'backup'), join(place, 'restored')];
  await done(['backup', backup, '--data', fire.directory]);
  await served.end('SIGKILL');
  await done(['restore', backup, '--data', restored]);
  assert.equal(statSync(join(restored, 'sealpost.toml')).mode & 0o077, statSync(fire.file).mode & 0o044);
  const again = await Served.start(t, { file: join(restored, 'sealpost.toml') });
  const reader = await JsClient.connect(t, at(again), 'chief@fire.test');
  await reader.client.subscribeAsync('mail/inbox/#', { qos: 1 });
  assert.equal((await reader.next()).text, 'smoke');
});

/** One domain for password accounts, as the stories' clients want it. */
function at(served: Served): Parameters<typeof JsClient.connect>[1] {
  const { mqtt, mqtts } = served.ready;
  return {
    domainOf: () => ({ domain: 'fire.test', mqtt, mqtts: { ...mqtts, caFile: '' } }),
    account: (address) => ({
      address,
      kind: 'person',
      username: address,
      password,
      certFile: '',
      keyFile: '',
    }),
  };
}
