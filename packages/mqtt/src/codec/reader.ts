// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../codec.ts';
import { isReasonCodeOf, type PacketWithReason, type Sender } from '../packet-reason-codes.ts';
import { ReasonCode } from '../reason-code.ts';
import { decodeText } from './text.ts';

export function malformed(what: string): ProtocolError {
  return new ProtocolError(ReasonCode.malformedPacket, what);
}

/** The code itself, if this packet has it from this side. */
export function checkReasonCode(reasonCode: number, type: PacketWithReason, sender: Sender): number {
  if (isReasonCodeOf(type, reasonCode, sender)) return reasonCode;
  const hex = reasonCode.toString(16).padStart(2, '0');
  throw new ProtocolError(ReasonCode.protocolError, `reason code 0x${hex} in ${type.toUpperCase()}`);
}

/**
 * A cursor over one packet (or one property section). Every read is checked against `end`, so nothing ever reads
 * into the packet behind. Moved from packet to packet instead of being made for each.
 */
export class Reader {
  bytes: Uint8Array = new Uint8Array(0);
  position = 0;
  end = 0;

  reset(bytes: Uint8Array, position: number, end: number): void {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  byte(): number {
    if (this.position >= this.end) throw malformed('packet ends too early');
    return this.bytes[this.position++] ?? 0;
  }

  uint16(): number {
    const { bytes, position } = this;
    if (position + 2 > this.end) throw malformed('packet ends too early');
    this.position = position + 2;
    return ((bytes[position] ?? 0) << 8) | (bytes[position + 1] ?? 0);
  }

  uint32(): number {
    return this.uint16() * 0x10000 + this.uint16();
  }

  /** §1.5.5: at most four bytes, and the shortest form [MQTT-1.5.5-1]. */
  variableInteger(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw malformed('length is not in its shortest form');
        return value;
      }
    }
    throw malformed('length of more than four bytes');
  }

  text(): string {
    const length = this.uint16();
    const start = this.position;
    if (start + length > this.end) throw malformed('text ends outside the packet');
    this.position = start + length;
    const text = decodeText(this.bytes, start, start + length);
    if (text === undefined) throw malformed('text is not UTF-8');
    return text;
  }

  /** A view. */
  binary(): Uint8Array {
    const length = this.uint16();
    const start = this.position;
    if (start + length > this.end) throw malformed('data ends outside the packet');
    this.position = start + length;
    return this.bytes.subarray(start, start + length);
  }

  /** A view on all that is left. */
  rest(): Uint8Array {
    const start = this.position;
    this.position = this.end;
    return this.bytes.subarray(start, this.end);
  }

  /** [MQTT-2.2.1-2], [MQTT-2.2.1-3], [MQTT-2.2.1-4]: never 0. */
  packetId(): number {
    const id = this.uint16();
    if (id === 0) throw malformed('packet identifier 0');
    return id;
  }
}
