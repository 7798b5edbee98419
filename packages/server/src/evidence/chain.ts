// SPDX-License-Identifier: Apache-2.0

/** Clients that announce less than this get no certificates with seals and evidence [DELIV-7]. */
const roomForChain = 2_048;

const none: readonly Uint8Array[] = [];

/** The certificates to send along to this client, if it has room for them. */
export function chainFor(
  client: { readonly maximumPacketSize: number | undefined },
  chain: readonly Uint8Array[],
): readonly Uint8Array[] {
  return (client.maximumPacketSize ?? Infinity) < roomForChain ? none : chain;
}
