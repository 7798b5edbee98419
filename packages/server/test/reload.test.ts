// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { parseDomain } from '@sealpost/protocol';
import { loadConfig } from '../src/config/load.ts';
import { initDomain } from '../src/init.ts';
import { Log } from '../src/operations/log.ts';
import { openService } from '../src/serve.ts';
import { scratchDirectory } from './custody-place.ts';

async function namesOf(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? '';
  socket.destroy();
  return names;
}

test('what a reload cannot change stays as it is, and every reload says so', async (t) => {
  const domain = parseDomain('home.test');
  assert.ok(domain.ok);
  const directory = join(scratchDirectory(t), 'home');
  const made = await initDomain({
    domain: domain.value,
    directory,
    host: 'old.test',
    isLocal: true,
    portBase: 0,
  });
  assert.ok(made);
  const flags = ['mqtt', 'mqtts', 'relay'].map((name) => `listen.${name}=127.0.0.1:0`);
  const read = (...more: string[]) => loadConfig({ file: made.file, env: {}, flags: [...flags, ...more] });
  const service = await openService(
    await read(),
    new Log({ level: 'error', format: 'json' }, () => undefined),
  );
  try {
    const port = service.running.mqtts?.port ?? 0;
    assert.match(await namesOf(port), /old\.test/);
    for (let time = 0; time < 2; time++) {
      const later = await service.reload(await read('host=new.test', 'limits.connections=5'));
      assert.deepEqual(
        later.map((sentence) => sentence.split(' ')[0]),
        ['host', 'limits.connections'],
      );
      assert.match(await namesOf(port), /old\.test/);
    }
    assert.deepEqual(await service.reload(await read()), []);
  } finally {
    await service.close();
  }
});
