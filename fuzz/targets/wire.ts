// SPDX-License-Identifier: Apache-2.0
// A client that sends any bytes, and reads only what is MQTT.
import { connect, type Socket } from 'node:net';
import { connect as connectSecure, type ConnectionOptions } from 'node:tls';
import { strictCodec, type Packet, type ProtocolVersion } from '@sealpost/mqtt';

export interface WireOptions {
  readonly port: number;
  readonly tls?: ConnectionOptions;
  readonly version: ProtocolVersion;
  /** False: what comes back is not MQTT, and is thrown away. */
  readonly isMqtt?: boolean;
}

const packetBytesMax = 1 << 20;

export class Wire {
  readonly packets: Packet[] = [];
  readonly #socket: Socket;
  #isClosed = false;
  #wake: () => void = () => undefined;
  #error: unknown;

  private constructor(socket: Socket, { version, isMqtt }: WireOptions) {
    this.#socket = socket;
    const decoder = strictCodec.createDecoder({ role: 'client', version, maximumPacketSize: packetBytesMax });
    socket.on('data', (chunk) => {
      if (isMqtt === false) return;
      try {
        decoder.feed(new Uint8Array(chunk));
        for (let packet = decoder.next(); packet !== undefined; packet = decoder.next())
          this.packets.push(packet);
      } catch (error) {
        this.#error ??= new Error(`the server sends what is not MQTT: ${String(error)}`);
        socket.destroy();
      }
      this.#wake();
    });
    // A reset is an end like any other: what was sent may have been refused unread.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** Resolves when bytes can be sent; a server that hangs up at once is no error. */
  static async open(options: WireOptions): Promise<Wire> {
    const { port, tls } = options;
    const host = '127.0.0.1';
    const socket =
      tls === undefined
        ? connect({ host, port })
        : connectSecure({ host, port, rejectUnauthorized: false, ...tls });
    const wire = new Wire(socket, options);
    await new Promise<void>((resolve) => {
      socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve);
      socket.once('close', () => resolve());
    });
    return wire;
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Nothing more will be sent. */
  end(): void {
    this.#socket.end();
  }

  /** Whoever waits is told so. */
  giveUp(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The next packet of one of these types, from the `from`-th packet on; undefined when the connection has ended. */
  async until(types: readonly Packet['type'][], from = 0): Promise<Packet | undefined> {
    for (;;) {
      const found = this.packets.slice(from).find(({ type }) => types.includes(type));
      if (this.#error !== undefined) throw this.#error;
      if (found !== undefined || this.#isClosed) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
