// SPDX-License-Identifier: Apache-2.0
import { run } from './run.ts';
import { askSecret } from './secret-prompt.ts';
import { processTerminal } from './terminal.ts';

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());
// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  terminal: processTerminal(),
  env: process.env,
  stdin: process.stdin,
  ending: ending.signal,
  onHangup: (reload) => void process.on('SIGHUP', reload),
  ...(process.stdin.isTTY ? { askSecret: (question: string) => askSecret(question, ending.signal) } : {}),
});
