// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';

/** A connection that was let in. */
export interface Entered {
  established(): void;
  closed(): void;
}

/** Port: who may connect. Asked before anything is read, and before a TLS handshake; undefined: closed unheard. */
export interface Gate {
  /** `end` closes the connection, for one that has to make room before it is established. */
  enter(address: string, end: () => void): Entered | undefined;
}

/** Remembers who was let in: a TLS socket and the one below it share addresses and ports, and nothing else. */
export class Doorway {
  readonly #gate: Gate | undefined;
  readonly #inside = new Map<string, Entered>();

  constructor(gate: Gate | undefined) {
    this.#gate = gate;
  }

  enter(socket: Socket): boolean {
    if (this.#gate === undefined) return true;
    const { remoteAddress } = socket;
    const entered =
      remoteAddress === undefined ? undefined : this.#gate.enter(remoteAddress, () => socket.destroy());
    if (entered === undefined) {
      socket.destroy();
      return false;
    }
    const name = nameOf(socket);
    this.#inside.set(name, entered);
    socket.once('close', () => {
      entered.closed();
      if (this.#inside.get(name) === entered) this.#inside.delete(name);
    });
    return true;
  }

  established(socket: Socket): (() => void) | undefined {
    return this.#inside.get(nameOf(socket))?.established;
  }
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
