// SPDX-License-Identifier: Apache-2.0
// The packages as they would be published: built, packed, unpacked elsewhere, and used there without any source.
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { root, runIn, temporaryDirectory } from './_harness.ts';

const folders = ['protocol', 'identity', 'mqtt', 'client', 'server', 'cli'];

async function must(cwd: string, program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runIn(cwd, program, args);
  assert.equal(code, 0, `${program} ${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

async function manifestIn(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/**
 * A project with our packages from their tarballs. npm would ask a registry for the rest even where it has it, so what
 * they depend on is linked from here: exactly the packages that their manifests name.
 */
async function install(): Promise<string> {
  const project = await temporaryDirectory();
  await must(root, process.execPath, ['tools/build.ts']);
  const others = new Set<string>(['@types/node']);
  for (const folder of folders) {
    const packed = join(project, 'packed', folder);
    await mkdir(packed, { recursive: true });
    await must(join(root, 'packages', folder), 'npm', ['pack', '--silent', '--pack-destination', packed]);
    const [tarball = ''] = await readdir(packed);
    await must(packed, 'tar', ['-xzf', tarball]);
    const { name, dependencies = {} } = await manifestIn(join(packed, 'package'));
    await link(join(packed, 'package'), join(project, 'node_modules', name));
    for (const dependency of Object.keys(dependencies))
      if (!dependency.startsWith('@sealpost/')) others.add(dependency);
    const files = await readdir(join(packed, 'package'));
    assert.ok(!files.includes('src') && files.includes('LICENSE'), `${folder}: ${files.join(' ')}`);
  }
  for (const name of others)
    await link(join(root, 'node_modules', name), join(project, 'node_modules', name));
  await writeFile(join(project, 'package.json'), '{ "type": "module", "private": true }');
  return project;
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}

const program = `
import { connect, SealpostError } from '@sealpost/client';
import { connectProfile } from '@sealpost/client/node';
import type { Client, Outbound } from '@sealpost/client';
import { connectWeb, webCrypto } from '@sealpost/client/web';
import { openFederation } from '@sealpost/server';

const account = (address: string) =>
  ({ address, kind: 'role', ceiling: 'flash', password: 'x'.repeat(12), originKey: true }) as const;
const domains = await openFederation({
  directory: process.argv[2] ?? '',
  domains: [
    { domain: 'home.test', accounts: [account('ann@home.test')] },
    { domain: 'fire.test', accounts: [account('desk@fire.test')] },
  ],
});
const anchors = domains.domains.map(({ domain, authorityFile }) => ({ domain, authorityFiles: [authorityFile] }));
const open = (index: number): Promise<Client> => {
  const own = domains.accounts[index]!;
  return connectProfile({ ...own, ...domains.domains[index]!, anchors });
};
const [ann, desk] = await Promise.all([open(0), open(1)]);
const outbound: Outbound = { to: 'desk@fire.test', body: 'packed', ask: ['fetched'] };
const sent = await ann.send(outbound);
for await (const message of desk.messages()) {
  message.taken();
  console.log(message.text, message.sealClass);
  break;
}
console.log((await sent.until('fetched')).signer.domain);
await Promise.all([ann.close(), desk.close()]);
await domains.close();
console.log(typeof connect, typeof connectWeb, webCrypto.sha256(new Uint8Array()).length, SealpostError.name);
`;

const compilerOptions = {
  strict: true,
  target: 'es2024',
  module: 'nodenext',
  types: ['node'],
  outDir: 'out',
};

test('packed, they install, compile, run a server each, send a message, and bring the command', async () => {
  const project = await install();
  await writeFile(join(project, 'program.ts'), program);
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  await must(project, join(root, 'node_modules/.bin/tsc'), ['-p', '.']);
  const said = await must(project, process.execPath, ['out/program.js', join(project, 'data')]);
  assert.deepEqual(said.trim().split('\n'), [
    'packed origin',
    'fire.test',
    'function function 32 SealpostError',
  ]);
  const command = join(project, 'node_modules/sealpost/bin/sealpost.js');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.match(await must(project, process.execPath, [command, '--version']), new RegExp(version));
  await must(project, process.execPath, [command, 'dev', '--once', '--data', join(project, 'dev')]);
});
