// SPDX-License-Identifier: Apache-2.0
import { isIPv4 } from 'node:net';

/** Of this machine: 127.0.0.0/8 (RFC 1122 §3.2.1.3), also as an IPv4-mapped address, or ::1 (RFC 4291 §2.5.3). */
export function isLoopbackAddress(address: string): boolean {
  const ipv4 = address.replace(/^::ffff:/i, '');
  return address === '::1' || (isIPv4(ipv4) && ipv4.startsWith('127.'));
}

/** A host as it is written in a configuration or a Host header; `localhost` is loopback (RFC 6761 §6.3). */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host);
}
