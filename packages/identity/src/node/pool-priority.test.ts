// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

// Field 19 of /proc/self/task/<id>/stat (proc_pid_stat(5)) is the nice value; the name before it is in parentheses.
const script = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { startPoolAtLowerPriority } from '${new URL('./pool-priority.ts', import.meta.url).href}';
  await startPoolAtLowerPriority();
  const stats = readdirSync('/proc/self/task').map((id) => readFileSync('/proc/self/task/' + id + '/stat', 'utf8'));
  const nice = (stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  const of = (part) => stats.filter((stat) => stat.includes(part)).map(nice);
  const [main] = stats.filter((stat) => stat.startsWith(process.pid + ' ')).map(nice);
  console.log(JSON.stringify({ main, pool: of('(libuv-worker)') }));
`;

test(
  "signatures in Node's pool give way to the threads that read and store",
  { skip: process.platform === 'linux' ? false : 'a thread has a priority of its own on Linux only' },
  async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
    const { main, pool } = JSON.parse(stdout) as { main: number; pool: number[] };
    assert.ok(pool.length > 0, 'the pool is there');
    assert.deepEqual(
      pool,
      pool.map(() => Math.min(19, main + 10)),
    );
  },
);
