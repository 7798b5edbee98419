// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TrustStore, staticAnchors } from '@sealpost/identity';
import { createAuthority, nodeCrypto } from '@sealpost/identity/node';
import { parseAddress, parseDomain } from '@sealpost/protocol';
import { CertificateArchive } from './archive.ts';

const dayMs = 86_400_000;

test('a certificate is found as long as something stored may name it, and forgotten after that', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-archive-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const domain = parseDomain('example.org');
  const address = parseAddress('ann@example.org');
  assert.ok(domain.ok && address.ok);
  const authority = await createAuthority(domain.value);
  const issued = await authority.issueAccount({ address: address.value, kind: 'person' });
  const options = {
    anchors: staticAnchors([authority.anchor]),
    crypto: nodeCrypto,
    now: () => Math.floor(Date.now() / 1000),
  };
  const admitted = await new TrustStore(options).admit(issued.chain, domain.value);
  assert.ok(admitted.ok);
  const archive = await CertificateArchive.open(directory, new TrustStore(options));
  await archive.keep(admitted.value);
  const abandoned = join(directory, 'ab.123');
  await writeFile(abandoned, 'half');
  const now = Date.now();
  await archive.forget(now);
  assert.equal((await readdir(directory)).length, 2);
  await utimes(abandoned, 0, 0);
  await archive.forget(now + 820 * dayMs);
  const { hash } = admitted.value.certificate;
  assert.equal((await readdir(directory)).length, 1);
  assert.equal((await archive.chainOf(hash)).length, 2);
  await archive.forget(now + 826 * dayMs);
  assert.deepEqual(await archive.chainOf(hash), []);
  // The same certificate again is kept again.
  await archive.keep(admitted.value);
  assert.equal((await archive.chainOf(hash)).length, 2);
});
