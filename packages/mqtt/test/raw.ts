// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A bare socket: what no client library would send. */
export class RawClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setNoDelay();
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Connected with a clean start: CONNECT is answered by a CONNACK with success. */
  static async connected(port: number, version: 4 | 5, clientId = 'raw'): Promise<RawClient> {
    const client = await RawClient.open(port);
    client.send(connectHex(version, clientId));
    const connack = await client.packet();
    if (connack?.[3] !== 0) throw new Error(`refused: ${connack?.toString('hex')}`);
    return client;
  }

  send(hex: string): void {
    this.#socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  }

  /** Undefined: the connection ended instead. Only for packets of less than 16 KiB. */
  async packet(): Promise<Buffer | undefined> {
    for (;;) {
      const [first, low = 0, high = 0] = this.#received;
      const headerBytes = low < 0x80 ? 2 : 3;
      const length = headerBytes + (low & 0x7f) + (headerBytes === 3 ? high << 7 : 0);
      if (first !== undefined && this.#received.length >= length && this.#received.length >= headerBytes) {
        const packet = this.#received.subarray(0, length);
        this.#received = this.#received.subarray(length);
        return packet;
      }
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** All packets until the connection ends, as hex. */
  async rest(): Promise<string[]> {
    const packets: string[] = [];
    for (let packet = await this.packet(); packet !== undefined; packet = await this.packet())
      packets.push(packet.toString('hex'));
    return packets;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

export function connectHex(version: 4 | 5, clientId: string, flags = '02'): string {
  const id = Buffer.from(clientId).toString('hex');
  const length = Buffer.of(clientId.length).toString('hex').padStart(4, '0');
  const body =
    `00044d515454 0${version} ${flags} 0000 ${version === 5 ? '00' : ''} ${length} ${id}`.replaceAll(' ', '');
  return `10${(body.length / 2).toString(16).padStart(2, '0')}${body}`;
}
