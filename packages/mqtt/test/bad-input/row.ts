// SPDX-License-Identifier: Apache-2.0

/**
 * What the server answers. A packet is its name and reason codes in hex; DISCONNECT, and CONNACK that refuses, are the
 * last one before the connection ends. `closed`: it ends without a word. `ignored`: nothing, and it goes on.
 */
export type Answer = string;

/** One wrong packet and what comes of it, wherever a client may be. */
export interface Row {
  /** With the clause that is not kept, where there is one. */
  readonly wrong: string;
  readonly v5?: string;
  readonly v4?: string;
  /** Before anything else was sent. Default: `closed`; the version of the client is not known yet [MQTT-3.1.0-1]. */
  readonly first5?: Answer;
  readonly first4?: Answer;
  /** On an open connection, also while an authentication is repeated. Default: `disconnect 81` [MQTT-4.13.1-1]. */
  readonly open5?: Answer;
  /** Default: `closed` [MQTT3-4.8.0-1]; 3.1.1 has no DISCONNECT of a server. */
  readonly open4?: Answer;
  /**
   * While an enhanced authentication goes on. Default: the reason of `open5`, in CONNACK; 0x82 where CONNACK does not
   * have it or the packet would be right on an open connection [MQTT-3.1.2-30].
   */
  readonly signingIn?: Answer;
}

/** What comes behind a DISCONNECT of the client is not looked at. */
export const afterDisconnect: Answer = 'closed';

const saidByConnack = new Set(['disconnect 81', 'disconnect 82', 'disconnect 95']);

export function signingInOf({ signingIn, open5 = 'disconnect 81' }: Row): Answer {
  if (signingIn !== undefined) return signingIn;
  return saidByConnack.has(open5) ? open5.replace('disconnect', 'connack') : 'connack 82';
}
