// SPDX-License-Identifier: Apache-2.0
// A reader of DER that takes nearly everything, and a writer: to change certificates below the surface. Extensions are
// opened too, where what an OCTET STRING holds is itself a value.

export interface DerNode {
  tag: number;
  content: Uint8Array;
  readonly children: DerNode[];
  /** Written with one octet more than its length needs, as BER allows and DER does not. */
  isLong?: boolean;
}

const depthMax = 12;

/** `opensOctets`: what an OCTET STRING holds is read too; it need not be DER, nor a value at all. */
export function readTree(bytes: Uint8Array, opensOctets: boolean): DerNode | undefined {
  const nodes = readAll(bytes, 0, opensOctets);
  return nodes?.length === 1 ? nodes[0] : undefined;
}

/** Undefined unless the bytes are values from end to end. */
function readAll(bytes: Uint8Array, depth: number, opensOctets: boolean): DerNode[] | undefined {
  const nodes: DerNode[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at + 1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first & 3;
    const start = at + 2 + lengthBytes;
    let length = lengthBytes === 0 ? first : 0;
    for (let index = at + 2; index < start; index++) length = length * 256 + (bytes[index] ?? 0);
    const end = start + length;
    if (end > bytes.length) return undefined;
    nodes.push(node(bytes[at] ?? 0, bytes.slice(start, end), depth, opensOctets));
    at = end;
  }
  return nodes;
}

function node(tag: number, content: Uint8Array, depth: number, opensOctets: boolean): DerNode {
  const opens =
    ((tag & 0x20) !== 0 || (tag === 0x04 && opensOctets)) && content.length > 0 && depth < depthMax;
  return { tag, content, children: (opens ? readAll(content, depth + 1, opensOctets) : undefined) ?? [] };
}

export function encode({ tag, content, children, isLong }: DerNode, depth = 0): Uint8Array {
  if (depth > depthMax) return new Uint8Array(0);
  const inner =
    children.length === 0 ? content : Buffer.concat(children.map((child) => encode(child, depth + 1)));
  const { length } = inner;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, (length >> 8) & 0xff, length & 0xff];
  if (isLong === true && length < 0x80) head.unshift(0x81);
  return Buffer.concat([Uint8Array.of(tag, ...head), inner]);
}
