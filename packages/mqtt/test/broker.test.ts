// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { dial, message, textOf } from './support.ts';

const program = new URL('../src/node/broker.ts', import.meta.url).pathname;

async function finish(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const child = spawn(process.execPath, [program, ...args]);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stderr };
}

test('the broker says one line, serves anybody as its flags say, and ends on SIGTERM', async (t) => {
  const flags = ['--server-keep-alive', '60', '--receive-maximum', '20', '--deny-subscribe', 'no/#'];
  const child = spawn(process.execPath, [program, '--port', '0', ...flags]);
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  const first = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      resolve(line);
    });
  });
  const port = Number(/^listening on 127\.0\.0\.1:(\d+)$/.exec(await first)?.[1]);
  const link = await dial(port, { keepAliveSeconds: 120 });
  assert.equal(link.connack.properties.serverKeepAliveSeconds, 60);
  assert.equal(link.connack.receiveMaximum, 20);
  const codes = await link.subscribe([
    { filter: 'a/+', qos: 1 },
    { filter: 'no/x', qos: 1 },
  ]);
  assert.deepEqual(codes, [1, 0x87]);
  await link.publish(message('a/b', 'hello'));
  assert.deepEqual((await link.count(1)).map(textOf), ['hello']);
  const exited = once(child, 'close');
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  assert.equal((await link.closed).reasonCode, 0x8b);
  assert.equal(lines.length, 1);
});

test('a bad flag of the broker gets one sentence and exit code 64', async () => {
  for (const [args, sentence] of [
    [['--port', '70000'], '--port must be a whole number from 0 to 65535'],
    [['--receive-maximum', '0'], '--receive-maximum must be a whole number from 1 to 65535'],
    [['--deny-subscribe', 'a/#/b'], '--deny-subscribe must be a topic filter'],
    [['--unheard-of'], "Unknown option '--unheard-of'"],
  ] as const)
    assert.deepEqual(await finish(args), { code: 64, stderr: `broker: ${sentence}\n` });
});
