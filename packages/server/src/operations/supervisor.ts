// SPDX-License-Identifier: Apache-2.0
// What systemd is told (sd_notify(3)). Node has no datagram sockets of the Unix kind, and a native module for four words
// is too much, so systemd-notify(1) says them: NotifyAccess=all in the unit, because it is another process of the same
// service. It waits until systemd has taken the word, so none is lost because it has ended.
import { spawn } from 'node:child_process';

export interface Supervisor {
  /** Assignments as sd_notify(3) has them, in the order of the calls. Never rejects. */
  notify(...assignments: string[]): Promise<void>;
  /** How often it wants to hear that all is well; undefined if it does not. */
  readonly watchdogMs: number | undefined;
}

const program = 'systemd-notify';
const programMs = 5_000;

/** Undefined when nobody asked to be told. */
export function supervisorOf(
  env: NodeJS.ProcessEnv,
  report: (error: unknown) => void,
): Supervisor | undefined {
  const { NOTIFY_SOCKET: socket } = env;
  if (socket === undefined || socket === '') return undefined;
  let last: Promise<void> = Promise.resolve();
  return {
    watchdogMs: watchdogOf(env),
    notify(...assignments) {
      last = last.then(() => say(socket, env, assignments)).catch(report);
      return last;
    },
  };
}

function say(socket: string, env: NodeJS.ProcessEnv, assignments: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Nothing of our environment but what it needs.
  const child = spawn(program, assignments, {
    env: { NOTIFY_SOCKET: socket, PATH: env['PATH'] ?? '/usr/bin:/bin' },
    stdio: 'ignore',
    timeout: programMs,
  });
  child.once('error', (error) => reject(new Error(`${program} cannot be run: ${error.message}`)));
  child.once('exit', (code, signal) =>
    code === 0 ? resolve() : reject(new Error(`${program} ended with ${code ?? signal}`)),
  );
  return promise;
}

function watchdogOf({ WATCHDOG_USEC: micros, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | undefined {
  const isForUs = pid === undefined || Number(pid) === process.pid;
  const ms = Number(micros) / 1000;
  return isForUs && ms > 0 ? ms : undefined;
}

/** CLOCK_MONOTONIC, as RELOADING=1 goes with. */
export function monotonicMicros(): string {
  return String(process.hrtime.bigint() / 1000n);
}
