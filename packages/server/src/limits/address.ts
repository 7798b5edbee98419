// SPDX-License-Identifier: Apache-2.0

/**
 * Under what an address is counted. IPv6 by its first 64 bits: that much belongs to one subscriber (RFC 6177), who
 * would otherwise have 2⁶⁴ names. An IPv4 address that came over an IPv6 socket is IPv4 (RFC 4291 §2.5.5.2).
 */
export function addressKey(address: string): string {
  const [bare = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!bare.includes(':')) return bare;
  const [head = '', tail] = bare.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Math.max(0, 8 - front.length - back.length);
  const groups = tail === undefined ? front : [...front, ...Array<string>(zeros).fill('0'), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** The address of `address:port`, as a transport reports it. */
export function addressOfRemote(remote: string): string {
  return remote.slice(0, remote.lastIndexOf(':'));
}
