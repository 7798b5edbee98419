// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const here = fileURLToPath(new URL('.', import.meta.url));
const adapter = [process.execPath, '--conditions=sealpost-source', `${here}adapter.ts`];

function answers(input: string): unknown[] {
  const [command = '', ...args] = adapter;
  const { status, stdout } = spawnSync(command, args, { input, encoding: 'utf8' });
  assert.equal(status, 0);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

test('the adapter passes every vector', () => {
  const run = spawnSync(
    process.execPath,
    [`${here}run.ts`, '--adapter', adapter.map((part) => `'${part}'`).join(' ')],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /conformance: (\d+) of \1 cases passed/);
});

test('the runner notices an adapter that does not answer', () => {
  const run = spawnSync(process.execPath, [`${here}run.ts`, '--adapter', 'true'], { encoding: 'utf8' });
  assert.equal(run.status, 1);
  assert.match(run.stdout, /no answer/);
});

test('whatever a line says gets an answer', () => {
  const requests = [
    'not JSON',
    '[]',
    '{"id":1}',
    '{"id":2,"op":"toString","in":{}}',
    '{"id":3,"op":"cbor.decode"}',
    '{"id":4,"op":"cbor.decode","in":{"bytes":"0G"}}',
    '{"id":5,"op":"cbor.decode","in":{"bytes":"00"}}',
  ];
  const byId = answers(`${requests.join('\n')}\n\n`);
  const refused = { ok: false, error: 'request-invalid' };
  assert.deepEqual(byId, [
    { id: null, ...refused },
    { id: null, ...refused },
    { id: 1, ...refused },
    { id: 2, ...refused },
    { id: 3, ...refused },
    { id: 4, ...refused },
    { id: 5, ok: true, out: {} },
  ]);
});
