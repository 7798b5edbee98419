// SPDX-License-Identifier: Apache-2.0
import { ProtocolError, type Codec, type Decoder, type DecoderOptions } from '../codec.ts';
import type { Packet, ProtocolVersion } from '../packet.ts';
import type { Clock } from '../clock.ts';
import { Output } from './output.ts';
import { ReadingPast, type ReadingOrder, type Reads } from './reading-order.ts';
import type { Transport } from './transport.ts';

/** A peer that sends without reading what it is answered is not read either, from this much on. */
const unsentBytesMax = 256 * 1024;

/** Who reads a stream. Replaced once, when the handshake is over. */
export interface PacketReader {
  receive(packet: Packet): void;
  /** The bytes are not MQTT, or `receive` threw. The reader ends the stream. */
  failed(error: ProtocolError | Error): void;
  closed(error?: Error): void;
  drained?(): void;
}

export interface PacketStreamOptions {
  readonly transport: Transport;
  readonly codec: Codec;
  readonly decoder: DecoderOptions;
  readonly clock: Clock;
  readonly order: ReadingOrder;
  readonly reader: PacketReader;
}

/** A transport that carries packets: one at a time, held back while the reader cannot take more. */
export class PacketStream implements Reads {
  readonly transport: Transport;
  readonly codec: Codec;
  readonly output: Output;
  readonly decoder: Decoder;
  readonly past = new ReadingPast();
  reader: PacketReader;
  readonly #clock: Clock;
  readonly #order: ReadingOrder;
  lastReceivedMs: number;
  lastSentMs: number;
  #holds = 0;
  #stalled = false;
  #reading = false;
  /** Had its turn; what it sent besides waits for the next one. */
  #resting = false;
  #ended = false;

  constructor({ transport, codec, decoder, clock, order, reader }: PacketStreamOptions) {
    this.transport = transport;
    this.codec = codec;
    this.output = new Output(transport);
    this.decoder = codec.createDecoder(decoder);
    this.reader = reader;
    this.#clock = clock;
    this.#order = order;
    this.lastReceivedMs = clock.now();
    this.lastSentMs = this.lastReceivedMs;
    transport.onData = (bytes) => {
      if (this.#ended) return;
      this.lastReceivedMs = clock.now();
      this.decoder.feed(bytes);
      if (this.#mayRead) this.#order.read(this);
    };
    transport.onClose = (error) => {
      this.#ended = true;
      this.reader.closed(error);
    };
    transport.onDrain = () => {
      this.reader.drained?.();
      if (this.#stalled) this.#unstall();
    };
  }

  get held(): boolean {
    return this.#holds > 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Nothing is read, not even from the transport, until `release` was called as often. */
  hold(): void {
    if (this.#holds++ === 0 && !this.#ended) this.transport.pause();
  }

  release(): void {
    if (--this.#holds > 0 || this.#ended) return;
    this.lastReceivedMs = this.#clock.now();
    this.#readOn();
  }

  send(packet: Packet, version: ProtocolVersion): void {
    this.write(this.codec.encode(packet, version));
  }

  write(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.output.write(bytes);
  }

  /** After what was written, the transport ends; nothing more is read. */
  end(): void {
    if (this.#ended) return;
    this.output.flush();
    this.#ended = true;
    this.transport.close();
  }

  #unstall(): void {
    this.#stalled = false;
    this.#readOn();
  }

  /** In its turn, for as many packets: the order calls it. */
  readSome(packetsMax: number): boolean {
    const isRested = this.#resting;
    this.#resting = false;
    this.#reading = true;
    let left = packetsMax;
    try {
      for (; left > 0 && this.#holds === 0 && !this.#stalled && !this.#ended; left -= 1) {
        const packet = this.decoder.next();
        if (packet === undefined) break;
        this.reader.receive(packet);
      }
    } catch (error) {
      if (!this.#ended) this.reader.failed(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#reading = false;
    }
    if (!this.#stalled && !this.#ended && this.transport.bufferedBytes > unsentBytesMax) this.#stall();
    if (left === 0 && this.#mayRead && this.decoder.bufferedBytes > 0) {
      this.#resting = true;
      return true;
    }
    if (isRested && this.#mayRead) this.transport.resume();
    return false;
  }

  /** Not read meanwhile, so that what waits is bounded by what the transport had given already. */
  rest(): void {
    this.#resting = true;
    this.transport.pause();
  }

  get #mayRead(): boolean {
    return !this.#reading && !this.#resting && !this.#stalled && this.#holds === 0 && !this.#ended;
  }

  #readOn(): void {
    if (!this.#mayRead) return;
    this.transport.resume();
    this.#order.read(this);
  }

  #stall(): void {
    this.#stalled = true;
    this.transport.pause();
  }
}
