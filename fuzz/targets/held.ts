// SPDX-License-Identifier: Apache-2.0
// Connections that nobody ends but the server, looked at again when it must have done so.
import { setTimeout as delay } from 'node:timers/promises';
import { holds } from '../target.ts';
import type { RawConnection } from './raw-connection.ts';

const heldMax = 8;
/** A peer that is gone shows itself only when something is sent to it. */
const knockMs = 500;
const knock = Uint8Array.of(0);
/** Of this thread, after everything was closed that a test has opened. */
const settleMs = 15_000;
const lookMs = 50;

export class Held {
  readonly #open = new Set<RawConnection>();
  readonly #overdue: string[] = [];
  readonly #socketsAtFirst = sockets();

  /** False: there are enough of them. */
  keep(connection: RawConnection, name: string, withinMs: number): boolean {
    if (this.#open.size >= heldMax) return false;
    this.#open.add(connection);
    const knocking = setInterval(() => {
      if (connection.isEnded) void connection.send(knock);
    }, knockMs);
    const late = setTimeout(() => {
      this.#overdue.push(`${name}: still connected after ${withinMs} ms`);
      connection.destroy();
    }, withinMs);
    void connection.closed.finally(() => {
      clearInterval(knocking);
      clearTimeout(late);
      this.#open.delete(connection);
    });
    return true;
  }

  /** Only while no input runs: besides those that are kept, there are as many sockets as there were at first. */
  async check(): Promise<void> {
    const endMs = performance.now() + settleMs;
    const left = (): number => sockets() - 2 * this.#open.size - this.#socketsAtFirst;
    while (left() > 0 && performance.now() < endMs) await delay(lookMs);
    holds(left() <= 0, `${left()} sockets are left over`);
    const [overdue] = this.#overdue;
    holds(overdue === undefined, overdue ?? '');
  }

  close(): void {
    for (const connection of this.#open) connection.destroy();
  }
}

/** Both ends of every connection in this thread. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}
