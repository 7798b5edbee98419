// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFederation } from '../src/federation.ts';
import { scratchDirectory } from './custody-place.ts';

const names = ['fire.test', 'home.test'];

test('a domain that cannot dial its peer says so, and nothing is said of links that end with the federation', async (t) => {
  const directory = scratchDirectory(t);
  const domains = names.map((domain) => ({ domain, accounts: [] }));
  const calm: string[] = [];
  await (await openFederation({ directory, domains, log: (line) => calm.push(line) })).close();
  assert.deepEqual(calm, []);
  // The first one listens with what proves that it is the second.
  for (const file of ['domain-link.pem', 'domain-link.key'])
    copyFileSync(join(directory, 'home.test', file), join(directory, 'fire.test', file));
  const said = Promise.withResolvers<string>();
  const federation = await openFederation({ directory, domains, log: said.resolve });
  const line = await said.promise;
  await federation.close();
  assert.match(line, /^home\.test: .* warn: No link to fire\.test; .* did not prove to be fire\.test/);
});
