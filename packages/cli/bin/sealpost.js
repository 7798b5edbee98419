#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Starts the command on a Node that can run it. In a checkout that is the pinned Node, which runs src/main.ts from
// source; in a published package it is the Node that runs this file, and dist/main.js is there instead.
// Plain JavaScript without new syntax on purpose: this file must run on the system's Node, however old.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** The pinned Node's executable, or this process's own where that is not installed. */
function nodeExecutable() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json');
    const pinned = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(pinned)) return pinned;
  } catch {
    // Not installed: the Node that runs this file has to do.
  }
  return process.execPath;
}

function runFromSource() {
  const executable = nodeExecutable();
  const args = ['--conditions=sealpost-source', source].concat(process.argv.slice(2));
  if (typeof process.execve === 'function') {
    process.removeAllListeners('warning');
    process.execve(executable, [executable].concat(args), process.env);
  }
  // spawn, not spawnSync: while spawnSync waits, a SIGTERM to this process alone would orphan the child.
  const child = spawn(executable, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`sealpost: ${executable} cannot be started: ${error.message}\n`);
    process.exitCode = 69;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

if (existsSync(source)) runFromSource();
else await import('../dist/main.js');
