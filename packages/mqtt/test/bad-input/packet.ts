// SPDX-License-Identifier: Apache-2.0
// Packets in hex, so that anything can be wrong in them but what is not meant to be.

export function hex(value: number, bytes = 1): string {
  return value.toString(16).padStart(bytes * 2, '0');
}

export function bytesOf(digits: string): number {
  return digits.replaceAll(' ', '').length / 2;
}

/** Variable Byte Integer, §1.5.5. */
export function variable(value: number): string {
  return value < 0x80 ? hex(value) : hex((value & 0x7f) | 0x80) + variable(value >>> 7);
}

export function packet(first: string, ...parts: string[]): string {
  const body = parts.join('');
  return `${first} ${variable(bytesOf(body))} ${body}`;
}

/** With its length in front: of a text, or of any bytes. */
export function data(digits: string): string {
  return hex(bytesOf(digits), 2) + digits;
}

export function text(characters: string): string {
  return data(Buffer.from(characters).toString('hex'));
}

export function section(...properties: string[]): string {
  const body = properties.join('');
  return variable(bytesOf(body)) + body;
}

export interface Connect {
  flags?: string;
  /** With its length. */
  properties?: string;
  clientId?: string;
  /** What follows the client identifier. */
  rest?: string;
}

export function connect(
  version: 4 | 5,
  { flags = '02', properties = section(), clientId = text('bad'), rest = '' }: Connect,
): string {
  const head = `${text('MQTT')}${hex(version)}${flags}0000`;
  return packet('10', head, version === 5 ? properties : '', clientId, rest);
}

/** Version 5. */
export function publish(first: string, topic: string, properties = section(), rest = ''): string {
  const packetId = (Number.parseInt(first, 16) & 6) === 0 ? '' : '0001';
  return packet(first, topic, packetId, properties, rest);
}

/** Version 5. */
export function subscribe(filter: string, options: string, properties = section()): string {
  return packet('82', '0001', properties, filter, options);
}
